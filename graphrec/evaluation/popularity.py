"""Popularity: the ranking that knows nothing of the user. A model must beat it before anything is claimed for it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

BYTES_PER_SCORE = 24
"""About what a baseline takes for each item of a user while it is computed."""


class PopularityScorer:
    """Gives every user the items' numbers of training pairs.

    Args:
        train_pairs: `[E, 2]` (user, item) pairs of the feedback that is counted.
        num_users, num_items: U and I.

    Example:
        >>> popularity = PopularityScorer(np.array([[0, 1], [1, 1], [1, 2]]), num_users=2, num_items=3)
        >>> popularity(torch.tensor([0, 1])).tolist()
        [[0.0, 2.0, 1.0], [0.0, 2.0, 1.0]]
    """

    def __init__(self, train_pairs: np.ndarray, num_users: int, num_items: int) -> None:
        self.num_users, self.num_items = num_users, num_items
        self.bytes_per_user = BYTES_PER_SCORE * num_items
        self.counts = torch.from_numpy(np.bincount(train_pairs[:, 1], minlength=num_items)).float()

    def __call__(self, users: Tensor) -> Tensor:
        """`[b]` user numbers to `[b, I]` scores; a copy, as ranking writes into it."""
        return self.counts.expand(len(users), -1).clone()
