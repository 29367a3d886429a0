"""Kwai, in one go: raw files to trained methods, a table, a report and embeddings.

    python benchmarks/kwai.py                    the simulated twin, whose truth is known
    python benchmarks/kwai.py --data DIR         real files, in the challenge's or MMGCN's layout

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
    out: Annotated[Path, typer.Option(help="Where everything goes.")] = Path("runs/kwai"),
    seeds: Seeds = 1,
) -> None:
    twin = data == "twin"
    raw = out / "raw" if twin else Path(data)
    if twin and not (raw / "truth").is_dir():
        gr.simulate("kwai", raw)
    prepared = prepare_once("kwai", raw, out / "prepared")
    say_data(prepared, "SIMULATED: a twin of Kwai with known truth" if twin else f"real: Kwai files in {raw}")
    given_split = not twin and gr.load(prepared).single_behaviour
    recipes = recipes_for("kwai-given" if given_split else "kwai", prepared, DECODERS)
    result = run_benchmark(
        recipes,
        out,
        seeds=range(seeds),
        truth=raw if twin else None,
        title="Kwai twin (simulated)" if twin else "Kwai",
    )
    finish(result, out)


if __name__ == "__main__":
    run(main)
