"""From the columns of a result table to the metrics behind them, and back."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from graphrec.errors import ComponentError
from graphrec.evaluation.metrics.base import OLD_METRICS, Direction, Metric, metrics

_TERM = " term "


class UnregisteredMetric(Metric[Any]):
    """A column whose metric is not installed here: nothing is claimed about it.

    Example:
        >>> column = describe("rbp@10")
        >>> column.metric.__name__, column.label, column.direction
        ('UnregisteredMetric', 'Rbp@10', 'neither')
    """

    bounds: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    direction: ClassVar[Direction] = "neither"

    def values(self, block: Any, k: int) -> np.ndarray:
        """Its values cannot be computed."""
        raise NotImplementedError("the metric is not installed")


@dataclass(frozen=True)
class MetricColumn:
    """What a column of a result table holds.

    Args:
        name: the column, such as `intra_list_similarity_visual@50`.
        metric: the metric's class.
        qualifier: the second name, such as `visual`.
        k: the cutoff as text; empty for none.

    Example:
        >>> column = describe("intra_list_similarity_visual@50")
        >>> column.metric.__name__, column.qualifier, column.k, column.label
        ('ListSimilarity', 'visual', '50', 'Intra-list similarity visual@50')
    """

    name: str
    metric: type[Metric[Any]]
    qualifier: str
    k: str

    @property
    def stem(self) -> str:
        """The column without its cutoff."""
        return self.name.partition("@")[0]

    @property
    def label(self) -> str:
        """What tables call it."""
        if self.metric is UnregisteredMetric:
            words = self.stem.replace("_", " ").capitalize()
            return f"{words}@{self.k}" if self.k else words
        if self.metric.qualifier == "metric":
            inner = describe(f"{self.qualifier}@{self.k}" if self.k else self.qualifier)
            return f"{self.metric.label} of {inner.label}"
        return self.metric.title(self.k, self.qualifier)

    @property
    def direction(self) -> Direction:
        """Which values are better."""
        return self.metric.direction

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest that its mean can be."""
        return self.metric.bounds

    @property
    def family(self) -> str:
        """What it is computed from."""
        return self.metric.family


def describe(column: str) -> MetricColumn:
    """The metric, its qualifier and its cutoff behind a column.

    Args:
        column: such as `ndcg@50`, `mrr` or `intra_list_similarity_visual@50`. A name that is not registered is
            described by `UnregisteredMetric`: a table may come from where another package was installed.

    Example:
        >>> describe("ndcg_do@50").label, describe("ndcg_do@50").bounds
        ('NDCG@50 (do)', (0.0, 1.0))
        >>> describe("drop_ndcg@50").label, describe("drop_ndcg@50").direction
        ('Drop of NDCG@50', 'lower')
        >>> describe("intra_list_similarity_visual@50").qualifier
        'visual'
    """
    stem, _, k = present_name(column).partition("@")
    if (metric := _usable(stem)) is not None:
        return MetricColumn(column, metric, "", k)
    # The longest name first: with metrics `drop` and `drop_rate`, `drop_rate_mrr` is a rate.
    for name in sorted(metrics, key=len, reverse=True):
        if stem.startswith(f"{name}_") and (metric := _usable(name)) is not None and metric.qualifier:
            return MetricColumn(column, metric, stem.removeprefix(f"{name}_"), k)
    return MetricColumn(column, UnregisteredMetric, "", k)


def present_name(column: str) -> str:
    """A column of results under today's name of its metric; `OLD_METRICS` has the earlier ones.

    Example:
        >>> present_name("concentration_visual@50"), present_name("ndcg@50")
        ('intra_list_similarity_visual@50', 'ndcg@50')
    """
    for old, name in OLD_METRICS.items():
        if re.match(rf"{old}(_|@|$)", column):
            return name + column.removeprefix(old)
    return column


def _usable(name: str) -> type[Metric[Any]] | None:
    """The metric of a name; None where there is none, or its package cannot be loaded."""
    try:
        return metrics.get(name) if name in metrics else None
    except ComponentError:
        return None


def better(column: str) -> Direction:
    """Which values of a column are better: higher, lower, those nearer 0, or neither end.

    Example:
        >>> better("ndcg@50"), better("regret_do@50"), better("leakage_do"), better("coverage@50")
        ('higher', 'lower', 'nearer 0', 'neither')
    """
    return describe(column).direction


def bounds(column: str) -> tuple[float, float]:
    """The least and the greatest that the mean of a column can be; infinite where nothing bounds it.

    Example:
        >>> bounds("recall@50"), bounds("popularity@50"), bounds("unknown@50")
        ((0.0, 1.0), (0.0, inf), (-inf, inf))
    """
    return describe(column).bounds


