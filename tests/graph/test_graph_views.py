"""Views of a graph with replaced or perturbed features, and the stages of its pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from graphrec.data.dataset import dataset_from_events
from graphrec.data.split import SplitConfig, make_split
from graphrec.errors import UnknownNameError
from graphrec.graph.build import InteractionGraph
from graphrec.testing.planted import planted_split
from graphrec.testing.small_graph import MISSING, NUM_ITEMS, small_graph


def test_a_perturbation_adds_to_dense_features_and_to_the_projection_of_a_bag() -> None:
    graph = small_graph()
    weight, words = torch.randn(5, 3), torch.randn(6, 3)
    visual, title = graph.project("visual", weight), graph.project("title", words)
    moves = {"visual": torch.randn(NUM_ITEMS, 5), "title": torch.randn(NUM_ITEMS, 3)}
    moved = graph.with_perturbations(moves)
    torch.testing.assert_close(moved.features("visual"), graph.features("visual") + moves["visual"])
    torch.testing.assert_close(moved.project("visual", weight), visual + moves["visual"] @ weight)
    torch.testing.assert_close(moved.project("title", words), title + moves["title"])
    assert torch.equal(graph.project("visual", weight), visual), "the graph itself stays as it was"
    for name, width in (("visual", 5), ("title", 3)):
        assert torch.equal(graph.zero_perturbation(name), torch.zeros(NUM_ITEMS, width))


def test_a_view_on_another_device_is_the_same_view() -> None:
    graph, values = small_graph(), torch.randn(NUM_ITEMS, 5)
    view = graph.with_features({"visual": values}).with_perturbations({"visual": values}).to("cpu")
    assert torch.equal(view.features("visual"), 2 * values)


def test_replaced_features_may_have_another_width() -> None:
    graph, values = small_graph(), torch.randn(NUM_ITEMS, 2)
    other = graph.with_features({"visual": values})
    assert other.width("visual") == 2 and graph.width("visual") == 5
    assert torch.equal(other.features("visual"), values)
    assert other.with_perturbations({"visual": values}).features("visual").equal(2 * values)
    with pytest.raises(UnknownNameError, match="vissual"):
        graph.with_features({"vissual": values})


def test_a_bag_of_single_values_is_categorical_and_a_title_is_not() -> None:
    graph = small_graph()
    assert graph.categories("title") is None and graph.categories("visual") is None
    kinds = torch.zeros(NUM_ITEMS, 3)
    for item in range(1, NUM_ITEMS):
        kinds[item, item % 3] = 1
    graph.data["item"]["title"] = kinds.to_sparse_csr()
    actual = graph.categories("title")
    assert actual is not None
    assert actual.tolist() == [-1, *(item % 3 for item in range(1, NUM_ITEMS))]
    assert MISSING["title"] == 2


def timed() -> InteractionGraph:
    """One user clicks items 0 to 9 at times 0 to 9, 0 a second time at 20, and likes the even ones a moment later."""
    clicks = [(0, item, "click", item, "train") for item in range(10)]
    clicks += [(0, 0, "click", 20, "train"), (1, 9, "click", 5, "train")]
    likes = [(0, item, "like", item + 0.5, "train") for item in range(0, 10, 2)]
    held = [
        (1, item, behaviour, 30, part) for item, part in ((1, "valid"), (2, "test")) for behaviour in ("click", "like")
    ]
    events = pd.DataFrame([*clicks, *likes, *held], columns=["user", "item", "behaviour", "timestamp", "part"])
    events["timestamp"] = (events["timestamp"] * 10).astype(np.int64)
    dataset = dataset_from_events("timed", events, feedback={"click": ("click",), "like": ("like",)}, provenance={})
    return InteractionGraph.from_split(make_split(dataset, SplitConfig(name="given")))


def test_a_pair_belongs_to_the_stage_of_its_first_event() -> None:
    graph = timed()
    pairs, stages = graph.pairs("click"), graph.stages("click", 2)
    assert stages is not None
    actual = {(int(user), int(item)): int(stage) for (user, item), stage in zip(pairs, stages)}
    assert [actual[0, item] for item in range(10)] == [0] * 5 + [1] * 5
    likes, stages = graph.pairs("like"), graph.stages("like", 2)
    assert stages is not None
    assert [(int(i), int(s)) for (_, i), s in zip(likes, stages)] == [(0, 0), (2, 0), (4, 0), (6, 1), (8, 1)]


def test_without_times_everything_is_one_stage_and_one_stage_asks_for_nothing() -> None:
    graph = InteractionGraph.from_split(planted_split())
    assert graph.stages("click", 1) is None
    stages = graph.stages("like", 4)
    assert stages is not None and stages.eq(0).all() and len(stages) == len(graph.pairs("like"))
