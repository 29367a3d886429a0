"""Files of others are planted where commands write, in every way that they can lie there; none may be lost or changed.

    python benchmarks/reliability/ownership.py --cases 10000 --out runs/ownership

A case is a number, which decides the command, what was at its destination, and what is planted. It is repeated by
`--first NUMBER --cases 1`. Everything is in a new folder below the system's folder for temporary files, and a hook
stops the whole process should anything be written elsewhere.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import stat
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import typer

import graphrec as gr
from graphrec.cli import main as command_line
from graphrec.system.memory import keep_large_blocks
from graphrec.system.owned_folder import claim_if_new, write_own_json, write_own_text

SIZES = ["--users", "40", "--items", "30", "--set", "shown=12"]
RECIPE = """
[data]
path = "{data}"
[backbone]
name = "mf"
embedding_size = 4
[decoder]
name = "hcr"
[split]
name = "random"
[training]
epochs = 1
batch_size = 4096
monitor = "ndcg@10"
[evaluation]
k = [10]
[tune.space]
"training.learning_rate" = [0.01, 0.02]
"""
NAMES = (
    "thesis.tex", "photo.jpg", "run.json", "recipe.toml", "metrics.json", "history.jsonl", "weights.safetensors",
    "tables.safetensors", "training.safetensors", "users.parquet", "items.parquet", "ledger.jsonl", "manifest.json",
    "interactions.parquet", "world.json", "embeddings.json", "graphrec.json", "study.db", "best.toml", "trials.csv",
    "tune.md", "benchmark.json", "results.csv", "about.json", "report.html", "Metrics.json", "RUN.JSON",
    ".graphrec.lock", ".graphrec.marker.lock", ".lock", ".hidden", "ünï cødé.txt", "a\nb.txt", "per_user",
    "refutation", "truth", "trials", "prepared", "branch", "per_user/mine.csv", "refutation/results.json",
    "refutation/refutation.md", "truth/notes.md", "trials/0/mine.txt", "branch/mine.bin", "deep/er/mine.txt",
    ".run.json.1-0123abcd.part",
)  # fmt: skip
"""Names of ours, nearly ours, and of nobody's; of files, of folders, and of files in folders that we would make."""
OUTPUTS = (
    "world",
    "prepared",
    "run",
    "tuned",
    "export",
    "report.html",
    "check.html",
    "graph.svg",
    "effect.svg",
    "log.txt",
    "scaffold",
)
"""What a command may find at its destination: what another, or itself, wrote there."""


@dataclass(frozen=True)
class Verb:
    """A command or a call in Python, and what it writes.

    Args:
        arguments: with `{out}` for the destination, and names of prepared inputs.
        is_file: whether the destination is a file.
    """

    name: str
    arguments: tuple[str, ...]
    is_file: bool = False


VERBS = (
    Verb("simulate", ("simulate", "tiktok", "--out", "{out}", *SIZES)),
    Verb("prepare", ("prepare", "tiktok", "--raw", "{world}", "--out", "{out}")),
    Verb("train", ("train", "{recipe}", "--out", "{out}")),
    Verb("train again", ("train", "{recipe}", "--out", "{out}", "--no-resume")),
    Verb("tune", ("tune", "{recipe}", "--out", "{out}", "--trials", "1")),
    Verb("export", ("export", "{run}", "--out", "{out}")),
    Verb("export npz", ("export", "{run}", "--out", "{out}", "--format", "npz")),
    Verb("evaluate", ("evaluate", "{out}", "--split", "valid")),
    Verb("compare", ("compare", "{run}", "--result-set", "valid", "--out", "{out}"), True),
    Verb("check", ("check", "{prepared}", "--out", "{out}"), True),
    Verb("causal", ("causal", "hcr", "--svg", "{out}"), True),
    Verb("explain", ("explain", "{run}", "--user", "1", "--item", "1", "--svg", "{out}"), True),
    Verb("new", ("new", "backbone", "own_net", "--out", "{out}")),
    Verb("log", ("show", "{recipe}", "--log-file", "{out}"), True),
    Verb("gr.save", ("gr.save",)),
    Verb("gr.train", ("gr.train",)),
    Verb("gr.write_report", ("gr.write_report",), True),
)


