"""Metrics of the ranks that a user's positives have in the ranking of all items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np

from graphrec.evaluation.metrics.base import Metric


@dataclass(frozen=True)
class RankedHits:
    """The ranks of the positives of b users; every user has at least one.

    Args:
        hits: `[b, L]` bool, whether the item at each rank is a positive. L is the longest cutoff, or I if that is less.
        positives: `[b]` P, the number of positives, also of those beyond rank L.
        first: `[b]` the rank of the first positive, from 1, in the whole ranking.
    """

    hits: np.ndarray
    positives: np.ndarray
    first: np.ndarray

    @classmethod
    def from_ranks(cls, ranks: Sequence[Sequence[int]], length: int) -> RankedHits:
        """From the ranks of each user's positives.

        Args:
            ranks: for each user the ranks of the positives, from 1.
            length: L.

        Example:
            >>> RankedHits.from_ranks([[2, 4]], length=3).hits
            array([[False,  True, False]])
        """
        hits = np.array([[rank in row for rank in range(1, length + 1)] for row in ranks])
        return cls(hits, np.array([len(row) for row in ranks]), np.array([min(row) for row in ranks]))

    @cached_property
    def ranks(self) -> np.ndarray:
        """`[L]` 1 to L."""
        return np.arange(1, self.hits.shape[1] + 1)

    @cached_property
    def precision(self) -> np.ndarray:
        """`[b, L]` the share of hits down to each rank that is a hit, 0 at the other ranks."""
        return np.where(self.hits, np.cumsum(self.hits, axis=1) / self.ranks, 0.0)


class RankingMetric(Metric[RankedHits]):
    """A metric of held-out positives; `values` reads a `RankedHits`.

    Example:
        >>> class FirstHit(RankingMetric):
        ...     name, label, has_cutoff = "first_hit", "First hit", False
        ...     def values(self, block, k):
        ...         return block.hits[:, 0].astype(float)
        >>> FirstHit().values(RankedHits.from_ranks([[1, 4], [3]], length=3), k=3).tolist()
        [1.0, 0.0]
    """

    family: ClassVar[str] = "ranking"
    can_monitor: ClassVar[bool] = True
    archived: ClassVar[Literal["all", "first", "none"]] = "first"