def in_order(chosen: Sequence[Metric[Any]], cutoffs: Sequence[int]) -> Iterator[tuple[Metric[Any], int]]:
    """Each metric at each cutoff, cutoff by cutoff, then the metrics without a cutoff.

    Example:
        >>> from graphrec.evaluation.metrics.selection import select
        >>> [metric.column(k) for metric, k in in_order(select(["mrr", "ndcg", "recall"], "ranking"), (5, 10))]
        ['ndcg@5', 'recall@5', 'ndcg@10', 'recall@10', 'mrr']
    """
    for k in cutoffs:
        yield from ((metric, k) for metric in chosen if metric.has_cutoff)
    yield from ((metric, max(cutoffs)) for metric in chosen if not metric.has_cutoff)


def block_terms(chosen: Sequence[Metric[Any]], block: Any, cutoffs: Sequence[int]) -> dict[str, np.ndarray]:
    """`[b]` terms of the metrics for a block of users, by names that `combined` reads.

    Example:
        >>> from graphrec.evaluation.metrics.ranked_hits import RankedHits
        >>> from graphrec.evaluation.metrics.selection import select
        >>> ranked = RankedHits.from_ranks([[2, 4], [1]], length=3)
        >>> {name: term.tolist() for name, term in block_terms(select(["recall"], "ranking"), ranked, (1, 3)).items()}
        {'recall@1': [0.0, 1.0], 'recall@3': [0.5, 1.0]}
    """
    terms = {}
    for metric, k in in_order(chosen, cutoffs):
        for number, term in enumerate(metric.terms(block, k)):
            terms[_term(metric.column(k), number)] = term
    return terms


def require_one_value_a_user(column: str, values: Any, users: int) -> None:
    """Refuse what a metric gave for a block, or for all users, if it is not one value for each of them.

    Raises:
        ComponentError: `values` is no array `[users]`; the message names the metric's class.

    Example:
        >>> require_one_value_a_user("ndcg@10", np.zeros(3), users=3)
        >>> require_one_value_a_user("ndcg@10", np.zeros(2), users=3)
        Traceback (most recent call last):
        graphrec.errors.ComponentError: the metric `ndcg@10` has values that it cannot have
          expected: an array with one value a user, [3]
          got: shape [2]
          where: graphrec.evaluation.metrics.ndcg:NDCG
          next step: fix its `values`, or its `bounds`; graphrec.testing.MetricContract finds such faults
    """
    if np.shape(values) != (users,):
        column = column.partition(_TERM)[0]
        expected = f"an array with one value a user, [{users}]"
        raise _wrong_values(describe(column).metric, column, expected, f"shape {list(np.shape(values))}")


def combined(
    chosen: Sequence[Metric[Any]], terms: dict[str, np.ndarray], cutoffs: Sequence[int]
) -> dict[str, np.ndarray]:
    """`[U]` values of the metrics by column, from the terms of all users.

    Raises:
        ComponentError: a metric's mean is outside the bounds that its class states.

    Example:
        >>> from graphrec.evaluation.metrics.selection import select
        >>> chosen = select(["snips"], "off_policy")
        >>> terms = {"snips@5": np.array([1.0, 0.0]), "snips@5 term 1": np.array([2.0, 2.0])}
        >>> combined(chosen, terms, (5,))  # values whose mean is the ratio of means, .25
        {'snips@5': array([0.5, 0. ])}
    """
    values = {}
    for metric, k in in_order(chosen, cutoffs):
        column = metric.column(k)
        parts: list[np.ndarray] = []
        # No metric declares how many terms it has: those that its blocks gave are counted.
        while (name := _term(column, len(parts))) in terms:
            parts.append(terms[name])
        values[column] = metric.combine(*parts)
        require_one_value_a_user(column, values[column], len(parts[0]))
        _require_bounds(metric, column, values[column])
    return values


def _require_bounds(metric: Metric[Any], column: str, values: np.ndarray) -> None:
    """Refuse values whose mean cannot be one of the metric: its interval would be cut at bounds that are wrong."""
    defined = values[~np.isnan(values)]
    low, high = metric.bounds
    mean = float(defined.mean()) if len(defined) else math.nan
    # A mean of ones may be a rounding error above one.
    if mean < low - 1e-6 or mean > high + 1e-6:
        expected = f"a mean from {low:g} to {high:g}, the `bounds` of its class"
        raise _wrong_values(type(metric), column, expected, f"{mean:g}")


def _wrong_values(kind: type[Metric[Any]], column: str, expected: str, got: str) -> ComponentError:
    return ComponentError(
        f"the metric `{column}` has values that it cannot have",
        expected=expected,
        got=got,
        where=f"{kind.__module__}:{kind.__qualname__}",
        next_step="fix its `values`, or its `bounds`; graphrec.testing.MetricContract finds such faults",
    )


def _term(column: str, number: int) -> str:
    return column if number == 0 else f"{column}{_TERM}{number}"
