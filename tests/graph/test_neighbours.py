"""The nearest items and the matrix of them, against brute force in double precision."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch_geometric.nn import SimpleConv

from graphrec.errors import DataError, UnknownNameError
from graphrec.graph.neighbours import Neighbours, NeighbourScaling, Weights, nearest
from graphrec.testing.small_graph import LONE_ITEM, MISSING, NUM_ITEMS, small_graph

ITEMS = 23
EVERYONE = torch.ones(ITEMS, dtype=torch.bool)


def features(kind: str, items: int = ITEMS, width: int = 6, seed: int = 0) -> Tensor:
    """Random features, or a random bag in which many items share no word; no two similarities are near each other."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(items, width, generator=generator)
    if kind == "dense":
        return values
    values[torch.rand(values.shape, generator=generator) < 0.7] = 0
    return values.abs().to_sparse_csr()


def brute_force(values: Tensor, mask: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The result of `nearest`, by sorting every row of the whole matrix."""
    dense = values.to_dense().double()
    size = dense.norm(dim=1)
    index, similarity = torch.full((len(dense), count), -1), torch.zeros(len(dense), count)
    candidates = [item for item in range(len(dense)) if mask[item] and size[item] > 0]
    for item in candidates:
        cosine = {other: float(dense[item] @ dense[other] / size[item] / size[other]) for other in candidates}
        best = sorted(candidates, key=lambda other: (other != item, -round(cosine[other], 6), other))[:count]
        index[item, : len(best)] = torch.tensor(best)
        similarity[item, : len(best)] = torch.tensor([cosine[other] for other in best])
    return index, similarity


@pytest.mark.parametrize("kind", ["dense", "bag"])
@pytest.mark.parametrize("count", [1, 4, ITEMS, ITEMS + 3])
@pytest.mark.parametrize("block_bytes", [1, 16 * ITEMS * 5, 2**26])
def test_neighbours_are_those_of_a_full_sort_whatever_the_blocks(kind: str, count: int, block_bytes: int) -> None:
    values, mask = features(kind), EVERYONE.clone()
    mask[[2, 11]] = False
    actual = nearest(values, mask, count, block_bytes=block_bytes)
    index, similarity = brute_force(values, mask, count)
    assert torch.equal(actual.index, index)
    torch.testing.assert_close(actual.similarity, similarity, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["dense", "bag"])
def test_an_item_without_features_has_no_neighbours_and_is_no_neighbour(kind: str) -> None:
    values, mask = features("dense"), EVERYONE.clone()
    values[3], mask[7] = 0, False
    actual = nearest(values if kind == "dense" else values.to_sparse_csr(), mask, 5)
    for item in (3, 7):
        assert actual.index[item].eq(-1).all() and actual.similarity[item].eq(0).all()
        assert not actual.index.eq(item).any()
    others = [item for item in range(ITEMS) if item not in (3, 7)]
    assert actual.index[others].ge(0).all()


def test_ties_go_to_the_lower_item_but_an_item_comes_before_its_copies() -> None:
    values = features("dense", items=2)[torch.arange(ITEMS) % 2] * 2.0 ** (torch.arange(ITEMS).unsqueeze(1) % 5)
    actual = nearest(values, EVERYONE, 4, block_bytes=16 * ITEMS * 3)
    assert actual.index[0].tolist() == [0, 2, 4, 6]
    assert actual.index[15].tolist() == [15, 1, 3, 5]
    assert actual.similarity[:, 0].eq(1).all()
    torch.testing.assert_close(actual.similarity, torch.ones(ITEMS, 4))


@pytest.mark.parametrize("kind", ["dense", "bag"])
@pytest.mark.parametrize("count", [1, 3, 6, ITEMS + 3])
@pytest.mark.parametrize("distinct", [1, 2, 5, 17])
def test_copies_of_a_few_rows_are_neighbours_as_a_full_sort_has_them(kind: str, count: int, distinct: int) -> None:
    generator = torch.Generator().manual_seed(distinct)
    rows = torch.eye(distinct) if kind == "bag" else features("dense", items=distinct)  # a bag's kinds tie, all at 0
    values, mask = rows[torch.randint(distinct, (ITEMS,), generator=generator)], EVERYONE.clone()
    mask[[0, 9]] = False
    values[5] = 0
    actual = nearest(values.to_sparse_csr() if kind == "bag" else values, mask, count, block_bytes=16 * ITEMS * 3)
    index, similarity = brute_force(values, mask, count)
    assert torch.equal(actual.index, index)
    torch.testing.assert_close(actual.similarity, similarity, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["dense", "bag"])
def test_where_no_item_has_features_there_are_no_neighbours(kind: str) -> None:
    values = features(kind)
    actual = nearest(values, ~EVERYONE, 3)
    assert actual.index.eq(-1).all() and actual.similarity.eq(0).all() and actual.index.shape == (ITEMS, 3)


@pytest.mark.parametrize("kind", ["dense", "bag"])
def test_renumbering_the_items_renumbers_their_neighbours_and_nothing_else(kind: str) -> None:
    values = features("dense", items=301, width=37)
    if kind == "bag":  # in counts that no other item has, so that nothing ties
        values = torch.where(values < 0, 0, values)
    generator = torch.Generator().manual_seed(1)
    order, mask = torch.randperm(301, generator=generator), torch.rand(301, generator=generator) < 0.9
    tables = [tensor.to_sparse_csr() if kind == "bag" else tensor for tensor in (values, values[order])]
    plain, other = nearest(tables[0], mask, 6), nearest(tables[1], mask[order], 6)
    renumbered = torch.where(other.index < 0, -1, order[other.index])
    assert torch.equal(renumbered, plain.index[order])
    assert torch.equal(other.similarity, plain.similarity[order])


class Largest(TorchDispatchMode):
    """Notes the number of elements of the largest tensor that an operation gives."""

    elements = 0

    def __torch_dispatch__(self, operation, types, arguments=(), named=None):
        result = operation(*arguments, **(named or {}))
        for tensor in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(tensor, Tensor) and tensor.layout == torch.strided:
                self.elements = max(self.elements, tensor.numel())
        return result


@pytest.mark.parametrize("kind", ["dense", "bag", "tied"])
def test_no_operation_gives_more_than_a_block(kind: str) -> None:
    items, width, count, block_bytes = 2000, 16, 5, 2**20
    values = features("bag" if kind == "bag" else "dense", items, width)
    if kind == "tied":
        values = values[torch.arange(items) % 20]
    mask = torch.ones(items, dtype=torch.bool)
    with Largest() as seen:
        actual = nearest(values, mask, count, block_bytes=block_bytes)
        actual.matrix("cosine", "symmetric")
    assert seen.elements <= max(block_bytes // 4, items * width * 2) < items * items // 10
    assert seen.elements > items


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": 0}, "count 0"),
        ({"mask": torch.ones(ITEMS - 1, dtype=torch.bool)}, r"mask \[22\]"),
        ({"values": torch.full((ITEMS, 2), torch.nan)}, "not finite"),
        ({"values": torch.full((ITEMS, 2), torch.inf)}, "not finite"),
    ],
)
def test_what_has_no_nearest_items_is_refused(change: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        nearest(**{"values": features("dense"), "mask": EVERYONE, "count": 3} | change)


HAND = Neighbours(
    torch.tensor([[0, 2, 1], [1, 0, -1], [2, 0, 1], [-1, -1, -1]]),
    torch.tensor([[1.0, 0.5, -0.4], [1.0, 0.25, 0.0], [1.0, 0.5, 0.2], [0.0, 0.0, 0.0]]),
)
EQUAL = torch.tensor([[1.0, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]])
COSINE = torch.tensor([[1.0, 0, 0.5, 0], [0.25, 1, 0, 0], [0.5, 0.2, 1, 0], [0, 0, 0, 0]])


@pytest.mark.parametrize(("weights", "plain"), [("equal", EQUAL), ("cosine", COSINE)])
@pytest.mark.parametrize("scaling", ["row", "symmetric"])
def test_the_matrix_and_its_gradient_are_those_of_dense_algebra(
    weights: Weights, plain: Tensor, scaling: NeighbourScaling
) -> None:
    total = plain.sum(1).clamp(min=1e-12)
    dense = plain / (total[:, None] if scaling == "row" else (total[:, None] * total[None, :]).sqrt())
    matrix = HAND.matrix(weights, scaling)
    x = torch.randn(4, 3, requires_grad=True)
    upstream = torch.randn(4, 3)
    torch.testing.assert_close(matrix @ x, dense @ x)
    (gradient,) = torch.autograd.grad(matrix @ x, x, upstream)
    torch.testing.assert_close(gradient, dense.T @ upstream)


def test_with_k_equal_neighbours_each_every_entry_is_one_kth() -> None:
    entries = nearest(features("dense"), EVERYONE, 10).matrix("equal", "symmetric").matrix.values
    assert len(entries) == 10 * ITEMS
    torch.testing.assert_close(entries, torch.full_like(entries, 0.1))


def test_a_row_whose_weights_sum_to_zero_stays_zero() -> None:
    lonely = Neighbours(torch.tensor([[1], [1]]), torch.tensor([[-1.0], [1.0]]))
    for scaling in ("row", "symmetric"):
        assert torch.equal(lonely.matrix("cosine", scaling) @ torch.eye(2), torch.tensor([[0.0, 0.0], [0.0, 1.0]]))


@pytest.mark.parametrize("item", [-2, 4])
def test_a_neighbour_that_is_no_item_is_refused(item: int) -> None:
    index = HAND.index.clone()
    index[1, 1] = item
    with pytest.raises(DataError, match="items 0 to 3, or -1"):
        Neighbours(index, HAND.similarity)


@pytest.mark.parametrize("index", [HAND.index[:, :2], HAND.index[0], HAND.index.int()])
def test_a_table_of_another_form_is_refused(index: Tensor) -> None:
    with pytest.raises(DataError, match="broken"):
        Neighbours(index, HAND.similarity)


def test_a_graph_finds_the_neighbours_of_a_modality_once_for_all_its_views() -> None:
    graph = small_graph()
    other = graph.with_features({"acoustic": torch.randn(NUM_ITEMS, 2)})
    for name in ("visual", "title"):
        actual = other.neighbours(name, 4)
        assert torch.equal(actual.index, nearest(graph.features(name), graph.mask(name), 4).index)
        assert actual.index[MISSING[name]].eq(-1).all()
        assert graph.neighbours(name, 4) is actual
        assert graph.neighbours(name, 3) is not actual
    with pytest.raises(UnknownNameError, match="vissual"):
        graph.neighbours("vissual", 4)


def test_replaced_features_have_other_neighbours() -> None:
    graph, values = small_graph(), torch.randn(NUM_ITEMS, 2, requires_grad=True)
    before = graph.neighbours("visual", 4)
    other = graph.with_features({"visual": values})
    actual = other.neighbours("visual", 4)
    assert torch.equal(actual.index, nearest(values, graph.mask("visual"), 4).index)
    assert not torch.equal(actual.index, before.index)
    assert not actual.similarity.requires_grad
    assert other.neighbours("visual", 4) is actual, "searched once"
    assert graph.neighbours("visual", 4) is before, "the graph itself stays as it was"
    third = graph.with_features({"visual": -values.flip(0)})
    assert not torch.equal(third.neighbours("visual", 4).index, actual.index)


def test_perturbed_features_keep_their_neighbours() -> None:
    graph = small_graph()
    moved = graph.with_perturbations({"visual": torch.randn(NUM_ITEMS, 5), "title": torch.randn(NUM_ITEMS, 3)})
    for name in ("visual", "title"):
        assert moved.neighbours(name, 4) is graph.neighbours(name, 4)


def test_edges_are_both_directions_of_the_pairs_sorted_by_destination() -> None:
    graph = small_graph()
    edges = graph.edges("like")
    there = {(user, graph.num_users + item) for user, item in graph.pairs("like").tolist()}
    assert set(map(tuple, edges.T.tolist())) == there | {(item, user) for user, item in there}
    assert edges.shape[1] == 2 * len(there)
    assert edges[1].diff().ge(0).all()
    assert graph.edges("like") is edges
    x = torch.randn(graph.num_users + NUM_ITEMS, 3)
    out = SimpleConv(aggr="mean")(x, edges)
    torch.testing.assert_close(out, graph.propagator("like", "mean")(x))
    assert out[graph.num_users + LONE_ITEM].eq(0).all()
