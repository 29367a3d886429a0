"""What the lists of each method are made of: coverage, popularity and intra-list similarity. It is in no paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from graphrec.causal import label
from graphrec.evaluation.metrics import describe
from graphrec.evaluation.result_sets import LISTS
from graphrec.experiments.benchmark import BenchmarkResult, evaluate_missing, report_failure
from graphrec.experiments.papers.scored import ENDS, NAN, short
from graphrec.report.primitives.paper_table import PaperTable
from graphrec.report.primitives.tables import metric_label
from graphrec.runs.compare import summarise_seeds
from graphrec.runs.run import Run

K = 50
ListSummary = dict[str, dict[str, float]]
"""By metric its mean and the ends of its interval."""


def list_contents(result: BenchmarkResult, title: str) -> PaperTable:
    """A row a method and estimand of the benchmark's table, a column a metric of its lists of 50 items.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult, BenchmarkRow
        >>> from graphrec.experiments.papers.beyond_accuracy import list_contents
        >>> result = BenchmarkResult.of_runs({"HCR": [run]}, failed={"CR": "no title; got none"})
        >>> _ = run.evaluate()
        >>> result.rows = BenchmarkRow.of_runs("HCR", [run], ["test"])  # which estimands have a row
        >>> table = list_contents(result, "Twin").table.set_index("Method")
        >>> table.index.tolist(), table.loc["CR", "Coverage"]
        (['HCR', 'HCR-T', 'HCR-S1', 'HCR-S2', 'CR'], 'failed: no title')
    """
    measures: dict[str, ListSummary] = {}
    failed: dict[str, str] = {}
    for method, shown in result.compared.items():
        try:
            measures |= _described(result.trained[method], shown)
        except Exception as error:
            failed |= dict.fromkeys(shown.values(), f"failed: {report_failure(method, error)}")
    failed |= {method: f"failed: {why}" for method, why in result.failed.items()}
    ends = {describe(metric).k for summary in measures.values() for metric in summary}
    k = str(K) if str(K) in ends else max(ends, key=int, default="")
    metrics = [metric for metric in next(iter(measures.values()), {}) if describe(metric).k == k]
    metrics.sort(key=lambda metric: describe(metric).metric.per_user)  # coverage first, which no single user has
    nothing = {"mean": NAN, "low": NAN, "high": NAN}
    table = [
        {"Method": name} | _cells({m: summary.get(m, nothing) for m in metrics}) for name, summary in measures.items()
    ]
    table += [{"Method": name, **{_column(metric): short(why) for metric in metrics}} for name, why in failed.items()]
    return PaperTable(
        name="lists",
        title=f"What the lists are made of. {title}",
        caption=f"The {k or K} best items of all users, liked or not. Coverage: the share of all items in at least one "
        "list; popularity: mean number of training clicks of the listed items; intra-list similarity: mean cosine of "
        "the listed items' features, 0 being about that of items drawn at random. No value is better in itself. "
        f"{ENDS} Coverage, which no single user has, has none.",
        table=pd.DataFrame(table),
        notes=tuple(f"{name} {why}" for name, why in failed.items()),
    )


def _described(runs: Sequence[Run], shown: Mapping[str, str]) -> dict[str, ListSummary]:
    """By row of the benchmark's table, the measures of a method's lists.

    Args:
        runs: one a seed.
        shown: by the label of an estimand, what its row is called.
    """
    estimands = [estimand for estimand in runs[0].variants().values() if label(estimand) in shown]
    for run in runs:
        evaluate_missing(run, estimands, LISTS)
    return {
        name: summarise_seeds([result.metrics for result in results], [result.per_user for result in results])
        for text, name in shown.items()
        for results in [[run.results[LISTS, text] for run in runs]]
    }


def _column(metric: str) -> str:
    """Without the K, which all have in common."""
    return metric_label(metric).rpartition("@")[0]


def _cells(values: dict[str, dict[str, float]]) -> dict[str, float]:
    return {
        f"{_column(metric)}{end}": value[key]
        for metric, value in values.items()
        for end, key in (("", "mean"), ("_low", "low"), ("_high", "high"))
    }
