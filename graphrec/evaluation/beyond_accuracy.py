"""What lists of K items are made of, whether liked or not: no held-out pair is read.

No value of these metrics is better in itself: they say how a ranking got its other numbers.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from graphrec.data.dataset import Feature
from graphrec.evaluation.collect import Collected
from graphrec.evaluation.metrics import (
    DEFAULT_K,
    CatalogueMetric,
    ItemCatalogue,
    ListBlock,
    ListMetric,
    MetricNames,
    select,
)
from graphrec.evaluation.ranking import PairIndex, rank_all
from graphrec.evaluation.scorer import Scorer


def describe_lists(
    scorer: Scorer,
    clicks: np.ndarray,
    features: Mapping[str, Feature],
    cutoffs: tuple[int, ...] = DEFAULT_K,
    metrics: MetricNames = None,
) -> tuple[pd.DataFrame, dict[str, float]]:
    """The lists of all users.

    Args:
        scorer: scores of all items.
        clicks: `[E, 2]` training pairs, which are not listed.
        features: by modality.
        cutoffs: the list lengths K.
        metrics: which are computed; see `graphrec.evaluation.metrics.select`.

    Returns:
        A row a user with `user` and the metrics that a user has, such as `popularity@K` and
        `intra_list_similarity_m@K`; and those that no single user has, such as `coverage@K`.

    Example:
        >>> from graphrec.evaluation.scorer import TableScorer
        >>> clicks = np.array([[0, 2], [1, 2], [1, 0]])
        >>> per_user, whole = describe_lists(TableScorer([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]]), clicks, {}, (1,))
        >>> per_user["popularity@1"].tolist(), round(whole["coverage@1"], 2)
        ([1.0, 0.0], 0.67)
    """
    num_users, num_items = scorer.num_users, scorer.num_items
    catalogue = ItemCatalogue(np.bincount(clicks[:, 1], minlength=num_items), features)
    chosen = select(metrics, "lists")
    of_users: list[ListMetric] = [metric for metric in chosen if metric.per_user]
    of_all: list[CatalogueMetric] = [metric for metric in chosen if not metric.per_user]
    listings = {k: np.zeros(num_items, dtype=np.int64) for k in cutoffs}
    collected = Collected(num_users)
    for users, scores, best in rank_all(scorer, np.arange(num_users), max(cutoffs), PairIndex(clicks, num_users)):
        # Excluded items have a score of minus infinity: at such a rank no candidate was left.
        block = ListBlock(best.numpy(), scores.gather(1, best).isfinite().numpy(), catalogue)
        for k in cutoffs:
            listings[k] += np.bincount(block.items[:, :k][block.listed[:, :k]], minlength=num_items)
        collected.add({"user": users, **_values(of_users, block, cutoffs)})
    whole = {metric.column(k): metric.value(listings[k], k) for metric in of_all for k in cutoffs}
    return collected.table(), whole


def _values(metrics: list[ListMetric], block: ListBlock, cutoffs: tuple[int, ...]) -> dict[str, np.ndarray]:
    """`[b]` values by column, cutoff by cutoff."""
    return {
        metric.column(k, qualifier): metric.qualified_values(block, k, qualifier)
        for k in cutoffs
        for metric in metrics
        for qualifier in metric.qualifiers(block.catalogue)
    }
