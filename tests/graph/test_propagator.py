"""Neighbour aggregation, against the dense adjacency."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from graphrec.errors import DataError, RecipeError
from graphrec.graph.propagator import Propagator, Scaling
from graphrec.testing.small_graph import small_graph

PAIRS = torch.tensor([[0, 0], [0, 2], [1, 2], [3, 1], [3, 2], [3, 4]])
NUM_USERS, NUM_ITEMS = 5, 6
"""User 2 and 4, items 3 and 5 have no edge."""


def dense(scaling: Scaling, self_loops: bool) -> Tensor:
    adjacency = torch.zeros(NUM_USERS + NUM_ITEMS, NUM_USERS + NUM_ITEMS, dtype=torch.float64)
    for user, item in PAIRS.tolist():
        adjacency[user, NUM_USERS + item] = adjacency[NUM_USERS + item, user] = 1
    if self_loops:
        adjacency += torch.eye(len(adjacency))
    degree = adjacency.sum(1).clamp(min=1)
    if scaling == "mean":
        return adjacency / degree[:, None]
    if scaling == "symmetric":
        return adjacency / (degree[:, None] * degree[None, :]).sqrt()
    return adjacency


@pytest.mark.parametrize("scaling", ["sum", "mean", "symmetric"])
@pytest.mark.parametrize("self_loops", [False, True])
def test_forward_and_gradient_are_those_of_dense_algebra(scaling: Scaling, self_loops: bool) -> None:
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    propagate = Propagator(PAIRS[order], NUM_USERS, NUM_ITEMS, scaling, self_loops=self_loops)
    x = torch.randn(NUM_USERS + NUM_ITEMS, 4, dtype=torch.float64, requires_grad=True)
    twin = x.detach().clone().requires_grad_()
    weights = torch.randn_like(x)
    ours, theirs = propagate(x), dense(scaling, self_loops) @ twin
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    (ours * weights).sum().backward()
    (theirs * weights).sum().backward()
    torch.testing.assert_close(x.grad, twin.grad, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scaling", ["sum", "mean", "symmetric"])
def test_a_node_without_neighbours_gets_zeros(scaling: Scaling) -> None:
    out = Propagator(PAIRS, NUM_USERS, NUM_ITEMS, scaling)(torch.ones(NUM_USERS + NUM_ITEMS, 2))
    lone = [2, 4, NUM_USERS + 3, NUM_USERS + 5]
    assert out[lone].eq(0).all()
    assert out[[0, 1, 3, NUM_USERS, NUM_USERS + 1]].gt(0).all()


def test_no_edges_at_all() -> None:
    propagate = Propagator(torch.empty(0, 2, dtype=torch.int64), 2, 3, "mean")
    assert propagate(torch.ones(5, 2)).eq(0).all()


@pytest.mark.parametrize("pair", [[-1, 0], [0, -1], [NUM_USERS, 0], [0, NUM_ITEMS]])
def test_an_edge_out_of_range_is_refused(pair: list[int]) -> None:
    with pytest.raises(DataError, match="users 0 to 4, items 0 to 5"):
        Propagator(torch.cat([PAIRS, torch.tensor([pair])]), NUM_USERS, NUM_ITEMS)


def test_a_repeated_edge_is_refused() -> None:
    with pytest.raises(DataError, match="1 repeated"):
        Propagator(torch.cat([PAIRS, PAIRS[:1]]), NUM_USERS, NUM_ITEMS)


def test_a_moved_propagator_gives_the_same_and_leaves_the_first_alone() -> None:
    propagate = Propagator(PAIRS, NUM_USERS, NUM_ITEMS, "symmetric")
    x = torch.randn(NUM_USERS + NUM_ITEMS, 3)
    moved = propagate.to("cpu")
    assert moved is not propagate
    assert torch.equal(moved(x), propagate(x))


@pytest.mark.parametrize("pairs", [PAIRS.double(), PAIRS.int(), torch.cat([PAIRS, PAIRS[:, :1]], 1), PAIRS.flatten()])
def test_what_is_no_table_of_pairs_is_refused(pairs: torch.Tensor) -> None:
    with pytest.raises(DataError, match=r"\[E, 2\] int64"):
        Propagator(pairs, NUM_USERS, NUM_ITEMS)


def test_an_unknown_scaling_is_refused() -> None:
    with pytest.raises(RecipeError, match="sum, mean, symmetric"):
        Propagator(PAIRS, NUM_USERS, NUM_ITEMS, "max")  # type: ignore[arg-type]


@pytest.mark.parametrize("scaling", ["sum", "mean", "symmetric"])
@pytest.mark.parametrize(("rows", "step"), [(NUM_USERS, "__call__"), (NUM_USERS, "to_users"), (NUM_ITEMS, "to_items")])
def test_tables_of_other_nodes_are_refused(scaling: Scaling, rows: int, step: str) -> None:
    with pytest.raises(DataError, match="a sparse product does not fit"):
        getattr(Propagator(PAIRS, NUM_USERS, NUM_ITEMS, scaling), step)(torch.zeros(rows, 2))


def test_scalings_share_one_adjacency_without_values() -> None:
    graph = small_graph()
    mean, symmetric = graph.propagator("click", "mean"), graph.propagator("click", "symmetric")
    assert mean.adjacency is symmetric.adjacency and mean.adjacency.matrix.values is None
    assert mean.adjacency.transpose is mean.adjacency.matrix
    x = torch.randn(mean.num_nodes, 3)
    assert torch.equal(symmetric.scaled("mean")(x), mean(x)) and not torch.equal(symmetric(x), mean(x))
