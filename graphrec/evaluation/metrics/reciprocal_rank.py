"""MRR."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from graphrec.evaluation.metrics.base import metrics
from graphrec.evaluation.metrics.ranked_hits import RankedHits, RankingMetric


@metrics.register("mrr")
class ReciprocalRank(RankingMetric):
    """Reciprocal rank of the first positive in the whole ranking, whose mean over users is MRR.

        1 / rank of the first positive, over the full list

    Source: Voorhees, The TREC-8 Question Answering Track Report, 1999.

    Example:
        >>> ranked = RankedHits.from_ranks([[2, 4], [9]], length=3)  # no cutoff: rank 9 counts, too
        >>> ReciprocalRank().values(ranked, k=3).round(4)
        array([0.5   , 0.1111])
    """

    label: ClassVar[str] = "MRR"
    has_cutoff: ClassVar[bool] = False

    def values(self, block: RankedHits, k: int) -> np.ndarray:
        """`[b]` reciprocal ranks."""
        return 1.0 / block.first
