"""HCR's experiments on Taobao: its Tables 1 to 3 and Figures 5 to 7, a report and embeddings.

    python benchmarks/taobao.py                    the simulated twin, whose truth is known
    python benchmarks/taobao.py --data DIR         real files: one of Taobao's three logs, or Alibaba's log of clicks
                                                   and purchases; see datasets/taobao and datasets/alibaba

Add --full for every method, tuned, three seeds. Run again with the same --out it goes on where it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from common import TWIN, Data, Full, Out, Seeds, Trials, experiment, mode_of, place, prepared, raw_files, run

from graphrec.experiments.papers import HCR

ALIBABA = "ecomm_edge_train.txt"
"""The file that tells Alibaba's log from Taobao's."""


def main(
    data: Data = TWIN,
    out: Out = Path("runs/taobao"),
    full: Full = False,
    seeds: Seeds = None,
    trials: Trials = None,
    like: Annotated[str, typer.Option(help="`buy`, or `any` of what tells that a user was pleased.")] = "buy",
) -> None:
    twin, mode = data == TWIN, mode_of(full, seeds, trials)
    with place(out, data, mode, "taobao-twin", "taobao", benchmark="taobao", like=like):
        raw = raw_files("taobao", data, out)
        source = "alibaba" if (raw / ALIBABA).is_file() else "taobao"
        title = "Taobao twin" if twin else f"{source.capitalize()}, like = {like}"
        ready = prepared(source, raw, out, title, {"like": like})
        recipe = "taobao-twin" if twin else "taobao"
        experiment(HCR, recipe, ready, out, mode, title=title, truth=raw if twin else None)


if __name__ == "__main__":
    run(main)
