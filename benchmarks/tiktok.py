"""Tiktok, in one go: raw files to trained methods, a table, a report and embeddings.

    python benchmarks/tiktok.py                    the simulated twin, whose truth is known
    python benchmarks/tiktok.py --data DIR         real files, in the ICME-2019 or DiffMM's layout

Run again with the same --out it goes on where it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from common import Seeds, run, twin_or_real


def main(
    data: Annotated[str, typer.Option(help="`twin`, or the folder of the real files.")] = "twin",
    out: Annotated[Path, typer.Option(help="Where everything goes.")] = Path("runs/tiktok"),
    seeds: Seeds = 1,
) -> None:
    twin_or_real("tiktok", data, out, seeds, recipe="tiktok-twin", given_recipe="tiktok")


if __name__ == "__main__":
    run(main)
