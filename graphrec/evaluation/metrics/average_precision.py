"""MAP@K."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from graphrec.evaluation.metrics.base import metrics
from graphrec.evaluation.metrics.ranked_hits import RankedHits, RankingMetric


@metrics.register("map")
class AveragePrecision(RankingMetric):
    """Average precision, whose mean over users is MAP.

        sum of h(r) Precision@r over r = 1..K, divided by min(K, P)

    TREC's `map_cut` divides by P. Here the divisor is the most that a list of length K can hold, so that the best list
    earns 1, as in NDCG.

    Source: Harman, Overview of the First TREC Conference, 1993.

    Example:
        >>> ranked = RankedHits.from_ranks([[2, 4]], length=3)  # one user, positives at ranks 2 and 4
        >>> AveragePrecision().values(ranked, k=3)
        array([0.25])
    """

    label: ClassVar[str] = "MAP"
    archived: ClassVar[Literal["all", "first", "none"]] = "none"

    def values(self, block: RankedHits, k: int) -> np.ndarray:
        """`[b]` average precision of the first K."""
        return block.precision[:, :k].sum(1) / np.minimum(k, block.positives)
