"""Precision@K."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from graphrec.evaluation.metrics.base import metrics
from graphrec.evaluation.metrics.ranked_hits import RankedHits, RankingMetric


@metrics.register("precision")
class Precision(RankingMetric):
    """Share of the list's places that hold a positive.

        sum of h(r) over r = 1..K, divided by K

    The best list of a user with fewer positives than places earns P / K, not 1.

    Source: Salton and McGill, Introduction to Modern Information Retrieval, 1983.

    Example:
        >>> ranked = RankedHits.from_ranks([[1, 2, 7]], length=4)  # one user, positives at ranks 1, 2 and 7
        >>> Precision().values(ranked, k=4)
        array([0.5])
    """

    label: ClassVar[str] = "Precision"
    archived: ClassVar[Literal["all", "first", "none"]] = "none"

    def values(self, block: RankedHits, k: int) -> np.ndarray:
        """`[b]` Precision@K."""
        return block.hits[:, :k].sum(1) / k
