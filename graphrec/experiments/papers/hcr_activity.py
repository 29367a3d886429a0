"""HCR's Figure 5: HCR and CT for active and for less active users (Zhu et al., TKDE 2024, section 4.4.1)."""

from __future__ import annotations

from graphrec.evaluation.result_sets import ACTIVITY
from graphrec.experiments.benchmark import BenchmarkResult
from graphrec.experiments.papers.bars import Bars
from graphrec.experiments.papers.hcr_groups import against_ct, figure
from graphrec.report.primitives.paper_table import PaperTable
from graphrec.report.primitives.tables import metric_label

GROUPS = {"AU": ACTIVITY[0], "LAU": ACTIVITY[1]}


def hcr_figure_5(result: BenchmarkResult, title: str, k: int = 100) -> PaperTable:
    """(a) Recall@K of both in each group, (b) how much HCR gains.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.hcr_activity import hcr_figure_5
        >>> figure = hcr_figure_5(BenchmarkResult.of_runs({"HCR": [run]}), "Twin", k=10)
        >>> figure.table[["User group", "CT"]].values.tolist()
        [['AU', 'not run'], ['LAU', 'not run']]
    """
    metric = f"recall@{k}"
    groups = against_ct(result, GROUPS, metric, "User group")
    share = next((runs[0].recipe.evaluation.active_share for runs in result.trained.values()), 0.4)
    return figure(
        groups,
        name="hcr-figure-5",
        title=f"HCR, Figure 5: HCR and CT for active and less active users. {title}",
        caption=f"(a) {metric_label(metric)}; (b) relative improvement of HCR over CT. AU: active users, the "
        f"{100 * share:g} % with the most training clicks; LAU: the others.",
        panels=[
            Bars(f"(a) {metric_label(metric)}", groups.groups, groups.series),
            Bars("(b) improvement of HCR over CT (%)", groups.groups, {"HCR": groups.gains}),
        ],
    )
