"""HCR's experiments on Tiktok: its Tables 1 to 3 and Figures 5 to 7, a report and embeddings.

    python benchmarks/tiktok.py                    the simulated twin, whose truth is known
    python benchmarks/tiktok.py --data DIR         real files, in the ICME-2019 or DiffMM's layout

Add --full for every method, tuned, three seeds. The same command resumes where it was interrupted.
"""

from __future__ import annotations

from pathlib import Path

from common import TWIN, Data, Full, Out, Seeds, Trials, reproduce_hcr, run


def main(
    data: Data = TWIN, out: Out = Path("runs/tiktok"), full: Full = False, seeds: Seeds = None, trials: Trials = None
) -> None:
    # DiffMM's files have one behaviour and their own split.
    reproduce_hcr("tiktok", ("tiktok-twin", "tiktok"), data, out, full, seeds, trials)


if __name__ == "__main__":
    run(main)
