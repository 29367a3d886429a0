"""Propagator: the one seam through which a backbone multiplies by the interaction graph."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from graphrec.errors import DataError
from graphrec.graph.sparse import ConstantCSR

Scaling = Literal["sum", "mean", "symmetric"]


class Propagator:
    """One step of neighbour aggregation over the bipartite user-item graph.

    Users are nodes 0 to U-1 and items nodes U to U+I-1. The adjacency is one symmetric CSR matrix of ones, A. The
    scalings are row factors around it, so that one matrix serves all of them, forward and backward:

        sum         A x
        mean        D^-1 (A x)               backward  A (D^-1 g)
        symmetric   D^-1/2 (A (D^-1/2 x))    backward  the same map

    A node without neighbours gets zeros.

    Args:
        pairs: `[E, 2]` unique (user, item) pairs.
        num_users, num_items: U and I.
        scaling: see above.
        self_loops: each node is its own neighbour too.

    Raises:
        DataError: a user or item number out of range, or a pair given twice.
    """

    def __init__(
        self, pairs: Tensor, num_users: int, num_items: int, scaling: Scaling = "mean", *, self_loops: bool = False
    ) -> None:
        self.num_users, self.num_items = num_users, num_items
        self.scaling, self.self_loops = scaling, self_loops
        self.num_nodes = num_users + num_items
        _validate(pairs, num_users, num_items)
        users, items = pairs[:, 0], pairs[:, 1] + num_users
        rows, columns = torch.cat([users, items]), torch.cat([items, users])
        if self_loops:
            nodes = torch.arange(self.num_nodes)
            rows, columns = torch.cat([rows, nodes]), torch.cat([columns, nodes])
        order = torch.argsort(rows * self.num_nodes + columns)
        degree = torch.bincount(rows, minlength=self.num_nodes)
        crow = torch.zeros(self.num_nodes + 1, dtype=torch.int64)
        crow[1:] = degree.cumsum(0)
        self.adjacency = ConstantCSR(crow, columns[order], torch.ones(rows.numel()), self.num_nodes, symmetric=True)
        power = {"sum": 0.0, "mean": -1.0, "symmetric": -0.5}[scaling]
        factor = degree.clamp(min=1).double().pow(power).unsqueeze(1)
        self.after: Tensor | None = None if scaling == "sum" else factor
        self.before: Tensor | None = factor if scaling == "symmetric" else None

    def to(self, device: torch.device | str) -> Propagator:
        """The same propagator on another device."""
        moved = object.__new__(Propagator)
        moved.__dict__.update(self.__dict__)
        moved.adjacency = self.adjacency.to(device)
        moved.after = None if self.after is None else self.after.to(device)
        moved.before = None if self.before is None else self.before.to(device)
        return moved

    def __call__(self, x: Tensor) -> Tensor:
        """`[U + I, d] -> [U + I, d]`, differentiable in x."""
        if self.before is not None:
            x = x * self.before.to(x.dtype)
        x = self.adjacency @ x
        return x if self.after is None else x * self.after.to(x.dtype)


def _validate(pairs: Tensor, num_users: int, num_items: int) -> None:
    if pairs.numel() == 0:
        return
    low, high = pairs.min(0).values, pairs.max(0).values
    if int(low.min()) < 0 or int(high[0]) >= num_users or int(high[1]) >= num_items:
        raise DataError(
            "an edge leaves the graph",
            expected=f"users 0 to {num_users - 1}, items 0 to {num_items - 1}",
            got=f"users {int(low[0])} to {int(high[0])}, items {int(low[1])} to {int(high[1])}",
        )
    keys = pairs[:, 0] * num_items + pairs[:, 1]
    if keys.unique().numel() != keys.numel():
        raise DataError(
            "the same edge occurs twice",
            expected="unique (user, item) pairs",
            got=f"{keys.numel() - keys.unique().numel()} repeated pairs",
        )