class Inputs:
    """What the commands read, and an output of each command, made once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        paths = {name: folder / name for name in ("world", "prepared", "recipe", "run", *OUTPUTS)}
        self.paths = paths
        self.call("simulate", "tiktok", "--out", paths["world"], *SIZES)
        self.call("prepare", "tiktok", "--raw", paths["world"], "--out", paths["prepared"])
        paths["recipe"] = folder / "recipe.toml"
        paths["recipe"].write_text(RECIPE.format(data=paths["prepared"]))
        self.call("train", paths["recipe"], "--out", paths["run"])
        self.call("evaluate", paths["run"], "--split", "valid")
        self.call("tune", paths["recipe"], "--out", paths["tuned"], "--trials", "1")
        self.call("export", paths["run"], "--out", paths["export"])
        self.call("compare", paths["run"], "--result-set", "valid", "--out", paths["report.html"])
        self.call("check", paths["prepared"], "--out", paths["check.html"])
        self.call("causal", "hcr", "--svg", paths["graph.svg"])
        self.call("explain", paths["run"], "--user", "1", "--item", "1", "--svg", paths["effect.svg"])
        self.call("new", "backbone", "own_net", "--out", paths["scaffold"])
        self.call("show", paths["recipe"], "--log-file", paths["log.txt"], "--verbose")

    def call(self, *arguments: object) -> None:
        """Run a command that must succeed."""
        status, error = run_command([str(argument) for argument in arguments])
        if status not in (0, None) and arguments[0] != "check":
            raise RuntimeError(f"{arguments}: {error}")

    def place(self, name: str, destination: Path) -> None:
        """Put a copy of an output where a command will write."""
        source = self.paths[name]
        if source.is_dir():
            shutil.copytree(source, destination)
        elif source.is_file():
            shutil.copy(source, destination)


def run_command(arguments: list[str]) -> tuple[object, str]:
    """The status of a command and what it wrote to stderr; an exception is a status, too."""
    before, out, err = sys.argv, StringIO(), StringIO()
    sys.argv = ["graphrec", *arguments]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            command_line()
    except SystemExit as end:
        return end.code, err.getvalue()
    except Exception as error:
        return type(error).__name__, f"{error}"
    finally:
        sys.argv = before
    return None, err.getvalue()


def run_python(name: str, inputs: Inputs, out: Path) -> tuple[object, str]:
    """The same of a call in Python."""
    try:
        if name == "gr.save":
            gr.save(gr.load(inputs.paths["prepared"]), out)
        elif name == "gr.train":
            gr.train(gr.Recipe.from_toml(inputs.paths["recipe"]), out)
        else:
            gr.write_report([gr.Run(inputs.paths["run"])], out, split="valid")
    except gr.GraphrecError as error:
        return 2, str(error)
    except Exception as error:
        return type(error).__name__, f"{error}"
    return 0, ""


KINDS = (
    "text", "text", "text", "json", "empty", "read-only", "link", "loose link", "folder", "full folder", "pipe",
    "socket",
)  # fmt: skip
MARKERS = (
    "{}",
    "[]",
    '{"kind": "run", "files": {}, "digest": "0", "format": 1}',
    '{"status": "complete", "schema": 3}',
)
"""What looks like the manifests and lists that graphrec writes."""
MATCHING = {
    "simulate": "world",
    "prepare": "prepared",
    "gr.save": "prepared",
    "tune": "tuned",
    "new": "scaffold",
    "log": "log.txt",
    "compare": "report.html",
    "gr.write_report": "report.html",
    "check": "check.html",
    "causal": "graph.svg",
    "explain": "effect.svg",
    "export": "export",
    "export npz": "export",
}
"""By verb, which output is its own; a run for the others."""

Planted = dict[Path, tuple[str, bytes]]


def plant(draw: random.Random, path: Path) -> None:
    """Something of somebody else's at `path`, if nothing is there."""
    if os.path.lexists(path):
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    kind = draw.choice(KINDS)
    if kind == "text":
        path.write_bytes(draw.randbytes(draw.randrange(1, 200)))
    elif kind == "json":
        path.write_text(draw.choice(MARKERS))
    elif kind == "empty":
        path.touch()
    elif kind == "read-only":
        path.write_text("mine")
        path.chmod(0o444)
    elif kind == "link":
        path.symlink_to(draw.choice((path.parents[2] / "outside.txt", path.parents[2])))
    elif kind == "loose link":
        path.symlink_to("nowhere")
    elif kind == "folder":
        path.mkdir()
    elif kind == "full folder":
        path.mkdir()
        (path / "mine.txt").write_text("mine")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        with socket.socket(socket.AF_UNIX) as server, working_folder(path.parent):
            server.bind(path.name)


