"""Commands that are killed at random moments and called again: the same result to the bit, and nothing left over.

    python benchmarks/reliability/kills.py --kills 100 --out runs/kills

Each command runs in a process that is forked from one which has imported everything, so that a kill falls into its
work. It gets SIGKILL at a random moment, and now and then SIGTERM, which must end it within five seconds with status
143; it is killed again with one chance in three; then it runs to its end. What it wrote is compared with the result of
a process that nobody disturbed, by the hashes in its list, and the folder is searched for what a kill may leave.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from graphrec.cli import main as command_line
from graphrec.system.integrity import verify
from graphrec.system.marker import read_marker
from graphrec.system.owned_folder import claim_if_new, write_own_text

SIZES = ["--users", "400", "--items", "300", "--set", "shown=40"]
RECIPE = """
[data]
path = "{data}"
[backbone]
name = "{backbone}"
embedding_size = {size}
[decoder]
name = "hcr"
[training]
epochs = {epochs}
batch_size = 256
patience = 1000
monitor = "ndcg@10"
[evaluation]
k = [10]
[tune.space]
"training.learning_rate" = [0.001, 0.01]
"""
TIMES = (
    "run.json",
    "history.jsonl",
    "graphrec.json",
    "ledger.jsonl",
    "study.db",
    "trials.csv",
    "tune.md",
    "about.json",
)
"""Files with times in them: they are there, with other bits."""
STOP_SECONDS = 5.0


@dataclass(frozen=True)
class Verb:
    """A command that is killed.

    Args:
        arguments: with `{out}` for its folder.
    """

    name: str
    arguments: tuple[str, ...]


def forked(arguments: list[str], log: Path) -> int:
    """Start a command in a fork; returns its process."""
    pid = os.fork()
    if pid:
        return pid
    stream = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    sys.argv = ["graphrec", *arguments]
    try:
        command_line()
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 1)
    except BaseException as error:
        print(f"Traceback {error!r}", flush=True)
    os._exit(99)


def ended(pid: int, seconds: float) -> int | None:
    """The status of a process that ends in so many seconds; None if it does not."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    return None


def to_the_end(arguments: list[str], log: Path) -> int:
    """Run a command in a fork until it ends."""
    status = ended(forked(arguments, log), 600)
    return -1 if status is None else status


def bits(folder: Path) -> dict[str, str]:
    """The hashes of the files below a folder, without those that hold times."""
    hashes = {}
    for marker_file in sorted(folder.rglob("graphrec.json")):
        marker = read_marker(marker_file.parent)
        assert marker is not None
        for name, entry in marker.files.items():
            path = marker_file.parent / name
            if path.name not in TIMES and path.is_file():
                hashes[path.relative_to(folder).as_posix()] = entry.sha256
    return hashes


def leftovers(parent: Path) -> list[str]:
    """What a killed process may leave beside and in its folder."""
    return [path.name for path in parent.rglob(".*") if ".part" in path.name or path.name.endswith(".lock")]


def killed_and_repeated(verb: Verb, number: int, work: Path, seconds: float, expected: dict[str, str]) -> list[str]:
    """Kill a command at a random moment, call it again to its end, and say what is wrong."""
    draw = random.Random(f"{verb.name} {number}")
    parent = work / f"{verb.name}-{number}"
    parent.mkdir()
    out, log = parent / "out", work / "log.txt"
    arguments = [part.format(out=out) for part in verb.arguments]
    wrong: list[str] = []
    for _ in range(1 + (draw.random() < 1 / 3)):
        pid = forked(arguments, log)
        if ended(pid, draw.random() * seconds) is not None:
            continue
        is_term = draw.random() < 0.25
        os.kill(pid, signal.SIGTERM if is_term else signal.SIGKILL)
        status = ended(pid, STOP_SECONDS)
        if status is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            wrong.append(f"SIGTERM did not end it in {STOP_SECONDS:g} s")
        elif is_term and status not in (143, 0):
            wrong.append(f"status {status} after SIGTERM")
    status = to_the_end(arguments, log)
    if status:
        wrong.append(f"status {status} when called again: {log.read_text()[-300:]}")
    else:
        if bits(out) != expected:
            wrong.append(f"other bits: {sorted(bits(out).items() ^ expected.items())[:4]}")
        wrong += [f"left over: {name}" for name in leftovers(parent)]
        wrong += [
            f"{state.state}: {state.path}" for state in verify(out) if state.state in ("damaged", "missing", "foreign")
        ]
    shutil.rmtree(parent)
    return wrong


