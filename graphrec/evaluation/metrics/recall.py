"""Recall@K."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from graphrec.evaluation.metrics.base import metrics
from graphrec.evaluation.metrics.ranked_hits import RankedHits, RankingMetric


@metrics.register("recall")
class Recall(RankingMetric):
    """Share of a user's positives that are in the list.

        sum of h(r) over r = 1..K, divided by P

    The best list of a user with more positives than places earns K / P, not 1.

    Source: Salton and McGill, Introduction to Modern Information Retrieval, 1983.

    Example:
        >>> ranked = RankedHits.from_ranks([[2, 4]], length=3)  # one user, positives at ranks 2 and 4
        >>> Recall().values(ranked, k=3)
        array([0.5])
    """

    label: ClassVar[str] = "Recall"
    archived: ClassVar[Literal["all", "first", "none"]] = "all"

    def values(self, block: RankedHits, k: int) -> np.ndarray:
        """`[b]` Recall@K."""
        return block.hits[:, :k].sum(1) / block.positives
