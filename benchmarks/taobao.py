"""HCR's Taobao setting, in one go, on a click and purchase log with price and category.

    python benchmarks/taobao.py --data DIR         Alibaba's e-commerce log; its card is datasets/alibaba/README.md

Run again with the same --out it goes on where it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from common import DECODERS, Seeds, finish, recipes_for, run, say_data

from graphrec.benchmark import run_benchmark
from graphrec.preparation import prepare_once


def main(
    data: Annotated[Path, typer.Option(help="Folder of the raw files.")],
    out: Annotated[Path, typer.Option(help="Where everything goes.")] = Path("runs/taobao"),
    like: Annotated[str, typer.Option(help="`buy`, or `any` of collect, cart and buy.")] = "buy",
    seeds: Seeds = 1,
) -> None:
    prepared = prepare_once("alibaba", data, out / "prepared", {"like": like})
    say_data(prepared, f"real: Alibaba's e-commerce log in {data}; a like is: {like}")
    recipes = recipes_for("taobao", prepared, DECODERS)
    finish(run_benchmark(recipes, out, seeds=range(seeds), title=f"Alibaba e-commerce, like = {like}"), out)


if __name__ == "__main__":
    run(main)
