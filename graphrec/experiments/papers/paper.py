"""The two papers: what each trains, and the tables and figures that each has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd

from graphrec.experiments.benchmark import BenchmarkResult, report_failure
from graphrec.experiments.papers.beyond_accuracy import list_contents
from graphrec.experiments.papers.causalrec_debiasing import causalrec_figure_5
from graphrec.experiments.papers.causalrec_fusion import causalrec_figure_6
from graphrec.experiments.papers.causalrec_strengths import causalrec_figure_7
from graphrec.experiments.papers.causalrec_table import causalrec_table_2
from graphrec.experiments.papers.deviations import no_pictures, of_causalrec, of_hcr
from graphrec.experiments.papers.hcr_activity import hcr_figure_5
from graphrec.experiments.papers.hcr_beta import hcr_beta
from graphrec.experiments.papers.hcr_like_ratio import hcr_figure_7
from graphrec.experiments.papers.hcr_tables import hcr_table_2, hcr_table_3
from graphrec.experiments.papers.hcr_time import hcr_figure_6
from graphrec.experiments.papers.methods import CAUSALREC_ALL, HCR_ALL, Method
from graphrec.experiments.papers.scored import short
from graphrec.experiments.papers.statistics import causalrec_table_1, hcr_table_1
from graphrec.report.primitives.paper_table import PaperTable
from graphrec.report.primitives.tables import counted

STATISTICS = ("hcr-table-1", "causalrec-table-1")
"""Tables of the data, in which nothing is trained."""

Make = Callable[[BenchmarkResult, str], PaperTable | None]


@dataclass(frozen=True)
class Paper:
    """A paper's experiments.

    Args:
        name: of its method.
        methods: what is trained.
        paper_tables: by file stem, what makes each from the trained methods and the data's title.
        deviations: how the experiments depart from the paper's, in sentences.
        about_data: what a reader of each table and figure must know of the data.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers import Paper
        >>> from graphrec.experiments.papers.methods import HCR_NS
        >>> paper = Paper("HCR", (HCR_NS,), {"figure": lambda result, title: 1 / 0})  # one that fails
        >>> [table.notes for table in paper.make(BenchmarkResult.of_runs({"HCR": [run]}), "Twin")][0][0]
        'failed: ZeroDivisionError: division by zero'
    """

    name: str
    methods: tuple[Method, ...]
    paper_tables: dict[str, Make]
    deviations: Callable[[BenchmarkResult], list[str]] = lambda result: []
    about_data: Callable[[BenchmarkResult], list[str]] = lambda result: []

    def make(self, result: BenchmarkResult, title: str) -> list[PaperTable]:
        """Every table and figure; one that cannot be made says why, and the others are made."""
        made = [table for name, make in self.paper_tables.items() if (table := _made(name, make, result, title))]
        return [
            paper_table
            if paper_table.name in STATISTICS
            else replace(paper_table, notes=(*paper_table.notes, *self.about_data(result), *_about_training(result)))
            for paper_table in made
        ]


def _about_training(result: BenchmarkResult) -> list[str]:
    """What each method was tuned with, and what the intervals are over."""
    tuning = "No method was tuned: all have the settings of the benchmark's recipe."
    if result.trials:
        tuning = (
            f"Tuned with {counted(result.trials, 'training')} each, or as many as the grid has, on the validation "
            "split; an ablation has the settings of its method."
        )
    seeds = result.seeds if result.trained else ()
    over = f"Seeds {', '.join(map(str, seeds))}: intervals and tests are over users and trainings."
    if len(seeds) == 1:
        over = f"One training a method, seed {seeds[0]}: intervals and tests are over users, not over trainings."
    return [tuning, over] if seeds else [tuning]


def _made(name: str, make: Make, result: BenchmarkResult, title: str) -> PaperTable | None:
    try:
        return make(result, title)
    except Exception as error:
        why = f"failed: {report_failure(name, error)}"
        table = pd.DataFrame({name: [short(why)]})
        return PaperTable(name, f"{name}. {title}", "This table or figure could not be made.", table, (why,))


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
        "lists": list_contents,
    },
    of_hcr,
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
        "lists": list_contents,
    },
    of_causalrec,
    no_pictures,
)
