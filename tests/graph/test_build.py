"""From a split to the graph that models see."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from graphrec.data.split import Split, SplitConfig, make_split
from graphrec.errors import DataError, UnknownNameError
from graphrec.graph.build import InteractionGraph, build_hetero
from graphrec.testing.planted import PLANTED_CLICKS, planted_split, planted_world
from graphrec.testing.small_graph import NUM_ITEMS, NUM_USERS, small_graph


@pytest.fixture(scope="module")
def split() -> Split:
    return planted_split()


def edges(pairs: np.ndarray) -> set[tuple[int, int]]:
    return set(map(tuple, pairs.tolist()))


def test_the_graph_holds_the_training_pairs_and_no_other(split: Split) -> None:
    graph = InteractionGraph.from_split(split)
    for role in ("click", "like"):
        pairs = graph.pairs(role)
        assert np.array_equal(pairs.numpy(), split.train_pairs(role))
        held = edges(split.valid) | edges(split.open_test("a test of the graph"))
        assert not edges(pairs.numpy()) & held
    assert len(graph.pairs("click")) == PLANTED_CLICKS
    assert edges(graph.pairs("like").numpy()) < edges(graph.pairs("click").numpy())


def test_each_behaviour_is_an_edge_type_with_its_reverse(split: Split) -> None:
    data = build_hetero(split)
    for name in ("click", "like"):
        there = data["user", name, "item"].edge_index
        assert torch.equal(data["item", f"rev_{name}", "user"].edge_index, there.flip(0))
        assert there.unique(dim=1).shape == there.shape
    data.validate()


def test_dense_features_are_scaled_over_the_items_that_have_them(split: Split) -> None:
    graph = InteractionGraph.from_split(split)
    values, mask = graph.features("visual"), graph.mask("visual")
    assert 0 < (~mask).sum() < len(mask)
    assert values[~mask].eq(0).all()
    torch.testing.assert_close(values[mask].mean(0), torch.zeros(values.shape[1]), atol=1e-5, rtol=0)
    torch.testing.assert_close(values[mask].std(0, correction=0), torch.ones(values.shape[1]))


def test_bags_are_taken_as_given(split: Split) -> None:
    graph = InteractionGraph.from_split(split)
    assert graph.is_bag("title") and not graph.is_bag("visual")
    assert torch.equal(
        graph.features("title").to_dense(),
        torch.from_numpy(split.dataset.features["title"].values.toarray()),  # type: ignore[union-attr]
    )
    weight = torch.randn(graph.width("title"), 3, requires_grad=True)
    expected = graph.features("title").to_dense() @ weight
    torch.testing.assert_close(graph.project("title", weight), expected)
    (ours,) = torch.autograd.grad(graph.project("title", weight).square().sum(), weight)
    (theirs,) = torch.autograd.grad(expected.square().sum(), weight)
    torch.testing.assert_close(ours, theirs)


def test_a_like_is_a_click_edge_too_and_each_propagator_is_made_once() -> None:
    graph = small_graph()
    clicks, likes = (edges(graph.pairs(role).numpy()) for role in ("click", "like"))
    graph.data["user", "click", "item"].edge_index = torch.empty(2, 0, dtype=torch.int64)
    bare = InteractionGraph(graph.data, graph.feedback)
    assert edges(bare.pairs("click").numpy()) == likes < clicks
    assert graph.propagator("click", "mean") is graph.propagator("click", "mean")
    assert graph.propagator("click", "mean") is not graph.propagator("like", "mean")


def test_an_unknown_modality_is_reported_with_the_nearest_name() -> None:
    with pytest.raises(UnknownNameError, match="did you mean `visual`"):
        small_graph().features("visuel")


@pytest.mark.parametrize("edge", [(-1, 0), (0, -1), (NUM_USERS, 0), (0, NUM_ITEMS)])
def test_data_with_an_edge_out_of_range_is_refused_by_every_method_that_reads_edges(edge: tuple[int, int]) -> None:
    graph = small_graph()
    store = graph.data["user", "click", "item"]
    store.edge_index = torch.cat([store.edge_index, torch.tensor(edge)[:, None]], dim=1)
    for asked in (graph.pairs, graph.edges, graph.edges_to_users, graph.edges_with_loops):
        with pytest.raises(DataError, match="an edge leaves the graph"):
            asked("click")


def test_features_may_be_taken_as_given(split: Split) -> None:
    feature = split.dataset.features["visual"]
    taken = InteractionGraph.from_split(split, "none").features("visual").numpy()
    assert np.array_equal(taken[feature.mask], feature.values[feature.mask])
    assert not taken[~feature.mask].any()
    assert not np.allclose(taken, InteractionGraph.from_split(split).features("visual").numpy())


@pytest.mark.parametrize("name", ["id", "fused", "type", "values", "num_nodes", "face_mask", "a.b", "a/b", ""])
def test_a_modality_whose_name_has_another_use_is_refused(name: str) -> None:
    dataset = planted_world()
    dataset.features[name] = dataset.features["visual"]  # type: ignore[index]
    with pytest.raises(DataError, match="a modality cannot be called") as caught:
        build_hetero(make_split(dataset, SplitConfig(name="given")))
    assert "data.modalities" in str(caught.value.next_step)
