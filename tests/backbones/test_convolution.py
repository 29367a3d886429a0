"""The common base of the general graph networks: features, one stack of weights, and the option without features."""

from __future__ import annotations

import pytest
import torch

from graphrec.backbones import backbones
from graphrec.backbones.convolution import Convolution
from graphrec.testing import BackboneContract
from graphrec.testing.small_graph import MISSING, NUM_ITEMS, small_graph

NAMES = [name for name in backbones if issubclass(backbones.get(name), Convolution)]


def case(kind: str, **settings) -> BackboneContract:
    return type("Case", (BackboneContract,), {"backbone": kind, "settings": settings})()


@pytest.mark.parametrize("kind", NAMES)
def test_id_is_the_same_network_with_the_features_left_out(kind: str) -> None:
    graph = small_graph()
    model, tables = case(kind).build(graph, ("id", "fused"))
    both = model(graph, tables)
    assert not torch.allclose(both["id"].item, both["fused"].item)
    for value in (*model.projections.parameters(), tables["words_title"]):
        torch.nn.init.zeros_(value)
    without = model(graph, tables)
    assert torch.equal(without["fused"].user, both["id"].user)
    assert torch.equal(without["fused"].item, both["id"].item)


@pytest.mark.parametrize("kind", NAMES)
def test_features_travel_and_an_item_without_them_starts_from_its_id(kind: str) -> None:
    graph = small_graph(modalities=("visual",))
    model, tables = case(kind).build(graph, ("fused",))
    before = model(graph, tables)["fused"]
    started = []
    model.layers[0].register_forward_pre_hook(lambda module, args: started.append(args[0][-NUM_ITEMS:]))
    graph.data["item"]["visual"] = graph.data["item"]["visual"].flip(1)
    after = model(graph, tables)["fused"]
    same = (started[0] == tables["id"][-NUM_ITEMS:]).all(1)
    assert same.nonzero().flatten().tolist() == [MISSING["visual"]]
    assert not torch.allclose(before.user[0], after.user[0])
    assert not torch.allclose(before.item[MISSING["visual"]], after.item[MISSING["visual"]])


@pytest.mark.parametrize("kind", NAMES)
def test_without_features_fused_is_id_and_no_parameters_are_created(kind: str) -> None:
    graph = small_graph()
    model, tables = case(kind, features=False).build(graph, ("id", "fused"))
    assert set(tables) == {"id"} and not list(model.projections.parameters())
    actual = model(graph, tables)
    assert actual["fused"] is actual["id"]
