"""Dose and response: how each method fares as one bias grows, on worlds whose truth is known.

    python benchmarks/dose_response.py hidden     a hidden cause of features and likes grows (HCR's claim)
    python benchmarks/dose_response.py visual     pictures draw ever more clicks (CausalRec's claim)

The same command resumes where it was interrupted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from common import RECIPES, run

from graphrec.experiments.dose_response import INTERVENTIONAL, METRICS, OBSERVATIONAL, DoseResponseStudy, run_study
from graphrec.report.dose_response_figure import write_dose_response_figure

CENTRED = "backbone.centre_items=true"
"""Item representations from the mean item: on MMGCN, whose inner products are all far above zero at the start, a
cross-entropy is else learned much more slowly. BPR does not see the difference."""
HIDDEN = DoseResponseStudy(
    parameter="strength",
    values=(0.0, 2.0, 4.0, 6.0, 8.0),
    recipe=RECIPES / "dose-response.toml",
    methods={
        "CT": ("decoder.name=ct",),
        "ESMM": ("decoder.name=esmm", CENTRED),
        "CR": ("decoder.name=cr",),
        "Multi-IPW": ("decoder.name=multi_ipw", CENTRED),
        "Multi-DR": ("decoder.name=multi_dr", CENTRED),
        "DCF": ("decoder.name=dcf",),
        "HCR": ("decoder.name=hcr",),
        "HCR-NS": ("decoder.name=hcr", "decoder.share_embeddings=false"),
        "HCR, all centred": ("decoder.name=hcr", CENTRED),
        "HCR-A": ("decoder.name=hcr_additive",),
    },
)
VISUAL = DoseResponseStudy(
    parameter="attraction_scale",
    values=(0.0, 0.5, 1.0, 2.0, 3.0),
    recipe=RECIPES / "dose-response-visual.toml",
    methods={
        "BPR-MF": ("decoder.name=bpr",),
        "VBPR": ("decoder.name=vbpr",),
        "AMR": ("decoder.name=amr",),
        "CausalRec": ("decoder.name=causalrec",),
        "CausalRec, on likes": ("decoder.name=causalrec", "decoder.behaviour=like"),
        "CausalRec-L": ("decoder.name=causalrec_likes",),
        "CR": ("decoder.name=cr",),
    },
    world={"strength": 0.0, "exposure_shows": "visual"},
    target="satisfaction",
)
FIGURES = {
    "hidden": {
        "methods": ("CT", "ESMM", "CR", "Multi-IPW", "Multi-DR", "DCF", "HCR", "HCR-A"),
        "variants": (
            "HCR",
            "HCR-T",
            "HCR-S1",
            "HCR-S2",
            "HCR-NS",
            "HCR, all centred",
            "HCR-A",
            "HCR-A-T",
            "HCR-A-S1",
            "HCR-A-S2",
        ),
    },
    "visual": {
        "methods": ("BPR-MF", "VBPR", "VBPR with CI", "AMR", "AMR with CI", "CausalRec", "CausalRec w/o CI", "CR"),
        "likes": ("CausalRec", "CausalRec w/o CI", "CausalRec, on likes", "CausalRec-L", "CausalRec-L w/o CI"),
    },
}


def main(
    study: Annotated[str, typer.Argument(help="hidden or visual.")],
    out: Annotated[Path | None, typer.Option(help="Where everything goes; by default runs/dose-STUDY.")] = None,
    seeds: Annotated[int, typer.Option(help="Worlds at each dose.", min=1)] = 5,
    jobs: Annotated[int, typer.Option(help="Worlds at a time, each in a process with one thread.", min=1)] = 1,
    backbone: Annotated[str, typer.Option(help="Backbone of every method.")] = "mmgcn",
) -> None:
    studies = {"hidden": HIDDEN, "visual": VISUAL}
    if study not in studies:
        raise typer.BadParameter("hidden or visual", param_hint="STUDY")
    chosen, out = studies[study], out or Path(f"runs/dose-{study}")
    if backbone != "mmgcn":
        extra = (f"backbone.name={backbone}", *(("backbone.features=true",) if backbone == "lightgcn" else ()))
        chosen = DoseResponseStudy(**{**vars(chosen), "methods": {k: (*v, *extra) for k, v in chosen.methods.items()}})
    table = run_study(chosen, out, range(seeds), jobs=jobs)
    for name, methods in FIGURES[study].items():
        curves = (INTERVENTIONAL, OBSERVATIONAL, *methods)
        write_dose_response_figure(table, curves, METRICS, chosen.parameter, out / f"{name}.svg")
    print((out / "results.md").read_text())


if __name__ == "__main__":
    run(main)
