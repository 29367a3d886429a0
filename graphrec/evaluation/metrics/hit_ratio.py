"""HR@K."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from graphrec.evaluation.metrics.base import metrics
from graphrec.evaluation.metrics.ranked_hits import RankedHits, RankingMetric


@metrics.register("hr")
class HitRatio(RankingMetric):
    """Whether any positive is in the list.

        1 if any h(r) = 1 with r <= K, else 0

    Source: Deshpande and Karypis, TOIS 2004.

    Example:
        >>> ranked = RankedHits.from_ranks([[2, 4], [9]], length=3)  # the second user's positive is beyond the list
        >>> HitRatio().values(ranked, k=3)
        array([1., 0.])
    """

    label: ClassVar[str] = "HR"

    def values(self, block: RankedHits, k: int) -> np.ndarray:
        """`[b]` HR@K."""
        return block.hits[:, :k].any(1).astype(float)
