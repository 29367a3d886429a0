"""Edges left out of training: the contract with them, and that scoring misses none."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from torch import Generator

from graphrec.backbones import backbones
from graphrec.backbones.adaptor import with_modalities
from graphrec.backbones.pruned import EdgeDropout
from graphrec.errors import RecipeError
from graphrec.graph.propagator import Propagator
from graphrec.runs.recipe import Recipe
from graphrec.testing import BackboneContract
from graphrec.testing.instruments import assert_equal
from graphrec.testing.small_graph import NUM_USERS, small_graph

NAMES = [name for name in backbones if issubclass(backbones.get(name), EdgeDropout)]


class TestLightGCN(BackboneContract):
    backbone = "lightgcn"
    settings: ClassVar = {"edge_dropout": 0.3}
    without_edge_dropout: ClassVar = {"edge_dropout": 0.0}
    modalities_propagate = False
    output_sets = (("id",), ("fused",), ("id", "fused"))


class TestNGCF(TestLightGCN):
    backbone = "ngcf"
    settings: ClassVar = {"edge_dropout": 0.3, "layers": 1}


def case(name: str, **settings: Any) -> BackboneContract:
    return type("Case", (BackboneContract,), {"backbone": name, "settings": {"embedding_size": 8, **settings}})()


def pairs_of(propagate: Propagator) -> set[tuple[int, ...]]:
    edges = propagate.adjacency.matrix.tensor.to_dense()[:NUM_USERS, NUM_USERS:].nonzero()
    return {tuple(pair) for pair in edges.tolist()}


def test_lightgcn_and_ngcf_have_it() -> None:
    assert set(NAMES) >= {"lightgcn", "ngcf"}


@pytest.mark.parametrize("name", NAMES)
def test_an_epoch_trains_on_its_own_share_of_the_pairs_and_scores_on_all(name: str) -> None:
    graph, settings = small_graph(), {"message_dropout": 0.0} if name == "ngcf" else {}
    (some, tables), (every, _) = (case(name, edge_dropout=d, **settings).build(graph, ("id",)) for d in (0.4, 0.0))
    every_pair = {tuple(pair) for pair in graph.pairs("click").tolist()}
    drawn = []
    for epoch in (1, 2):
        some.start_epoch(graph, Generator().manual_seed(epoch))
        drawn.append(pairs_of(some.pruned))
        assert len(drawn[-1]) == round(0.6 * len(every_pair)) and drawn[-1] < every_pair
        trained = some.train()(graph, tables)
        pruned = small_graph()
        pruned._pairs["click"] = torch.tensor(sorted(drawn[-1]))
        assert_equal(trained, every(pruned, tables))
        assert_equal(some.eval()(graph, tables), every(graph, tables))
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize("name", NAMES)
def test_at_zero_training_is_what_it_is_without(name: str) -> None:
    graph = small_graph()
    model, tables = case(name, edge_dropout=0.0).build(graph, ("id",))
    model.train()
    before = _seeded(model, graph, tables)
    generator = Generator().manual_seed(1)
    state = generator.get_state()
    model.start_epoch(graph, generator)
    assert torch.equal(generator.get_state(), state), "nothing is drawn"
    assert_equal(_seeded(model, graph, tables), before)


@pytest.mark.parametrize("name", NAMES)
def test_it_reaches_the_backbone_inside_an_adapted_one(name: str) -> None:
    graph, kind = small_graph(), with_modalities(backbones.get(name))
    config = backbones.get(name).Config(embedding_size=8, edge_dropout=0.5)
    model = kind(config, graph, "like", ("id", "visual"))
    model.start_epoch(graph, Generator().manual_seed(0))
    assert pairs_of(model.inner.pruned) < {tuple(pair) for pair in graph.pairs("like").tolist()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("share", ["1.0", "-0.1"])
def test_a_share_out_of_range_is_refused(name: str, share: str) -> None:
    with pytest.raises(RecipeError, match=r"`backbone\.edge_dropout` has a wrong value"):
        Recipe.from_dict({"data": {"path": "x"}}, [f"backbone.name={name}", f"backbone.edge_dropout={share}"])


def _seeded(model, graph, tables):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return model(graph, tables)
