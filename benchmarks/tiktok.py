"""Tiktok, in one go: raw files to trained methods, a table, a report and embeddings.

    python benchmarks/tiktok.py                    the simulated twin, whose truth is known
    python benchmarks/tiktok.py --data DIR         real files, in the ICME-2019 or DiffMM's layout

Run again with the same --out it goes on where it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from common import DECODERS, Seeds, finish, recipes_for, run, say_data

import graphrec as gr
from graphrec.benchmark import run_benchmark
from graphrec.preparation import prepare_once


def main(
    data: Annotated[str, typer.Option(help="`twin`, or the folder of the real files.")] = "twin",
    out: Annotated[Path, typer.Option(help="Where everything goes.")] = Path("runs/tiktok"),
    seeds: Seeds = 1,
) -> None:
    twin = data == "twin"
    raw = out / "raw" if twin else Path(data)
    if twin and not (raw / "truth").is_dir():
        gr.simulate("tiktok", raw)
    prepared = prepare_once("tiktok", raw, out / "prepared")
    say_data(prepared, "SIMULATED: a twin of Tiktok with known truth" if twin else f"real: Tiktok files in {raw}")
    given_split = not twin and gr.load(prepared).single_behaviour
    recipes = recipes_for("tiktok" if given_split else "tiktok-twin", prepared, DECODERS)
    result = run_benchmark(
        recipes,
        out,
        seeds=range(seeds),
        truth=raw if twin else None,
        title="Tiktok twin (simulated)" if twin else "Tiktok",
    )
    finish(result, out)


if __name__ == "__main__":
    run(main)
