"""HCR's experiments on Taobao: its Tables 1 to 3 and Figures 5 to 7, a report and embeddings.

    python benchmarks/taobao.py                    the simulated twin, whose truth is known
    python benchmarks/taobao.py --data DIR         real files: one of Taobao's three logs, or Alibaba's log of clicks
                                                   and purchases; see datasets/taobao and datasets/alibaba

Add --full for every method, tuned, three seeds. The same command resumes where it was interrupted.
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

from graphrec.experiments.papers import HCR

ALIBABA = "ecomm_edge_train.txt"
"""The file that only Alibaba's log has."""


def main(
    data: Data = TWIN,
    out: Out = Path("runs/taobao"),
    full: Full = False,
    seeds: Seeds = None,
    trials: Trials = None,
    like: Annotated[str, typer.Option(help="`buy`, or `any` sign that a user was pleased.")] = "buy",
) -> None:
    twin, mode = data == TWIN, mode_of(full, seeds, trials)
    with benchmark_folder(out, data, mode, "taobao-twin", "taobao", benchmark="taobao", like=like):
        raw = raw_files("taobao", data, out)
        source = "alibaba" if (raw / ALIBABA).is_file() else "taobao"
        title = "Taobao twin" if twin else f"{source.capitalize()}, like = {like}"
        ready = prepared(source, raw, out, title, {"like": like})
        recipe = "taobao-twin" if twin else "taobao"
        reproduce_paper(HCR, recipe, ready, out, mode, title=title, truth=raw if twin else None)


if __name__ == "__main__":
    run(main)
