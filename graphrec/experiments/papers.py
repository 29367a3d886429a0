"""The two papers: what each trains, and the exhibits that each has."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd

from graphrec.benchmark import BenchmarkResult, shown_reason
from graphrec.experiments.activity import hcr_figure_5
from graphrec.experiments.beta import hcr_beta
from graphrec.experiments.causalrec_table import causalrec_table_2
from graphrec.experiments.debiasing import causalrec_figure_5
from graphrec.experiments.fusion import causalrec_figure_6
from graphrec.experiments.hcr_tables import hcr_table_2, hcr_table_3
from graphrec.experiments.like_ratio import hcr_figure_7
from graphrec.experiments.methods import CAUSALREC_ALL, HCR_ALL, Method
from graphrec.experiments.over_time import hcr_figure_6
from graphrec.experiments.scored import short
from graphrec.experiments.statistics import causalrec_table_1, hcr_table_1
from graphrec.experiments.strengths import causalrec_figure_7
from graphrec.report.exhibits import Exhibit

STATISTICS = ("hcr-table-1", "causalrec-table-1")
"""Exhibits of the data, in which nothing is trained."""

Make = Callable[[BenchmarkResult, str], Exhibit | None]


@dataclass(frozen=True)
class Paper:
    """A paper's experiments.

    Args:
        name: of its method.
        methods: what is trained.
        exhibits: by file stem, what makes each from the trained methods and the data's title.
    """

    name: str
    methods: tuple[Method, ...]
    exhibits: dict[str, Make]

    def make(self, result: BenchmarkResult, title: str) -> list[Exhibit]:
        """Every exhibit; one that cannot be made says why, and the others go on."""
        made = [found for name, make in self.exhibits.items() if (found := _made(name, make, result, title))]
        return [
            one if one.name in STATISTICS else replace(one, notes=(*one.notes, _about_tuning(result.trials)))
            for one in made
        ]


def _about_tuning(trials: int) -> str:
    if not trials:
        return "No method was tuned: all have the settings of the benchmark's recipe."
    number = "1 training" if trials == 1 else f"{trials} trainings"
    return (
        f"Tuned with {number} each, or as many as the grid has, on the validation part; an ablation has the settings "
        "of its method."
    )


def _made(name: str, make: Make, result: BenchmarkResult, title: str) -> Exhibit | None:
    try:
        return make(result, title)
    except Exception as error:
        why = f"failed: {shown_reason(error)}"
        print(f"{name} {why}", file=sys.stderr)
        table = pd.DataFrame({name: [short(why)]})
        return Exhibit(name, f"{name}. {title}", "This exhibit could not be made.", table, (why,))


HCR = Paper(
    "HCR",
    HCR_ALL,
    {
        "hcr-table-1": hcr_table_1,
        "hcr-table-2": hcr_table_2,
        "hcr-table-3": hcr_table_3,
        "hcr-figure-5": hcr_figure_5,
        "hcr-figure-6": hcr_figure_6,
        "hcr-figure-7": hcr_figure_7,
        "hcr-beta": hcr_beta,
    },
)
CAUSALREC = Paper(
    "CausalRec",
    CAUSALREC_ALL,
    {
        "causalrec-table-1": causalrec_table_1,
        "causalrec-table-2": causalrec_table_2,
        "causalrec-figure-5": causalrec_figure_5,
        "causalrec-figure-6": causalrec_figure_6,
        "causalrec-figure-7": causalrec_figure_7,
    },
)
