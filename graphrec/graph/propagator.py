"""Propagator: the one seam through which a backbone multiplies by the interaction graph."""

from __future__ import annotations

import copy
from typing import Literal

import torch
from torch import Tensor

from graphrec.errors import DataError, RecipeError
from graphrec.graph.pairs import require_pairs
from graphrec.graph.sparse import ConstantCSR, Rows

Scaling = Literal["sum", "mean", "symmetric"]


class Propagator:
    """One step of neighbour aggregation over the bipartite user-item graph.

    Users are nodes 0 to U-1 and items nodes U to U+I-1. The adjacency is one symmetric CSR matrix without values, A.
    The scalings are row factors around it, so that one matrix serves all of them, forward and backward:

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
        DataError: not such pairs, a user or item number out of range, or a pair given twice.
        RecipeError: no such scaling.
    """

    def __init__(
        self, pairs: Tensor, num_users: int, num_items: int, scaling: Scaling = "mean", *, self_loops: bool = False
    ) -> None:
        require_pairs(pairs, num_users, num_items)
        _refuse_repeats(pairs, num_items)
        self.num_users, self.num_items, self.self_loops = num_users, num_items, self_loops
        self.num_nodes, self.num_pairs = num_users + num_items, len(pairs)
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
        self._take(ConstantCSR(crow, columns[order], None, self.num_nodes, symmetric=True), pair[order])
        self._scale(scaling)

    def _take(self, adjacency: ConstantCSR, pair: Tensor) -> None:
        """A, and for each of its entries the number of the pair that it came from, or E for a self loop."""
        self.adjacency, self._pair = adjacency, pair
        self._halves: ConstantCSR | None = None

    def _scale(self, scaling: Scaling) -> None:
        powers = {"sum": 0.0, "mean": -1.0, "symmetric": -0.5}
        if scaling not in powers:
            raise RecipeError("unknown scaling of a propagator", expected=", ".join(powers), got=f"`{scaling}`")
        factor = self.adjacency.matrix.crow.diff().clamp(min=1).double().pow(powers[scaling]).unsqueeze(1)
        self.scaling = scaling
        self.after: Tensor | None = None if scaling == "sum" else factor
        self.before: Tensor | None = factor if scaling == "symmetric" else None

    def scaled(self, scaling: Scaling) -> Propagator:
        """The same adjacency, in the same memory, with another scaling."""
        other = copy.copy(self)
        other._scale(scaling)
        return other

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
        part._take(ConstantCSR(crow, columns, None, self.num_nodes, symmetric=True), number[pair])
        part._scale(self.scaling)
        return part

    def _filtered(self, stays: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Row pointers, columns and pairs of those of A's entries that stay."""
        matrix, chosen = self.adjacency.matrix, stays.nonzero().squeeze(1)
        return torch.searchsorted(chosen, matrix.crow), matrix.col[chosen], self._pair[chosen]

    def __call__(self, x: Tensor) -> Tensor:
        """`[U + I, d] -> [U + I, d]`, differentiable in x.

        Raises:
            DataError: x has another shape.
        """
        return self._step(self.adjacency, x, slice(None), slice(None))

    def to_users(self, x: Tensor) -> Tensor:
        """`[I, d] -> [U, d]`: what one step brings from items to users, at half its cost. These are the step's user
        rows, but for a user's own part where there are self loops."""
        return self._step(self._item_to_user(), x, slice(self.num_users, None), slice(self.num_users))

    def to_items(self, x: Tensor) -> Tensor:
        """`[U, d] -> [I, d]`: what one step brings from users to items, likewise."""
        return self._step(self._item_to_user().T, x, slice(self.num_users), slice(self.num_users, None))

    def _step(self, matrix: ConstantCSR, x: Tensor, sources: slice, targets: slice) -> Tensor:
        matrix.require_fit(x)
        if self.before is not None:
            x = x * self.before[sources].to(x.dtype)
        x = matrix @ x
        return x if self.after is None else x * self.after[targets].to(x.dtype)

    def _item_to_user(self) -> ConstantCSR:
        """The block of A from items to users, `[U, I]`, made when first asked for; its transpose is the other block."""
        if self._halves is None:
            users, edges = self.num_users, self.num_pairs
            crow, columns, _ = self._filtered(self._pair < edges)
            self._halves = ConstantCSR.paired(
                Rows(crow[: users + 1], columns[:edges] - users, None, self.num_items),
                Rows(crow[users:] - edges, columns[edges:], None, users),
            )
        return self._halves


def _refuse_repeats(pairs: Tensor, num_items: int) -> None:
    keys = pairs[:, 0] * num_items + pairs[:, 1]
    repeated = keys.numel() - keys.unique().numel()
    if repeated:
        raise DataError(
            "the same edge occurs twice", expected="unique (user, item) pairs", got=f"{repeated} repeated pairs"
        )