@contextmanager
def working_folder(folder: Path) -> Iterator[None]:
    """Within it the working folder is another; a socket's name may have 108 characters."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def state(folder: Path) -> Planted:
    """Kind and content of everything below a folder, links not followed."""
    states: Planted = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            states[path] = ("link", os.fsencode(os.readlink(path)))
        elif stat.S_ISREG(mode):
            states[path] = ("file", path.read_bytes())
        else:
            states[path] = (oct(stat.S_IFMT(mode)), b"")
    return states


@dataclass(frozen=True)
class Case:
    """What happened in a case.

    Args:
        lost: paths of planted files that are gone or changed.
        foreign: an exception that is no typed error.
    """

    number: int
    verb: str
    planted: int
    lost: tuple[str, ...]
    status: object
    foreign: str


def run_case(number: int, inputs: Inputs, work: Path) -> Case:
    """Plant, run the command, and compare."""
    draw = random.Random(number)
    verb = VERBS[number % len(VERBS)]
    area = work / f"case-{number}"
    parent = area / "in" / "here"
    parent.mkdir(parents=True)
    (area / "outside.txt").write_text("outside")
    (area / "in" / "outside.txt").write_text("outside too")
    out = parent / draw.choice(("out", "out", "out.html", "web", "données"))
    own: Planted = {}
    if draw.random() < 0.7:
        matching = MATCHING.get(verb.name, "run")
        name = matching if draw.random() < 0.7 else draw.choice(OUTPUTS)
        inputs.place(name, out)
        own = state(parent)
    for _ in range(draw.randrange(1, 5)):
        where = draw.random()
        if where < 0.75:
            plant(draw, out / draw.choice(NAMES) if out.is_dir() or not os.path.lexists(out) else out)
        elif where < 0.85:
            plant(draw, parent / draw.choice(NAMES))
        else:
            plant(draw, out)
    changed = [path for path in own if own[path][0] == "file" and path.name not in ("graphrec.json", "study.db")]
    if changed and draw.random() < 0.3:
        path = draw.choice(changed)
        path.write_bytes(draw.choice((b"", path.read_bytes() + b" mine", b"mine")))
        own.pop(path)
    before = {path: what for path, what in state(area).items() if path not in own}
    arguments = [part.format(out=out, **inputs.paths) for part in verb.arguments]
    here = draw.choice((parent, parent, out if out.is_dir() else parent))
    if draw.random() < 0.1 and verb.arguments[0] in ("train", "prepare", "export", "simulate", "tune"):
        arguments[arguments.index(str(out))] = draw.choice((".", "..", "./", str(area)))
    with working_folder(here):
        status, message = run_python(verb.name, inputs, out) if verb.name.startswith("gr.") else run_command(arguments)
    after = state(area) if area.is_dir() else {}
    lost = tuple(str(path.relative_to(area)) for path, what in before.items() if not _still(path, what, after, verb))
    foreign = f"{status}: {message[-300:]}" if isinstance(status, str) else ""
    for path in [area, *area.rglob("*")] if area.is_dir() else []:
        if not path.is_symlink():
            path.chmod(0o700 if path.is_dir() else 0o600)
    shutil.rmtree(area, ignore_errors=True)
    return Case(number, verb.name, len(before), lost, status, foreign)


def _still(path: Path, what: tuple[str, bytes], after: Planted, verb: Verb) -> bool:
    """Whether a planted file is as it was; a log of ours may have grown."""
    now, (kind, content) = after.get(path), what
    if now is None:
        # An empty folder, or an empty file by the name of a lock, cannot be told from ours.
        empty_folder = kind == oct(stat.S_IFDIR) and not any(path in other.parents for other in after)
        return empty_folder or (path.name.endswith(".lock") and not content)
    is_log = verb.name == "log" and now[0] == kind == "file" and b"graphrec" in content
    return now == what or (is_log and now[1].startswith(content))


WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
ELSEWHERE = ("/dev/null", f"/proc/{os.getpid()}/", "/dev/shm")
"""What Python's libraries write to."""


