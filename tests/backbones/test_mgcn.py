"""MGCN: the contract, and its equations computed again in dense matrices."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from support.dense_equations import built, content, info_nce, interactions, item_graph, nodes, projected, symmetric
from torch import Tensor

from graphrec.backbones import Backbone, Pairs
from graphrec.graph.build import InteractionGraph
from graphrec.testing import BackboneContract
from graphrec.testing.small_graph import MISSING, MODALITIES, NUM_ITEMS, NUM_USERS, small_graph

NEIGHBOURS = 4


class TestMGCN(BackboneContract):
    backbone = "mgcn"
    settings: ClassVar = {"neighbours": NEIGHBOURS}
    modalities_propagate = False


def test_defaults_are_the_published_ones() -> None:
    config = TestMGCN().config(neighbours=10, embedding_size=64)
    assert config == type(config)()
    assert (config.layers, config.item_layers, config.neighbours) == (2, 1, 10)
    assert (config.contrast_weight, config.temperature) == (0.01, 0.2)


def equations(
    model: Backbone, tables: dict[str, Tensor], graph: InteractionGraph, item_layers: int
) -> dict[str, Tensor]:
    """Every output `[U + I, d]`, and the side."""
    w = dict(model.named_parameters())
    ids, c = tables["id"], content(graph, tables["id"], 2)
    r = symmetric(interactions(graph))[:NUM_USERS, NUM_USERS:]
    views = {}
    for m in graph.modalities:
        gate = torch.sigmoid(projected(model, tables, graph, m) @ w[f"gates.{m}.weight"].T + w[f"gates.{m}.bias"])
        items = ids[NUM_USERS:] * gate
        items = torch.linalg.matrix_power(item_graph(graph, m, NEIGHBOURS), item_layers) @ items
        views[m] = torch.cat([r @ items, items])
    side = torch.zeros_like(c)
    for node in range(NUM_USERS + NUM_ITEMS):
        present = [m for m in views if node - NUM_USERS != MISSING[m]]
        if len(views) == 1:
            side[node] = views[present[0]][node] / 2 if present else 0.0
            continue
        hidden = {m: torch.tanh(w["query.0.weight"] @ views[m][node] + w["query.0.bias"]) for m in present}
        scores = torch.stack([(w["query.2.weight"] @ hidden[m]).squeeze() for m in present])
        common = sum(a * views[m][node] for a, m in zip(scores.softmax(0), present))
        total = common
        for m in present:
            preference = torch.sigmoid(w[f"preferences.{m}.weight"] @ c[node] + w[f"preferences.{m}.bias"])
            total = total + preference * (views[m][node] - common)
        side[node] = total / (len(views) + 1)
    return {"id": c, "fused": c + side, "side": side} | {m: c + view for m, view in views.items()}


@pytest.mark.parametrize("modalities", [MODALITIES, ("visual", "title"), ("acoustic",)])
@pytest.mark.parametrize("item_layers", [1, 2])
def test_the_outputs_are_the_published_equations(modalities: tuple[str, ...], item_layers: int) -> None:
    graph = small_graph(modalities)
    outputs = ("id", *modalities, "fused")
    model, tables = built("mgcn", graph, outputs, neighbours=NEIGHBOURS, item_layers=item_layers)
    actual, expected = model(graph, tables), equations(model, tables, graph, item_layers)
    for name in outputs:
        torch.testing.assert_close(nodes(actual[name]), expected[name], rtol=1e-5, atol=1e-6)


def test_the_contrast_holds_side_and_content_of_a_node_together() -> None:
    graph = small_graph()
    model, tables = built("mgcn", graph, ("fused",), neighbours=NEIGHBOURS)
    expected = equations(model, tables, graph, 1)
    pairs = Pairs(torch.tensor([0, 2, 3]), torch.tensor([1, 0, 4]), torch.tensor([5, 5, 6]))
    (contrast,) = model.auxiliaries()
    ours = contrast.loss(model.train()(graph, tables), pairs).detach()
    theirs = 0.0
    for rows in (pairs.users, NUM_USERS + pairs.items):
        theirs += info_nce(expected["side"][rows], expected["id"][rows], 0.2)
    assert float(ours) == pytest.approx(theirs, rel=1e-5)
    assert contrast.weight == 0.01


def test_where_only_a_modality_is_wanted_nothing_is_contrasted() -> None:
    graph = small_graph()
    model, tables = built("mgcn", graph, ("visual",))
    assert model.auxiliaries() == [] and set(model.train()(graph, tables)) == {"visual"}
    assert not any(name.startswith(("query", "preferences")) for name, _ in model.named_parameters())


def test_the_item_graph_is_no_part_of_the_state() -> None:
    graph = small_graph()
    model, tables = built("mgcn", graph, ("fused",))
    before = set(model.state_dict())
    model(graph, tables)
    assert set(model.state_dict()) == before and list(model.buffers()) == []
