"""CausalRec's experiments on Amazon: its Tables 1 and 2 and Figures 5 to 7, a report and embeddings.

    python benchmarks/amazon.py                    the simulated twin, whose truth is known: pictures draw ratings
    python benchmarks/amazon.py --data DIR         real files of a category: ratings, reviews or lists, meta, images
    python benchmarks/amazon.py --data FILE        `user,item,rating,unix time` rows without a header; .gz and .zip too

A rating is an interaction. Where there are no pictures, and 4 stars or more tell a like from a click, HCR's experiments
are made instead. Add --full for every method, tuned, three seeds. The same command resumes where it was
interrupted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from common import (
    TWIN,
    Data,
    Full,
    Out,
    Seeds,
    Trials,
    benchmark_folder,
    mode_of,
    prepared,
    raw_files,
    reproduce_paper,
    run,
)

import graphrec as gr
from graphrec.errors import RunError
from graphrec.experiments.papers import CAUSALREC, HCR

COLUMNS = {"header": "false", "delimiter": ",", "user": "0", "item": "1", "rating": "2", "timestamp": "3"}
PICTURES = ("data.modalities=['visual']", "data.roles.visual=exposure")


def main(
    data: Data = TWIN,
    out: Out = Path("runs/amazon"),
    full: Full = False,
    seeds: Seeds = None,
    trials: Trials = None,
    category: Annotated[str, typer.Option(help="Such as Office_Products, where the folder holds several.")] = "",
) -> None:
    twin, mode = data == TWIN, mode_of(full, seeds, trials)
    if twin and category:
        raise RunError(
            "--category is for real files",
            expected="--data with --category",
            got=f"--category {category} alone, which would simulate the twin",
            next_step="name the files' folder with --data, or leave out --category",
        )
    with benchmark_folder(out, data, mode, "causalrec", "toys", benchmark="amazon", category=category):
        raw = raw_files("amazon", data, out)
        title = "Amazon twin" if twin else f"Amazon {category or raw.name}"
        if raw.is_file():
            ready = prepared("table", raw, out, title, {**COLUMNS, "like_at": "4"})
        else:
            with_images = any(raw.glob(f"image_features_{category or '*'}.b"))
            options = {"filter": "single_pass", "with_images": "true"} if with_images else {}
            ready = prepared("amazon", raw, out, title, options | ({"category": category} if category else {}))
        dataset = gr.load(ready)
        pictures = "visual" in dataset.features
        truth, settings = raw if twin else None, PICTURES if pictures else ()
        if pictures or dataset.single_behaviour:
            reproduce_paper(
                CAUSALREC,
                "causalrec",
                ready,
                out,
                mode,
                title=title,
                truth=truth,
                target="satisfaction",
                settings=settings,
            )
        else:
            reproduce_paper(HCR, "toys", ready, out, mode, title=title, truth=truth)


if __name__ == "__main__":
    run(main)