def guard(folder: Path, out: Path | None) -> None:
    """End the process at the first write outside the folder, and outside that of the result; nothing undoes it."""
    inside = os.path.realpath(folder)
    allowed = [inside] if out is None else [inside, os.path.realpath(out)]
    of_one = ("os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod")

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        count = 1 if event in of_one else 2 if event in ("os.rename", "os.link", "os.symlink") else 0
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES:
            count = 1
        # What a link leads to is text; the link itself is written.
        for path in arguments[1:2] if event == "os.symlink" else arguments[:count]:
            if not isinstance(path, (str, bytes)):
                continue
            name = os.fsdecode(path)
            if event in of_one and not os.path.isabs(name) and isinstance(arguments[-1], int) and arguments[-1] >= 0:
                name = os.path.join(os.readlink(f"/proc/self/fd/{arguments[-1]}"), name)  # relative to a folder
            real = os.path.join(os.path.realpath(os.path.dirname(name) or "."), os.path.basename(name))
            if real not in allowed and not real.startswith((*(name + os.sep for name in allowed), *ELSEWHERE)):
                os.write(2, f"a write outside {inside}: {event} {real}\n".encode())
                os._exit(3)

    sys.addaudithook(watch)


def main(
    cases: Annotated[int, typer.Option(help="How many cases.")] = 10_000,
    first: Annotated[int, typer.Option(help="The number of the first.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder of the result.")] = None,
) -> None:
    keep_large_blocks()
    began = time.time()
    counts: Counter[str] = Counter()
    verbs: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder).resolve()
        os.environ |= {"TMPDIR": str(work), "TORCHINDUCTOR_CACHE_DIR": str(work / "i"), "MPLCONFIGDIR": str(work / "m")}
        guard(work, out)
        inputs = Inputs(work / "inputs")
        read = state(inputs.folder)
        for number in range(first, first + cases):
            case = run_case(number, inputs, work)
            verbs[case.verb] += 1
            statuses[str(case.status)] += 1
            counts.update(cases=1, planted=case.planted, lost=len(case.lost), foreign=bool(case.foreign))
            if case.lost or case.foreign:
                print(case)
            if number % 500 == 499:
                print(dict(counts), f"{time.time() - began:.0f} s", flush=True)
        changed = [
            str(path)
            for path, what in read.items()
            if path.suffix != ".jsonl" and state(inputs.folder).get(path) != what
        ][:3]
    print(dict(counts), dict(statuses), "inputs changed:", changed)
    if out is not None:
        claim_if_new(out, "measurement")
        write_own_json(
            out / "ownership.json", {"counts": counts, "verbs": verbs, "statuses": statuses, "inputs_changed": changed}
        )
        write_own_text(out / "ownership.md", _markdown(counts, verbs, statuses, first, cases))
    if counts["lost"] or counts["foreign"] or changed:
        raise typer.Exit(1)


def _markdown(counts: Counter[str], verbs: Counter[str], statuses: Counter[str], first: int, cases: int) -> str:
    rows = "\n".join(f"| {name} | {count:,} |" for name, count in verbs.items())
    return f"""# Files of others where commands write

`python benchmarks/reliability/ownership.py --cases {cases} --first {first} --out OUT`

{counts["cases"]:,} cases, {counts["planted"]:,} files, folders, links, pipes and sockets of others at or beside the
destination: **{counts["lost"]} lost or changed, {counts["foreign"]} exceptions that are no typed error.** The commands
ended with status 0 in {statuses["0"] + statuses["None"]:,} cases and refused in {statuses["2"]:,}. An empty folder, and
an empty file by the name of a lock, count as nobody's.

| command or call | cases |
|---|---|
{rows}
"""


if __name__ == "__main__":
    typer.run(main)
