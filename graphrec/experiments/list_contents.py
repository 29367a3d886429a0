"""What the lists of each method are made of: coverage, popularity, concentration (`evaluation.lists`); in no paper."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from graphrec.benchmark import BenchmarkResult
from graphrec.causal import label
from graphrec.comparison import summarise_seeds
from graphrec.evaluation.parts import LISTS
from graphrec.experiments.scored import ENDS, NAN, Scored, short
from graphrec.report.exhibits import Exhibit
from graphrec.report.tables import metric_label

K = 50


def list_contents(result: BenchmarkResult, title: str) -> Exhibit:
    """A row a method and estimand of the benchmark's table, a column a measure of its lists of 50 items."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    failed: dict[str, str] = {}
    for row in _rows(result):
        if row.failed:
            failed[row.name] = row.failed
            continue
        tables = row.per_user(LISTS)
        assert row.estimand is not None
        key = f"{LISTS}/{label(row.estimand)}"
        found[row.name] = summarise_seeds([run.metrics()[key] for run in row.runs], tables)
    ends = {metric.rpartition("@")[2] for one in found.values() for metric in one}
    k = str(K) if str(K) in ends else max(ends, key=int, default="")
    metrics = [metric for metric in next(iter(found.values()), {}) if metric.endswith(f"@{k}")]
    metrics.sort(key=lambda metric: not metric.startswith("coverage"))
    nothing = {"mean": NAN, "low": NAN, "high": NAN}
    table = [{"Method": name} | _cells({m: one.get(m, nothing) for m in metrics}) for name, one in found.items()]
    table += [{"Method": name, **{_column(metric): short(why) for metric in metrics}} for name, why in failed.items()]
    return Exhibit(
        name="lists",
        title=f"What the lists are made of. {title}",
        caption=f"The {k} best items of all users, liked or not. Coverage: the share of all items in at least one "
        "list; popularity: mean number of training clicks of the listed items; concentration: mean cosine of the "
        "listed items' features, 0 being about that of items drawn at random. No value is better in itself. "
        f"{ENDS} Coverage, which no single user has, has none.",
        table=pd.DataFrame(table),
        notes=tuple(f"{name} {why}" for name, why in failed.items()),
    )


def _rows(result: BenchmarkResult) -> Iterator[Scored]:
    """Every method under every estimand that has a row in the benchmark's table."""
    for method, runs in result.trained.items():
        estimands = {label(one): one for one in runs[0].variants().values()}
        for text, name in result.compared.get(method, {}).items():
            yield Scored.of(result, method, estimands[text], name)
    for method in result.failed:
        yield Scored.of(result, method)


def _column(metric: str) -> str:
    """Without the K, which all have in common."""
    return metric_label(metric).rpartition("@")[0]


def _cells(values: dict[str, dict[str, float]]) -> dict[str, float]:
    return {
        f"{_column(metric)}{end}": value[key]
        for metric, value in values.items()
        for end, key in (("", "mean"), ("_low", "low"), ("_high", "high"))
    }
