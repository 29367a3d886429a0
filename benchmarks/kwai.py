"""HCR's experiments on Kwai: its Tables 1 to 3 and Figures 5 to 7, a report and embeddings.

    python benchmarks/kwai.py                    the simulated twin, whose truth is known
    python benchmarks/kwai.py --data DIR         real files, in the challenge's or MMGCN's layout

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
    data: Data = TWIN, out: Out = Path("runs/kwai"), full: Full = False, seeds: Seeds = None, trials: Trials = None
) -> None:
    twin, mode = data == TWIN, mode_of(full, seeds, trials)
    title = "Kwai twin" if twin else "Kwai"
    with benchmark_folder(out, data, mode, "kwai", "kwai-given", benchmark="kwai"):
        raw = raw_files("kwai", data, out)
        ready = prepared("kwai", raw, out, title)
        # MMGCN's files have one behaviour and their own split.
        recipe = "kwai-given" if gr.load(ready).single_behaviour else "kwai"
        reproduce_paper(HCR, recipe, ready, out, mode, title=title, truth=raw if twin else None)


if __name__ == "__main__":
    run(main)
