"""HCR's experiments on Tiktok: its Tables 1 to 3 and Figures 5 to 7, a report and embeddings.

    python benchmarks/tiktok.py                    the simulated twin, whose truth is known
    python benchmarks/tiktok.py --data DIR         real files, in the ICME-2019 or DiffMM's layout

Add --full for every method, tuned, three seeds. The same command resumes where it was interrupted.
"""

from __future__ import annotations

from pathlib import Path

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
from graphrec.experiments.papers import HCR


def main(
    data: Data = TWIN, out: Out = Path("runs/tiktok"), full: Full = False, seeds: Seeds = None, trials: Trials = None
) -> None:
    twin, mode = data == TWIN, mode_of(full, seeds, trials)
    title = "Tiktok twin" if twin else "Tiktok"
    with benchmark_folder(out, data, mode, "tiktok-twin", "tiktok", benchmark="tiktok"):
        raw = raw_files("tiktok", data, out)
        ready = prepared("tiktok", raw, out, title)
        # DiffMM's files have one behaviour and their own split.
        recipe = "tiktok" if gr.load(ready).single_behaviour else "tiktok-twin"
        reproduce_paper(HCR, recipe, ready, out, mode, title=title, truth=raw if twin else None)


if __name__ == "__main__":
    run(main)
