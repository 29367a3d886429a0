"""The operations of attention over edges, against dense algebra, PyG's softmax and finite differences."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck
from torch_geometric.utils import softmax

from graphrec.errors import DataError
from graphrec.graph.sorted_edges import SortedEdges
from graphrec.testing.small_graph import NUM_ITEMS, NUM_USERS, small_graph

ROWS, COLUMNS = 7, 5
RANDOM = torch.Generator().manual_seed(0)
MET = torch.rand(ROWS, COLUMNS, generator=RANDOM) < 0.5
MET[3], MET[:, 1] = False, False
"""Node 3 has no neighbour, and neighbour 1 is the neighbour of no node."""
INDEX = MET.nonzero().T.flip(0)[:, torch.randperm(int(MET.sum()), generator=RANDOM)]
"""In no order."""


@pytest.fixture
def edges() -> SortedEdges:
    return SortedEdges(INDEX, ROWS, COLUMNS)


def table(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def dense(edges: SortedEdges, weights: Tensor) -> Tensor:
    matrix = torch.zeros(edges.shape, dtype=weights.dtype)
    matrix[edges.target, edges.source] = weights
    return matrix


def test_edges_are_sorted_by_target_and_the_transpose_reverses_them(edges: SortedEdges) -> None:
    expected = sorted((node, neighbour) for neighbour, node in INDEX.T.tolist())
    assert list(zip(edges.target.tolist(), edges.source.tolist())) == expected
    assert edges.T.shape == (COLUMNS, ROWS) and edges.T.T is edges
    assert list(zip(edges.T.target.tolist(), edges.T.source.tolist())) == sorted((b, a) for a, b in expected)
    numbers = torch.arange(float(len(expected)))
    assert torch.equal(dense(edges.T, edges.to_transpose_order(numbers)), dense(edges, numbers).T)
    assert torch.equal(edges.T.to_transpose_order(edges.to_transpose_order(numbers)), numbers)


def test_dot_products_and_sums_are_entries_and_products_of_dense_matrices(edges: SortedEdges) -> None:
    x, y, weights = table(ROWS, 4), table(COLUMNS, 4), table(INDEX.shape[1])
    torch.testing.assert_close(edges.dot_products(x, y), (x @ y.T)[edges.target, edges.source])
    torch.testing.assert_close(edges.sum(weights, y), dense(edges, weights) @ y)
    torch.testing.assert_close(edges.T.sum(edges.to_transpose_order(weights), x), dense(edges, weights).T @ x)
    assert edges.sum(weights, y)[3].eq(0).all()
    spread = edges.sum(weights.float()[:1].expand(len(weights)), y.float().T.contiguous().T)
    torch.testing.assert_close(spread, (dense(edges, weights[:1].expand(len(weights))) @ y).float())


def test_softmax_is_taken_over_the_edges_into_a_node(edges: SortedEdges) -> None:
    logits, upstream = table(INDEX.shape[1]), torch.randn(INDEX.shape[1], dtype=torch.float64)
    ours, theirs = edges.softmax(logits), softmax(logits, edges.target, num_nodes=ROWS)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(*(torch.autograd.grad(output, logits, upstream)[0] for output in (ours, theirs)))
    torch.testing.assert_close(edges.softmax(logits + 1e4), ours, rtol=1e-9, atol=0)


def test_minus_infinity_has_zero_weight_and_no_gradient(edges: SortedEdges) -> None:
    silent = (edges.source == 0) | (edges.target == int(edges.target[0]))
    logits = table(INDEX.shape[1])
    weights = edges.softmax(logits.masked_fill(silent, -torch.inf))
    assert weights[silent].eq(0).all() and weights[~silent].gt(0).all()
    sums = torch.zeros(ROWS, dtype=torch.float64).index_add(0, edges.target, weights)
    received = torch.zeros(ROWS, dtype=torch.bool).index_fill(0, edges.target[~silent], True)
    torch.testing.assert_close(sums, received.double())
    (gradient,) = torch.autograd.grad(weights, logits, torch.randn_like(weights))
    assert gradient.isfinite().all() and gradient[silent].eq(0).all() and gradient.ne(0).any()


def test_gradients_agree_with_finite_differences(edges: SortedEdges) -> None:
    x, y, weights = table(ROWS, 3), table(COLUMNS, 3), table(INDEX.shape[1])
    assert gradcheck(edges.dot_products, (x, y))
    assert gradcheck(edges.sum, (weights, y))
    assert gradcheck(edges.softmax, (weights,))
    assert gradcheck(lambda x, y: edges.sum(edges.softmax(edges.dot_products(x, y)), y), (x, y))


def test_no_edges_at_all() -> None:
    edges = SortedEdges(torch.empty(2, 0, dtype=torch.int64), 2, 3)
    x, y = table(2, 4), table(3, 4)
    received = edges.sum(edges.softmax(edges.dot_products(x, y)), y)
    assert received.eq(0).all() and received.shape == (2, 4)
    received.sum().backward()
    assert x.grad is not None and x.grad.eq(0).all()


def test_a_graph_caches_its_sorted_edges() -> None:
    graph = small_graph()
    users, items = graph.pairs("like").T
    edges = graph.edges_to_users("like")
    assert edges.shape == (NUM_USERS, NUM_ITEMS)
    assert torch.equal(edges.target, users) and torch.equal(edges.source, items)
    assert graph.edges_to_users("like") is edges and graph.edges_to_users("click") is not edges
    looped = graph.edges_with_loops("like")
    everyone = torch.arange(NUM_USERS + NUM_ITEMS)
    own = looped.source == looped.target
    assert torch.equal(looped.source[own], everyone)
    assert torch.equal(torch.stack([looped.source, looped.target])[:, ~own], graph.edges("like"))
    assert graph.edges_with_loops("like") is looped


@pytest.mark.parametrize("index", [[[0], [ROWS]], [[COLUMNS], [0]], [[-1], [0]]])
def test_an_edge_of_no_node_is_refused(index: list[list[int]]) -> None:
    with pytest.raises(DataError, match="neighbours 0 to 4, nodes 0 to 6"):
        SortedEdges(torch.tensor(index), ROWS, COLUMNS)
