"""Kwai, in one go: raw files to trained methods, a table, a report and embeddings.

    python benchmarks/kwai.py                    the simulated twin, whose truth is known
    python benchmarks/kwai.py --data DIR         real files, in the challenge's or MMGCN's layout

Run again with the same --out it goes on where it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from common import Seeds, run, twin_or_real


def main(
    data: Annotated[str, typer.Option(help="`twin`, or the folder of the real files.")] = "twin",
    out: Annotated[Path, typer.Option(help="Where everything goes.")] = Path("runs/kwai"),
    seeds: Seeds = 1,
) -> None:
    twin_or_real("kwai", data, out, seeds, recipe="kwai", given_recipe="kwai-given")


if __name__ == "__main__":
    run(main)
