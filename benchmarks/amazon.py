"""Amazon ratings, in one go: a rating is a click, 4 stars or more a like; HCR's chronological split.

    python benchmarks/amazon.py --data FILE        `user,item,rating,unix time` rows without a header; .gz and .zip too

Run again with the same --out it goes on where it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from common import DECODERS, Seeds, finish, recipes_for, run, say_data

from graphrec.benchmark import run_benchmark
from graphrec.preparation import prepare_once

COLUMNS = {"user": "0", "item": "1", "rating": "2", "timestamp": "3"}
OPTIONS = {"header": "false", "delimiter": ",", "like_at": "4", **COLUMNS}


def main(
    data: Annotated[Path, typer.Option(help="The ratings file.")],
    out: Annotated[Path, typer.Option(help="Where everything goes.")] = Path("runs/amazon"),
    seeds: Seeds = 1,
) -> None:
    prepared = prepare_once("table", data, out / "prepared", OPTIONS)
    say_data(prepared, f"real: ratings in {data}")
    without_features = {name: decoder for name, decoder in DECODERS.items() if name != "causalrec"}
    recipes = recipes_for("toys", prepared, without_features)
    finish(run_benchmark(recipes, out, seeds=range(seeds), title=f"Amazon ratings: {data.name}"), out)


if __name__ == "__main__":
    run(main)
