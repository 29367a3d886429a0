"""Every kind of file that graphrec writes and reads again, cut at each 1/256 of its length and with bits flipped.

    python benchmarks/reliability/damage.py --flips 1000 --out runs/damage

A damage is caught if what reads the file ends with a typed error that names it. What the check costs is measured on
tables of a real size: seconds to hash them, beside seconds to read them.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

import graphrec as gr
from graphrec.errors import GraphrecError
from graphrec.experiments.benchmark.folder import lock_folder
from graphrec.report.run_records import ledger
from graphrec.runs.artifacts import load_ids, load_tables
from graphrec.simulation.truth import Truth
from graphrec.system.files import sha256
from graphrec.system.integrity import verify
from graphrec.system.owned_folder import claim, claim_if_new, write_own_json, write_own_text
from graphrec.training.checkpoint import load_weights, save_weights

CUTS = 256
OPTIONS = {"benchmark": "kwai", "mode": "quick"}


def folder_of_a_run(work: Path) -> Path:
    """A small run with all that commands add to it; its data and world beside it."""
    raw = gr.simulate("tiktok", work / "world", users=60, items=40, shown=20)
    data = gr.prepare("tiktok", raw, work / "prepared")
    recipe = gr.Recipe.from_dict(
        {
            "data": {"path": str(data)},
            "backbone": {"name": "mf", "embedding_size": 8},
            "decoder": {"name": "hcr"},
            "training": {"epochs": 2, "monitor": "ndcg@10"},
            "evaluation": {"k": [10]},
        }
    )
    run = gr.train(recipe, work / "run")
    run.evaluate(["front_door"])
    write_own_json(run.folder / "refutation" / "results.json", {"placebo": {"passed": True}})
    run.export(work / "export", "parquet")
    claim(work / "interrupted", "run")
    save_weights(work / "interrupted" / "training.safetensors", {"model/a": torch.randn(40, 8)}, {"state": "{}"})
    with lock_folder(work / "benchmark", OPTIONS):
        (work / "benchmark" / "prepared").mkdir()
    return run.folder


def readers(work: Path) -> Iterator[tuple[Path, Callable[[], Any]]]:
    """A file of each kind, and what reads it."""
    run, data, truth, export = work / "run", work / "prepared", work / "world" / "truth", work / "export"
    yield run / "run.json", lambda: gr.Run(run)
    yield run / "recipe.toml", lambda: gr.Run(run)
    yield run / "graphrec.json", lambda: gr.Run(run)
    yield run / "history.jsonl", lambda: gr.Run(run).history
    yield run / "weights.safetensors", lambda: gr.Run(run).model
    yield run / "tables.safetensors", lambda: load_tables(run)
    yield run / "users.parquet", lambda: load_ids(run, "users")
    yield run / "ledger.jsonl", lambda: ledger(gr.Run(run))
    yield run / "metrics.json", lambda: list(gr.Run(run).results)
    yield next((run / "per_user").glob("*.parquet")), lambda: next(iter(gr.Run(run).results)).per_user
    yield run / "refutation" / "results.json", lambda: gr.Run(run).refutation()
    yield (
        work / "interrupted" / "training.safetensors",
        lambda: load_weights(work / "interrupted" / "training.safetensors"),
    )
    for name in ("manifest.json", "users.parquet", "interactions.parquet", "features.safetensors"):
        yield data / name, lambda: gr.load(data)
    for name in ("latents.safetensors", "world.json"):
        yield truth / name, lambda: Truth.load(truth)
    yield work / "benchmark" / "benchmark.json", lambda: _open_benchmark(work / "benchmark")
    for name in ("embeddings.json", "items.parquet", "branch"):
        path = export / name
        yield (next(path.rglob("*.parquet")) if path.is_dir() else path), lambda: _verified(export)


def _open_benchmark(folder: Path) -> None:
    with lock_folder(folder, OPTIONS):
        pass


def _verified(folder: Path) -> None:
    for state in verify(folder):
        if state.is_wrong:
            raise GraphrecError("damaged", where=folder / state.path)


def damages(content: bytes, flips: int, draw: random.Random) -> Iterator[bytes]:
    """The content cut at each 1/256, then with a bit flipped."""
    yield from {content[: len(content) * cut // CUTS] for cut in range(CUTS)}
    for _ in range(flips):
        flipped = bytearray(content)
        flipped[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        yield bytes(flipped)


def try_kind(path: Path, read: Callable[[], Any], flips: int) -> tuple[int, int]:
    """How many damages there were, and how many were caught by a typed error that names the file."""
    content, tried, caught = path.read_bytes(), 0, 0
    read()
    for damaged in damages(content, flips, random.Random(path.name)):
        path.write_bytes(damaged)
        tried += 1
        try:
            read()
        except GraphrecError as error:
            caught += str(path) in str(error)
    path.write_bytes(content)
    read()
    return tried, caught


def cost(work: Path, rows: int) -> tuple[float, float, float]:
    """MB of tables with so many rows, seconds to hash them and seconds to read them, best of three."""
    claim(work / "large", "run")
    path = work / "large" / "tables.safetensors"
    save_weights(path, {f"main/fused/{side}": torch.randn(rows, 64) for side in ("user", "item")})
    hashing = min(_seconds(lambda: sha256(path)) for _ in range(3))
    load_weights(path)  # hashed here, and not again in this process
    reading = min(_seconds(lambda: [tensor.sum() for tensor in load_weights(path)[0].values()]) for _ in range(3))
    return path.stat().st_size / 1e6, hashing, reading


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main(
    flips: Annotated[int, typer.Option(help="Flipped bits of each file.")] = 1000,
    rows: Annotated[int, typer.Option(help="Rows of each table whose hashing is timed.")] = 500_000,
    out: Annotated[Path | None, typer.Option(help="Folder of the result.")] = None,
) -> None:
    lines, missed = [], 0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        folder_of_a_run(work)
        for path, read in readers(work):
            tried, caught = try_kind(path, read, flips)
            missed += tried - caught
            lines.append(
                f"| `{path.relative_to(work).as_posix()}` | {path.stat().st_size:,} | {tried:,} | {caught:,} |"
            )
            print(lines[-1], flush=True)
        megabytes, hashing, reading = cost(work, rows)
    text = f"""# Damaged files

`python benchmarks/reliability/damage.py --flips {flips} --rows {rows} --out OUT`

Each file was cut at each 1/256 of its length and had {flips:,} single bits flipped, one at a time. Caught: what reads
the file ends with an error that names it.

| file | bytes | damages | caught |
|---|---|---|---|
{chr(10).join(lines)}

To hash tables of {megabytes:,.0f} MB takes {hashing:.2f} s, once a process; to read and sum them takes {reading:.2f} s.
"""
    print(text.splitlines()[-1])
    if out is not None:
        claim_if_new(out, "measurement")
        write_own_text(out / "damage.md", text)
    if missed:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
