"""HCR's Figure 6: HCR and CT on four chronological subsets of each user's likes (TKDE 2024, section 4.4.2)."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from graphrec.evaluation.result_sets import DROP, SUBSETS
from graphrec.experiments.benchmark import BenchmarkResult
from graphrec.experiments.papers.bars import Bars
from graphrec.experiments.papers.hcr_groups import GAIN, against_ct, figure
from graphrec.report.primitives.paper_table import PaperTable
from graphrec.report.primitives.tables import metric_label

HEAD = "Subset"


def hcr_figure_6(result: BenchmarkResult, title: str, k: int = 100) -> PaperTable:
    """(a) how much HCR gains over CT in each subset, (b) how far both drop from the first to the later ones.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.hcr_time import hcr_figure_6
        >>> figure = hcr_figure_6(BenchmarkResult.of_runs({"BPR": [run]}), "Twin", k=10)
        >>> figure.table["Subset"].tolist(), figure.picture
        (['1', '2', '3', '4', 'drop'], None)
    """
    metric = f"recall@{k}"
    groups = against_ct(result, {result_set.removeprefix("time_"): result_set for result_set in SUBSETS}, metric, HEAD)
    drops = against_ct(result, {"drop": DROP}, f"drop_{metric}", HEAD)
    no_gain = [GAIN, f"{GAIN}_low", f"{GAIN}_high"]  # drops are compared as they are
    table = pd.concat([groups.table, drops.table.drop(columns=no_gain)], ignore_index=True)
    return figure(
        replace(groups, table=table, measured=(*groups.measured, *drops.measured)),
        name="hcr-figure-6",
        title=f"HCR, Figure 6: HCR and CT over time. {title}",
        caption=f"{metric_label(metric)} on four chronological subsets of each user's held-out likes. (a) Relative "
        "improvement of HCR over CT in each; (b) drop of each training, 1 - mean of subsets 2 to 4 / subset 1; lower "
        "is better.",
        panels=[
            Bars(
                "(a) improvement of HCR over CT (%)", groups.groups, {"HCR": groups.gains}, "subset, in order of time"
            ),
            Bars(f"(b) drop of {metric_label(metric)}", drops.groups, drops.series),
        ],
        notes=["The paper does not say which metric the figure shows; this is the one of its Figure 5."],
    )
