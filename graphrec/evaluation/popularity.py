"""Popularity: the ranking that knows nothing of the user. What a model must beat before anything is said of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor


def popularity(train_pairs: np.ndarray, num_items: int) -> Callable[[Tensor], Tensor]:
    """A score function that gives every user the items' numbers of training pairs.

    Args:
        train_pairs: `[E, 2]` (user, item) pairs of the role to be counted.
    """
    counts = torch.from_numpy(np.bincount(train_pairs[:, 1], minlength=num_items)).float()
    return lambda users: counts.expand(len(users), -1).clone()
