"""Amazon ratings, in one go: a rating is a click, 4 stars or more a like; HCR's chronological split.

    python benchmarks/amazon.py                    the simulated twin, whose truth is known: pictures draw ratings
    python benchmarks/amazon.py --data DIR         a category's real files: ratings or reviews, meta, image features
    python benchmarks/amazon.py --data FILE        `user,item,rating,unix time` rows without a header; .gz and .zip too

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

COLUMNS = {"user": "0", "item": "1", "rating": "2", "timestamp": "3"}
OPTIONS = {"header": "false", "delimiter": ",", "like_at": "4", **COLUMNS}


def main(
    data: Annotated[str, typer.Option(help="`twin`, the folder of the real files, or a ratings file.")] = "twin",
    out: Annotated[Path, typer.Option(help="Where everything goes.")] = Path("runs/amazon"),
    seeds: Seeds = 1,
) -> None:
    twin = data == "twin"
    raw = out / "raw" if twin else Path(data)
    if twin and not (raw / "truth").is_dir():
        gr.simulate("amazon", raw)
    source = ("amazon", {}) if raw.is_dir() else ("table", OPTIONS)
    prepared = prepare_once(source[0], raw, out / "prepared", source[1])
    say_data(prepared, "SIMULATED: a twin of Amazon with known truth" if twin else f"real: ratings in {raw}")
    with_pictures = "visual" in gr.load(prepared).features
    decoders = {name: decoder for name, decoder in DECODERS.items() if with_pictures or name != "causalrec"}
    result = run_benchmark(
        recipes_for("amazon" if with_pictures else "toys", prepared, decoders),
        out,
        seeds=range(seeds),
        truth=raw if twin else None,
        target="satisfaction",
        title="Amazon twin (simulated)" if twin else f"Amazon ratings: {raw.name}",
    )
    finish(result, out)


if __name__ == "__main__":
    run(main)
