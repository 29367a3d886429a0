"""NDCG@K."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from graphrec.evaluation.metrics.base import metrics
from graphrec.evaluation.metrics.ranked_hits import RankedHits, RankingMetric


@metrics.register("ndcg")
class NDCG(RankingMetric):
    """Normalised discounted cumulative gain, with a gain of 1 for a positive.

        sum of h(r) / log2(r + 1) over r = 1..K, divided by the sum of 1 / log2(r + 1) over r = 1..min(K, P)

    The divisor is what the best list of length K earns, so that it always earns 1.

    Source: Jarvelin and Kekalainen, TOIS 2002.

    Example:
        >>> ranked = RankedHits.from_ranks([[2, 4]], length=3)  # one user, positives at ranks 2 and 4
        >>> NDCG().values(ranked, k=3).round(4)
        array([0.3869])
    """

    label: ClassVar[str] = "NDCG"
    archived: ClassVar[Literal["all", "first", "none"]] = "all"

    def values(self, block: RankedHits, k: int) -> np.ndarray:
        """`[b]` NDCG@K."""
        gains = 1.0 / np.log2(block.ranks + 1)
        # ideal[n] is the gain of a list whose first n places are positives.
        ideal = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(2, k + 2)))])
        return (block.hits[:, :k] * gains[:k]).sum(1) / ideal[np.minimum(k, block.positives)]