def verbs(work: Path, epochs: int) -> list[Verb]:
    """The commands, after what they read was made."""
    log = work / "log.txt"

    def make(*arguments: object) -> None:
        status = to_the_end([str(argument) for argument in arguments], log)
        if status:
            raise RuntimeError(log.read_text()[-500:])

    make("simulate", "tiktok", "--out", work / "world", *SIZES)
    make("prepare", "tiktok", "--raw", work / "world", "--out", work / "prepared")
    long, short = work / "long.toml", work / "short.toml"
    long.write_text(RECIPE.format(data=work / "prepared", backbone="mmgcn", size=32, epochs=epochs))
    short.write_text(RECIPE.format(data=work / "prepared", backbone="mf", size=8, epochs=3))
    make("train", short, "--out", work / "run")
    return [
        Verb("train", ("train", str(long), "--out", "{out}")),
        Verb("prepare", ("prepare", "tiktok", "--raw", str(work / "world"), "--out", "{out}")),
        Verb("tune", ("tune", str(short), "--out", "{out}", "--trials", "2", "--sampler", "grid")),
        Verb("export", ("export", str(work / "run"), "--out", "{out}", "--format", "parquet")),
        Verb("simulate", ("simulate", "tiktok", "--out", "{out}", *SIZES)),
    ]


def main(
    kills: Annotated[int, typer.Option(help="How often each command is killed.")] = 100,
    epochs: Annotated[int, typer.Option(help="Of the training: so many that it takes 10 to 20 seconds.")] = 60,
    only: Annotated[str, typer.Option(help="These commands alone, separated by commas.")] = "",
    minutes: Annotated[float, typer.Option(help="Begin no further kill after so long.")] = 120,
    out: Annotated[Path | None, typer.Option(help="Folder of the result.")] = None,
) -> None:
    began, lines, failures = time.monotonic(), [], 0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder).resolve()
        for verb in verbs(work, epochs):
            if only and verb.name not in only.split(","):
                continue
            arguments = [part.format(out=work / f"whole-{verb.name}") for part in verb.arguments]
            started = time.monotonic()
            if status := to_the_end(arguments, work / "log.txt"):
                raise RuntimeError(f"{verb.name}: {status} {(work / 'log.txt').read_text()[-500:]}")
            seconds = time.monotonic() - started
            expected = bits(work / f"whole-{verb.name}")
            counts: Counter[str] = Counter()
            for number in range(kills):
                if time.monotonic() - began > minutes * 60:
                    break
                wrong = killed_and_repeated(verb, number, work, seconds, expected)
                counts.update(cases=1, wrong=bool(wrong))
                if wrong:
                    print(verb.name, number, json.dumps(wrong), flush=True)
            failures += counts["wrong"]
            lines.append(f"| {verb.name} | {seconds:.1f} | {len(expected)} | {counts['cases']} | {counts['wrong']} |")
            print(lines[-1], flush=True)
    if out is not None:
        claim_if_new(out, "measurement")
        write_own_text(out / "kills.md", _markdown(lines, kills, epochs))
    if failures:
        raise typer.Exit(1)


def _markdown(lines: list[str], kills: int, epochs: int) -> str:
    return f"""# Killed commands

`python benchmarks/reliability/kills.py --kills {kills} --epochs {epochs} --out OUT`

Each command was killed at a random moment of its work (SIGKILL, every fourth time SIGTERM; every third time twice) and
called again to its end. Wrong: other bits than those of an undisturbed process, something left over, a file that
differs from its hash, or a SIGTERM that did not end it within {STOP_SECONDS:g} s with status 143. The interval of
checkpoints is the real one.

| command | seconds | files compared | kills | wrong |
|---|---|---|---|---|
{chr(10).join(lines)}
"""


if __name__ == "__main__":
    import graphrec.evaluation.ranking
    import graphrec.export.embeddings
    import graphrec.runs.train
    import graphrec.simulation
    import graphrec.tuning  # noqa: F401  a fork must not begin with seconds of imports

    typer.run(main)
