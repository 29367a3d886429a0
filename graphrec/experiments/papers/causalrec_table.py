"""CausalRec's Table 2, the overall performance, with the published figures next to ours (Qiu et al., section 5.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from graphrec.experiments.benchmark import BenchmarkResult
from graphrec.experiments.papers.bars import Bars, bar_panels, panel_title
from graphrec.experiments.papers.causalrec_lambda2 import CAUSALREC, about_lambda2, with_full_removal
from graphrec.experiments.papers.causalrec_published import METRICS, PUBLISHED
from graphrec.experiments.papers.methods import CAUSALREC_METHODS
from graphrec.experiments.papers.scored import ENDS, NAN, NOT_RUN, Measured, Scored, about_metrics, measure_all
from graphrec.experiments.papers.statistics import about_data, category_of
from graphrec.report.primitives.paper_table import PaperTable
from graphrec.report.primitives.plots import Estimate
from graphrec.report.primitives.tables import metric_label

PAPERS = ("BPR", "VBPR", "AMR", CAUSALREC)
IMPROVE = "Improve (%)"


def causalrec_table_2(result: BenchmarkResult, title: str) -> PaperTable:
    """A row a metric: ours, the published one of the same category, and the difference.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.causalrec_table import causalrec_table_2
        >>> result = BenchmarkResult.of_runs({"HCR": [run]})
        >>> table = causalrec_table_2(result, "Twin").table.set_index(["Dataset", "Metric"])
        >>> table.loc[("ours", "MRR"), "VBPR"], table.loc[("Office, published", "MRR"), "VBPR"]
        ('not run', 0.0164)
    """
    methods = [Scored.of(result, method.name) for method in CAUSALREC_METHODS]
    rows = with_full_removal(methods)
    names = [row.name for row in rows]
    measured, metrics = measure_all(rows, METRICS, result, as_benchmark=True)
    category = category_of(result.data)
    table: list[dict[str, Any]] = []
    for metric in metrics:
        table.append({"Dataset": "ours", "Metric": metric_label(metric), **_ours(measured, metric)})
        if metric in METRICS and category:
            theirs = _published(category, metric, names)
            label = {"Metric": metric_label(metric)}
            table.append({"Dataset": f"{category}, published", **label, **theirs})
            table.append({"Dataset": "ours less published", **label, **_less(table[-2], theirs, names)})
    if not category:
        table += [
            {"Dataset": f"{dataset}, published", "Metric": metric_label(metric), **_published(dataset, metric, names)}
            for dataset in PUBLISHED
            for metric in METRICS
        ]
    left_out = [row.name for row in rows if row.failed == NOT_RUN]
    return PaperTable(
        name="causalrec-table-2",
        title=f"CausalRec, Table 2: overall performance. {title}",
        caption="Ranking of all items for the held-out interactions. Improve: CausalRec over the best of the other "
        f"methods of the row.{about_lambda2(methods[-1:], result.trials)}{about_metrics(metrics)} "
        f"{measured.bold('every other of the row')} {ENDS}",
        table=pd.DataFrame(table),
        notes=(
            about_data(result.data),
            "The improvement of published figures is computed from them as printed.",
            "The paper has neither DeepStyle nor DVBPR in its table. DVBPR sees given vectors here, not images.",
            *measured.notes(),
            *([f"Not run in the quick version: {', '.join(left_out)}."] if left_out else []),
        ),
        picture=bar_panels(
            [_panel(measured, metric, category) for metric in metrics], title, "causalrec-table-2"
        ) if len(measured.failed) < len(rows) else None,
    )  # fmt: skip


def _ours(measured: Measured, metric: str) -> dict[str, Any]:
    cells = {
        key: value
        for number, name in enumerate(measured.names)
        for key, value in measured.cell(number, metric, name).items()
    }
    own = measured.names.index(CAUSALREC)
    # The row behind CausalRec is its own training with another lambda2, so it is no competitor.
    others = [number for number in range(own) if number not in measured.failed]
    if metric not in METRICS or own in measured.failed or not others:
        return cells
    best = max(others, key=lambda number: measured.values.loc[number, metric])
    gain = measured.gain(own, best, metric)
    return cells | {IMPROVE: gain.mean, f"{IMPROVE}_low": gain.low, f"{IMPROVE}_high": gain.high}


def _published(category: str, metric: str, names: Sequence[str]) -> dict[str, Any]:
    figures = {name: PUBLISHED[category].figure(name, metric) for name in names}
    values: dict[str, Any] = {name: NAN if value is None else value for name, value in figures.items()}
    best = max(values[name] for name in PAPERS[:-1])
    return values | {IMPROVE: 100 * (values[PAPERS[-1]] / best - 1)}


def _less(ours: dict[str, Any], theirs: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: NAN if isinstance(ours[name], str) else ours[name] - theirs[name] for name in names}


def _panel(measured: Measured, metric: str, category: str) -> Bars:
    drawn = [number for number in range(len(measured.names)) if number not in measured.failed]
    series = {"ours": [measured.estimate(number, metric) for number in drawn]}
    if category and metric in METRICS:
        figures = [PUBLISHED[category].figure(measured.names[number], metric) for number in drawn]
        series[f"{category}, published"] = [
            Estimate("", NAN if figure is None else figure, NAN, NAN) for figure in figures
        ]
    return Bars(panel_title(metric), tuple(measured.names[number] for number in drawn), series)
