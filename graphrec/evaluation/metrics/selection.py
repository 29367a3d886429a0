"""Which metrics are computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from graphrec.evaluation.metrics.base import Metric, metrics, two_of_a_name
from graphrec.evaluation.metrics.columns import in_order

MetricNames: TypeAlias = Sequence[str | type[Metric[Any]]] | None
"""Registered names, import paths such as `my_module:RBP`, or classes; None for the defaults."""

DEFAULT_METRICS = {
    "ranking": ("recall", "ndcg", "hr", "precision", "map", "mrr"),
    "truth": ("ndcg_do", "regret_do", "rank_correlation_do", "leakage_do"),
    "lists": ("coverage", "popularity", "intra_list_similarity"),
    "off_policy": ("ips", "snips", "dr"),
    "item_groups": ("normalised_recall",),
    "time": ("drop",),
}
"""By family what is computed where nothing else is asked for, in the order of the columns."""


def resolve(names: MetricNames) -> list[type[Metric[Any]]]:
    """The classes of some metrics, each once.

    A class that is not registered yet is registered under its own name, so that tables know its label.

    Raises:
        UnknownNameError: no such metric; the known names and the nearest are listed.
        ComponentError: an import path leads to something else, or two metrics have one name.

    Example:
        >>> [metric.__name__ for metric in resolve(["ndcg", "recall", "ndcg"])]
        ['NDCG', 'Recall']
        >>> resolve(["ndgc"])
        Traceback (most recent call last):
        graphrec.errors.UnknownNameError: unknown metric `ndgc`; did you mean `ndcg`?
          expected: one of ...
          got: `ndgc`
    """
    chosen: dict[str, type[Metric[Any]]] = {}
    for name in names or ():
        metric = metrics.admit(metrics.get(name) if isinstance(name, str) else name)
        if chosen.setdefault(metric.name, metric) is not metric:
            raise two_of_a_name(chosen[metric.name], metric)
    return list(chosen.values())


def select(names: MetricNames, family: str) -> list[Any]:
    """The metrics of a family, ready to compute.

    Names that belong to another family are passed over. A family of which none is named has its defaults.

    Args:
        names: what a recipe's `evaluation.metrics` names.
        family: a key of `DEFAULT_METRICS`.

    Example:
        >>> [metric.label for metric in select(["mrr", "coverage", "ndcg"], "ranking")]
        ['MRR', 'NDCG']
        >>> [metric.label for metric in select(None, "ranking")]
        ['Recall', 'NDCG', 'HR', 'Precision', 'MAP', 'MRR']
    """
    named = [metric for metric in resolve(names) if metric.family == family]
    chosen = named or resolve(DEFAULT_METRICS[family])
    return [metric() for metric in chosen]


def monitors(cutoffs: Sequence[int], names: MetricNames = None) -> list[str]:
    """The columns that early stopping can watch.

    Early stopping and tuning look for the highest value, so that a metric with another direction cannot be watched.

    Args:
        cutoffs: the list lengths that are evaluated.
        names: as in `select`.

    Example:
        >>> monitors((20,), ["ndcg", "mrr"])
        ['ndcg@20', 'mrr']
    """
    chosen = [metric for metric in select(names, "ranking") if metric.can_monitor and metric.direction == "higher"]
    return [metric.column(k) for metric, k in in_order(chosen, cutoffs)]
