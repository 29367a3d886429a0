"""Propagator: the one seam through which a backbone multiplies by the interaction graph."""

from __future__ import annotations

import copy
from typing import Literal

import torch
from torch import Tensor

from graphrec.errors import DataError
from graphrec.graph.sparse import ConstantCSR, csr_tensor

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
        self.num_nodes, self.num_pairs = num_users + num_items, len(pairs)
        _validate(pairs, num_users, num_items)
        users, items = pairs[:, 0], pairs[:, 1] + num_users
        rows, columns = torch.cat([users, items]), torch.cat([items, users])
        pair = torch.arange(self.num_pairs).repeat(2)
        if self_loops:
            nodes = torch.arange(self.num_nodes)
            rows, columns = torch.cat([rows, nodes]), torch.cat([columns, nodes])
            pair = torch.cat([pair, torch.full_like(nodes, self.num_pairs)])
        order = torch.argsort(rows * self.num_nodes + columns)
        crow = torch.zeros(self.num_nodes + 1, dtype=torch.int64)
        crow[1:] = torch.bincount(rows, minlength=self.num_nodes).cumsum(0)
        self._take(crow, columns[order], pair[order])

    def _take(self, crow: Tensor, columns: Tensor, pair: Tensor) -> None:
        """A by its entries, with the number of the pair that each came from, or E for a self loop."""
        self.adjacency = ConstantCSR(crow, columns, _ones(columns), self.num_nodes, symmetric=True)
        self._pair = pair
        self._halves: ConstantCSR | None = None
        power = {"sum": 0.0, "mean": -1.0, "symmetric": -0.5}[self.scaling]
        factor = crow.diff().clamp(min=1).double().pow(power).unsqueeze(1)
        self.after: Tensor | None = None if self.scaling == "sum" else factor
        self.before: Tensor | None = factor if self.scaling == "symmetric" else None

    def to(self, device: torch.device | str) -> Propagator:
        """The same propagator on another device."""
        moved = copy.copy(self)
        moved.adjacency, moved._pair = self.adjacency.to(device), self._pair.to(device)
        moved._halves = None if self._halves is None else self._halves.to(device)
        moved.after = None if self.after is None else self.after.to(device)
        moved.before = None if self.before is None else self.before.to(device)
        return moved

    def kept(self, keep: Tensor) -> Propagator:
        """The same propagation over some of the pairs, degrees counted anew; self loops stay. Nothing is sorted again.

        Args:
            keep: `[E]` bool, for each pair in the order in which they were given.

        Raises:
            DataError: another dtype or length.
        """
        if keep.dtype != torch.bool or keep.shape != (self.num_pairs,):
            raise DataError(
                "it cannot be told which pairs to keep",
                expected=f"torch.bool [{self.num_pairs}], one for each pair",
                got=f"{keep.dtype} {list(keep.shape)}",
            )
        stays = torch.cat([keep, keep.new_ones(1)]).to(self._pair.device)  # the last stands for self loops
        number = stays.cumsum(0) - 1
        crow, columns, pair = self._filtered(stays[self._pair])
        part = copy.copy(self)
        part.num_pairs = int(number[-1])
        part._take(crow, columns, number[pair])
        return part

    def _filtered(self, stays: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Row pointers, columns and pairs of those of A's entries that stay."""
        matrix, chosen = self.adjacency.forward_matrix, stays.nonzero().squeeze(1)
        crow = torch.searchsorted(chosen, matrix.crow_indices())
        return crow, matrix.col_indices()[chosen], self._pair[chosen]

    def __call__(self, x: Tensor) -> Tensor:
        """`[U + I, d] -> [U + I, d]`, differentiable in x."""
        return self._step(self.adjacency, x, slice(None), slice(None))

    def to_users(self, x: Tensor) -> Tensor:
        """`[I, d] -> [U, d]`: what one step brings from items to users, at half its cost. These are the step's user
        rows, but for a user's own part where there are self loops."""
        return self._step(self._item_to_user(), x, slice(self.num_users, None), slice(self.num_users))

    def to_items(self, x: Tensor) -> Tensor:
        """`[U, d] -> [I, d]`: what one step brings from users to items, likewise."""
        return self._step(self._item_to_user().T, x, slice(self.num_users), slice(self.num_users, None))

    def _step(self, matrix: ConstantCSR, x: Tensor, sources: slice, targets: slice) -> Tensor:
        if self.before is not None:
            x = x * self.before[sources].to(x.dtype)
        x = matrix @ x
        return x if self.after is None else x * self.after[targets].to(x.dtype)

    def _item_to_user(self) -> ConstantCSR:
        """The block of A from items to users, `[U, I]`, made when first asked for; its transpose is the other block."""
        if self._halves is None:
            users, edges = self.num_users, self.num_pairs
            crow, columns, _ = self._filtered(self._pair < edges)
            ones = _ones(columns[:edges])
            self._halves = ConstantCSR.paired(
                csr_tensor(crow[: users + 1], columns[:edges] - users, ones, (users, self.num_items)),
                csr_tensor(crow[users:] - edges, columns[edges:], ones, (self.num_items, users)),
            )
        return self._halves


def _ones(like: Tensor) -> Tensor:
    return torch.ones(like.shape, device=like.device)


def require_inside(pairs: Tensor, num_users: int, num_items: int) -> None:
    """Raises DataError where one of `[E, 2]` pairs names no user or no item."""
    if pairs.numel() == 0:
        return
    low, high = pairs.min(0).values, pairs.max(0).values
    if int(low.min()) < 0 or int(high[0]) >= num_users or int(high[1]) >= num_items:
        raise DataError(
            "an edge leaves the graph",
            expected=f"users 0 to {num_users - 1}, items 0 to {num_items - 1}",
            got=f"users {int(low[0])} to {int(high[0])}, items {int(low[1])} to {int(high[1])}",
        )


def _validate(pairs: Tensor, num_users: int, num_items: int) -> None:
    require_inside(pairs, num_users, num_items)
    keys = pairs[:, 0] * num_items + pairs[:, 1]
    if keys.unique().numel() != keys.numel():
        raise DataError(
            "the same edge occurs twice",
            expected="unique (user, item) pairs",
            got=f"{keys.numel() - keys.unique().numel()} repeated pairs",
        )
