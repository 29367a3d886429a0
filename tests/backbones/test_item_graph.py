"""The frozen item graphs against a dense computation."""

from __future__ import annotations

import pytest
import torch
from support.dense_equations import item_graph

from graphrec.backbones.item_graph import FrozenItemGraphs
from graphrec.graph.sparse import ConstantCSR
from graphrec.testing.small_graph import MISSING, NUM_ITEMS, small_graph


def dense(matrix: ConstantCSR) -> torch.Tensor:
    return matrix @ torch.eye(NUM_ITEMS, dtype=torch.float64)


@pytest.mark.parametrize("modality", list(MISSING))
def test_entries_are_cosines_over_the_roots_of_row_sums_and_missing_items_have_none(modality: str) -> None:
    graph = small_graph()
    actual = dense(FrozenItemGraphs()(graph, modality, 4))
    torch.testing.assert_close(actual, item_graph(graph, modality, 4), rtol=1e-5, atol=1e-6)
    missing = MISSING[modality]
    assert actual[missing].eq(0).all() and actual[:, missing].eq(0).all()


def test_the_maximum_is_entrywise_and_its_backward_pass_transposes_it() -> None:
    graph, counts = small_graph(), {"visual": 3, "title": 4, "acoustic": 2}
    matrix = FrozenItemGraphs().maximum(graph, counts)
    expected = torch.stack([item_graph(graph, m, count) for m, count in counts.items()]).amax(0)
    torch.testing.assert_close(dense(matrix), expected, rtol=1e-5, atol=1e-6)
    x = torch.randn(NUM_ITEMS, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda table: matrix @ table, (x,))


def test_an_item_graph_is_cached_until_the_features_change() -> None:
    graphs, graph = FrozenItemGraphs(), small_graph()
    counts = {"visual": 3, "acoustic": 3}
    assert graphs(graph, "visual", 3) is graphs(graph, "visual", 3)
    assert graphs.maximum(graph, counts) is graphs.maximum(graph, counts)
    first, strongest = graphs(graph, "visual", 3), graphs.maximum(graph, counts)
    other = graph.with_features({"visual": torch.randn(NUM_ITEMS, 5)})
    assert not torch.equal(dense(graphs(other, "visual", 3)), dense(first))
    assert not torch.equal(dense(graphs.maximum(other, counts)), dense(strongest))
