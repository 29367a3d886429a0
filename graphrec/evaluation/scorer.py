"""What is evaluated: anything that scores all items for a block of users, and says how large it is."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor


class Scorer(Protocol):
    """Scores of all items for some users.

    Every function of `graphrec.evaluation` takes one: a trained model under an estimand (`FrozenModel.scorer`),
    popularity, an oracle, or a table of scores from elsewhere (`TableScorer`).

    Example:
        >>> class ByNumber:
        ...     num_users, num_items, bytes_per_user = 2, 3, 12
        ...     def __call__(self, users):
        ...         return torch.arange(3.0).repeat(len(users), 1)
        >>> from graphrec.evaluation.ranking import evaluate
        >>> positives, train = np.array([[0, 2]]), np.array([[1, 0]])
        >>> evaluate(ByNumber(), positives, train, (1,), ["recall"])["recall@1"].tolist()
        [1.0]
    """

    @property
    def num_users(self) -> int:
        """U."""

    @property
    def num_items(self) -> int:
        """I."""

    @property
    def bytes_per_user(self) -> int:
        """About how much memory one user's scores take while they are computed; it decides the size of a block."""

    def __call__(self, users: Tensor) -> Tensor:
        """`[b]` user numbers to `[b, I]` scores, the higher the better. The caller may write into the result."""


class TableScorer:
    """A scorer of scores that are there already, such as those of another program.

    Args:
        scores: `[U, I]`, one row a user.
        bytes_per_user: as in `Scorer`; by default what a row takes.

    Example:
        >>> scorer = TableScorer([[0.1, 0.9, 0.5], [0.3, 0.2, 0.7]])
        >>> scorer.num_users, scorer.num_items
        (2, 3)
        >>> scorer(torch.tensor([1])).tolist()
        [[0.3, 0.2, 0.7]]
    """

    def __init__(self, scores: Tensor | np.ndarray | list[list[float]], *, bytes_per_user: int | None = None) -> None:
        # A list of floats becomes double precision, so that no two of its scores become equal.
        self.scores = scores if isinstance(scores, Tensor) else torch.from_numpy(np.asarray(scores))
        self.num_users, self.num_items = self.scores.shape
        self.bytes_per_user = self.num_items * self.scores.element_size() if bytes_per_user is None else bytes_per_user

    def __call__(self, users: Tensor) -> Tensor:
        """`[b]` user numbers to a copy of their rows, `[b, I]`."""
        return self.scores[users]
