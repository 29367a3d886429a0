"""The propagator: one step of neighbour aggregation over the interaction graph.

Every backbone multiplies by the interaction graph through this class, so that speed, device and numerical behaviour
are decided once.
"""

from __future__ import annotations

import copy
from typing import Literal

import torch
from torch import Tensor

from graphrec.errors import DataError, RecipeError
from graphrec.graph.pairs import require_pairs
from graphrec.graph.sparse import ConstantCSR, CSRMatrix

Scaling = Literal["sum", "mean", "symmetric"]


class Propagator:
    """One step of neighbour aggregation over the bipartite user-item graph.

    Users are nodes 0 to U-1 and items are nodes U to U+I-1. The adjacency A is one symmetric CSR matrix without stored
    values. A scaling multiplies its rows before or after the product, so that one matrix serves all scalings:

        sum         A x
        mean        D^-1 (A x)               backward  A (D^-1 g)
        symmetric   D^-1/2 (A (D^-1/2 x))    backward  the same map

    D is the diagonal of the degrees. A node without neighbours gets zeros.

    Args:
        pairs: `[E, 2]` unique (user, item) pairs.
        num_users: U.
        num_items: I.
        scaling: one of `sum`, `mean` and `symmetric`.
        self_loops: whether each node is also its own neighbour.

    Shapes:
        input `[U + I, d]`, output `[U + I, d]`.

    Raises:
        DataError: `pairs` has another shape or dtype, names a user or item out of range, or repeats a pair.
        RecipeError: `scaling` is unknown.

    Example:
        >>> import torch
        >>> propagate = Propagator(torch.tensor([[0, 0], [0, 1], [1, 1]]), num_users=2, num_items=2, scaling="mean")
        >>> nodes = torch.tensor([[1.0], [2.0], [10.0], [20.0]])  # two users, then two items
        >>> propagate(nodes).squeeze(1).tolist()  # user 0 averages both items, user 1 has item 1 alone
        [15.0, 20.0, 1.0, 1.5]
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
        pair_numbers = torch.arange(self.num_pairs).repeat(2)
        if self_loops:
            nodes = torch.arange(self.num_nodes)
            rows, columns = torch.cat([rows, nodes]), torch.cat([columns, nodes])
            pair_numbers = torch.cat([pair_numbers, torch.full_like(nodes, self.num_pairs)])
        # Columns are sorted within each row: the order of the additions, and so the last bit, then depends on the
        # graph alone and not on the order in which the pairs came.
        order = torch.argsort(rows * self.num_nodes + columns)
        crow = torch.zeros(self.num_nodes + 1, dtype=torch.int64)
        crow[1:] = torch.bincount(rows, minlength=self.num_nodes).cumsum(0)
        self._set_adjacency(
            ConstantCSR(crow, columns[order], None, self.num_nodes, symmetric=True), pair_numbers[order]
        )
        self._set_scaling(scaling)

    def _set_adjacency(self, adjacency: ConstantCSR, pair_numbers: Tensor) -> None:
        """Sets A and, for each of its entries, the number of its pair, or E for a self loop."""
        self.adjacency, self._pair_numbers = adjacency, pair_numbers
        self._item_to_user_block: ConstantCSR | None = None

    def _set_scaling(self, scaling: Scaling) -> None:
        powers = {"sum": 0.0, "mean": -1.0, "symmetric": -0.5}
        if scaling not in powers:
            raise RecipeError("unknown scaling of a propagator", expected=", ".join(powers), got=f"`{scaling}`")
        # A node without neighbours has degree 0: it counts as 1, since 0 to a negative power is infinite and
        # infinity times its zero sum would be nan.
        factor = self.adjacency.matrix.crow.diff().clamp(min=1).double().pow(powers[scaling]).unsqueeze(1)
        self.scaling = scaling
        self.after: Tensor | None = None if scaling == "sum" else factor
        self.before: Tensor | None = factor if scaling == "symmetric" else None

    def scaled(self, scaling: Scaling) -> Propagator:
        """The same adjacency with another scaling; both share the adjacency's memory."""
        propagator = copy.copy(self)
        propagator._set_scaling(scaling)
        return propagator

    def to(self, device: torch.device | str) -> Propagator:
        """The same propagator on another device."""
        moved = copy.copy(self)
        moved.adjacency, moved._pair_numbers = self.adjacency.to(device), self._pair_numbers.to(device)
        block = self._item_to_user_block
        moved._item_to_user_block = None if block is None else block.to(device)
        moved.after = None if self.after is None else self.after.to(device)
        moved.before = None if self.before is None else self.before.to(device)
        return moved

    def edge_subgraph(self, mask: Tensor) -> Propagator:
        """The same propagation over some of the pairs, with degrees counted over these pairs.

        Self loops stay. Nothing is sorted again.

        Args:
            mask: `[E]` bool, True for each pair that stays, in the order in which the pairs came.

        Raises:
            DataError: `mask` has another dtype or length.
        """
        if mask.dtype != torch.bool or mask.shape != (self.num_pairs,):
            raise DataError(
                "a mask of training pairs has the wrong form",
                expected=f"torch.bool [{self.num_pairs}], one value for each pair",
                got=f"{mask.dtype} {list(mask.shape)}",
            )
        stays = torch.cat([mask, mask.new_ones(1)]).to(self._pair_numbers.device)  # the last entry: self loops
        # The self loops, last again, get the number of pairs that stay: as in the whole graph it is E.
        new_numbers = stays.cumsum(0) - 1
        crow, columns, pair_numbers = self._filtered(stays[self._pair_numbers])
        subgraph = copy.copy(self)
        subgraph.num_pairs = int(new_numbers[-1])
        adjacency = ConstantCSR(crow, columns, None, self.num_nodes, symmetric=True)
        subgraph._set_adjacency(adjacency, new_numbers[pair_numbers])
        subgraph._set_scaling(self.scaling)
        return subgraph

    def _filtered(self, stays: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Row pointers, columns and pair numbers of those entries of A for which `stays` is True."""
        matrix, chosen = self.adjacency.matrix, stays.nonzero().squeeze(1)
        # A row's new pointer is the number of chosen entries before its old one.
        return torch.searchsorted(chosen, matrix.crow), matrix.col[chosen], self._pair_numbers[chosen]

    def __call__(self, x: Tensor) -> Tensor:
        """`[U + I, d] -> [U + I, d]`, differentiable in x.

        Raises:
            DataError: x has another shape.
        """
        return self._step(self.adjacency, x, slice(None), slice(None))

    def to_users(self, x: Tensor) -> Tensor:
        """`[I, d] -> [U, d]`: the messages of one step from items to users, at half the cost of the whole step.

        These are the user rows of the whole step, without the self loops.
        """
        return self._step(self._item_to_user(), x, slice(self.num_users, None), slice(self.num_users))

    def to_items(self, x: Tensor) -> Tensor:
        """`[U, d] -> [I, d]`: the messages of one step from users to items, without the self loops."""
        return self._step(self._item_to_user().T, x, slice(self.num_users), slice(self.num_users, None))

    def _step(self, matrix: ConstantCSR, x: Tensor, sources: slice, targets: slice) -> Tensor:
        matrix.check_operand(x)  # before the scaling, which would broadcast a wrong shape without an error
        if self.before is not None:
            x = x * self.before[sources].to(x.dtype)
        x = matrix @ x
        return x if self.after is None else x * self.after[targets].to(x.dtype)

    def _item_to_user(self) -> ConstantCSR:
        """The block of A from items to users, `[U, I]`, built at the first call; its transpose is the other block."""
        if self._item_to_user_block is None:
            users, edges = self.num_users, self.num_pairs
            # Without self loops the rows of users hold the first E entries, and the rows of items the other E.
            crow, columns, _ = self._filtered(self._pair_numbers < edges)
            self._item_to_user_block = ConstantCSR.from_transpose(
                CSRMatrix(crow[: users + 1], columns[:edges] - users, None, self.num_items),
                CSRMatrix(crow[users:] - edges, columns[edges:], None, users),
            )
        return self._item_to_user_block


def _refuse_repeats(pairs: Tensor, num_items: int) -> None:
    keys = pairs[:, 0] * num_items + pairs[:, 1]
    num_repeated = keys.numel() - keys.unique().numel()
    if num_repeated:
        raise DataError(
            "the same edge occurs twice", expected="unique (user, item) pairs", got=f"{num_repeated} repeated pairs"
        )
