"""The best items of each row of scores, by one rule: the higher score first, ties by the lower item number.

Rankings of a model's scores and the oracles of a simulated world list their items by this function.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def top_k(scores: Tensor, k: int) -> Tensor:
    """`[b, I]` scores to the `[b, k]` best items, best first, ties by the lower item number.

    `torch.topk` leaves the order of ties open. Here its items are sorted again. A row whose last place is tied with an
    item that is not in the list is ranked by a stable sort of the whole row.

    Example:
        >>> top_k(torch.tensor([[0.5, 0.9, 0.5, 0.5]]), k=2).tolist()
        [[1, 0]]
    """
    k = min(k, scores.shape[1])
    values, items = scores.topk(k, dim=1)
    # By item number first: the stable sort by value then leaves ties in the order of their numbers.
    items, order = items.sort(dim=1)
    values, order = values.gather(1, order).sort(dim=1, descending=True, stable=True)
    items = items.gather(1, order)
    last = values[:, -1:]
    tied = torch.from_numpy(_count(scores == last) > _count(values == last))
    if bool(tied.any()):
        items[tied] = scores[tied].sort(dim=1, descending=True, stable=True).indices[:, :k]
    return items


def _count(marks: Tensor) -> np.ndarray:
    """How many of each row of `[b, I]` bool are marked."""
    # torch.sum would first make the whole block an int64.
    return np.array([np.count_nonzero(row) for row in marks.cpu().numpy()])
