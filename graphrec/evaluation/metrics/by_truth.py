"""Metrics of a ranking against the truth of a simulated world."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from graphrec.evaluation.metrics.base import Metric
from graphrec.evaluation.rank_agreement import rank_agreement


@dataclass(frozen=True)
class TruthBlock:
    """A ranking for b users, and the truth of the simulated world about them.

    Args:
        lists: `[b, K]` the best items, best first; -1 where the candidates do not fill the list.
        scores: `[b, I]` what they were ranked by.
        candidates: `[b, I]` bool, the items that may be recommended.
        likes: `[b, I]` bool, likes drawn under the intervention, of candidates only.
        effect: `[b, I]` the true effect, a probability.
        confounder: `[I]` bool, the items that carry the hidden confounder.

    Example:
        >>> block = TruthBlock(
        ...     lists=np.array([[2, 1]]), scores=np.array([[0.1, 0.2, 0.3]]), candidates=np.ones((1, 3), dtype=bool),
        ...     likes=np.array([[False, False, True]]), effect=np.array([[0.1, 0.3, 0.2]]),
        ...     confounder=np.array([True, False, False]),
        ... )
        >>> block.agreement[0].round(3).tolist()
        [0.5]
    """

    lists: np.ndarray
    scores: np.ndarray
    candidates: np.ndarray
    likes: np.ndarray
    effect: np.ndarray
    confounder: np.ndarray

    @cached_property
    def agreement(self) -> tuple[np.ndarray, np.ndarray]:
        """Rank correlation and leakage, `[b]` each."""
        return rank_agreement(self.scores, self.effect, self.confounder, self.candidates)


class TruthMetric(Metric[TruthBlock]):
    """A metric that only a simulated world has; `values` reads a `TruthBlock`. Tables mark it `(do)`.

    Example:
        >>> class ExpectedLikes(TruthMetric):
        ...     name, label = "likes_do", "Likes"
        ...     def values(self, block, k):
        ...         return np.take_along_axis(block.effect, block.lists[:, :k], axis=1).sum(1)
        >>> ExpectedLikes.title(5), ExpectedLikes.family
        ('Likes@5 (do)', 'truth')
    """

    family: ClassVar[str] = "truth"

    @classmethod
    def title(cls, k: int | str = "", qualifier: str = "") -> str:
        """What tables call a column, such as `NDCG@50 (do)`."""
        return f"{super().title(k, qualifier)} (do)"
