"""The check of edge lists: every class that takes edges runs it before it computes with them."""

from __future__ import annotations

import torch
from torch import Tensor

from graphrec.errors import DataError


def require_pairs(
    pairs: Tensor, num_left: int, num_right: int, left_name: str = "users", right_name: str = "items"
) -> None:
    """Check `[E, 2]` int64 edges: the first column is below `num_left`, the second below `num_right`.

    Args:
        left_name: what the first column numbers, for the error text.
        right_name: what the second column numbers, for the error text.

    Raises:
        DataError: `pairs` has another shape or dtype, or a number is out of range.

    Example:
        >>> import torch
        >>> require_pairs(torch.tensor([[0, 2], [1, 0]]), num_left=2, num_right=3)
        >>> try:
        ...     require_pairs(torch.tensor([[0, 3]]), num_left=2, num_right=3)
        ... except DataError as error:
        ...     print(error.problem, "|", error.expected)
        an edge leaves the graph | users 0 to 1, items 0 to 2
    """
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype != torch.int64:
        raise DataError(
            f"not a table of {left_name} and {right_name}",
            expected="[E, 2] int64",
            got=f"{list(pairs.shape)} {pairs.dtype}",
        )
    if pairs.numel() == 0:
        return
    low, high = pairs.min(0).values.tolist(), pairs.max(0).values.tolist()
    if min(low) < 0 or high[0] >= num_left or high[1] >= num_right:
        raise DataError(
            "an edge leaves the graph",
            expected=f"{left_name} 0 to {num_left - 1}, {right_name} 0 to {num_right - 1}",
            got=f"{left_name} {low[0]} to {high[0]}, {right_name} {low[1]} to {high[1]}",
        )
