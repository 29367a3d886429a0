"""What every part of a graph asks of pairs of numbers, its edges, before it computes with them."""

from __future__ import annotations

import torch
from torch import Tensor

from graphrec.errors import DataError


def require_pairs(pairs: Tensor, left: int, right: int, lefts: str = "users", rights: str = "items") -> None:
    """Checks `[E, 2]` int64 edges: `left` numbers from 0 on the one side, `right` on the other.

    Args:
        lefts, rights: what they number, for the message.

    Raises:
        DataError: another shape or dtype, or a number out of range.
    """
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype != torch.int64:
        raise DataError(
            f"not a table of {lefts} and {rights}", expected="[E, 2] int64", got=f"{list(pairs.shape)} {pairs.dtype}"
        )
    if pairs.numel() == 0:
        return
    low, high = pairs.min(0).values.tolist(), pairs.max(0).values.tolist()
    if min(low) < 0 or high[0] >= left or high[1] >= right:
        raise DataError(
            "an edge leaves the graph",
            expected=f"{lefts} 0 to {left - 1}, {rights} 0 to {right - 1}",
            got=f"{lefts} {low[0]} to {high[0]}, {rights} {low[1]} to {high[1]}",
        )
