"""GRCN: the contract, and its equations computed again node by node."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from support.dense_equations import built, interactions, nodes, projected, rows_to_unit_length
from torch import Tensor
from torch.nn.functional import leaky_relu

from graphrec.backbones import Backbone
from graphrec.graph.build import InteractionGraph
from graphrec.testing import BackboneContract
from graphrec.testing.small_graph import MISSING, MODALITIES, NUM_ITEMS, NUM_USERS, small_graph

NODES = NUM_USERS + NUM_ITEMS


class TestGRCN(BackboneContract):
    backbone = "grcn"
    node_parameters = ("mix",)  # maps every node's concatenation, ids among it, to width d


class TestWithoutRouting(BackboneContract):
    backbone = "grcn"
    settings: ClassVar = {"routings": 0, "layers": 1}
    node_parameters = ("mix",)
    modalities_propagate = False


def received(x: Tensor, near: list[list[int]], targets: range) -> tuple[Tensor, Tensor]:
    """Attention: the messages that each target receives `[N, d]`, and the weight of each node `[N, N]`."""
    attention = torch.zeros(NODES, NODES, dtype=torch.float64)
    for node in targets:
        if near[node]:
            attention[node, near[node]] = torch.stack([x[node] @ x[other] for other in near[node]]).softmax(0)
    return attention @ x, attention


def equations(
    model: Backbone, tables: dict[str, Tensor], graph: InteractionGraph, routings: int, layers: int
) -> dict[str, Tensor]:
    """Every output `[U + I, d]`."""
    matrix = interactions(graph)
    everyone = [(NUM_USERS + matrix[user].nonzero().flatten()).tolist() for user in range(NUM_USERS)]
    everyone += [matrix[:, item].nonzero().flatten().tolist() for item in range(NUM_ITEMS)]
    actual, refined = {}, []
    for k, m in enumerate(graph.modalities):
        near = [[other for other in row if other != NUM_USERS + MISSING[m]] for row in everyone]
        features = projected(model, tables, graph, m)
        features = rows_to_unit_length(features if m == "title" else leaky_relu(features, 0.01))
        users = rows_to_unit_length(tables[f"preference_{m}"])
        for _ in range(routings):
            x, _ = received(torch.cat([users, features]), near, range(NUM_USERS))
            users = rows_to_unit_length(users + x[:NUM_USERS])
        x = torch.cat([users, features])
        messages, attention = received(x, near, range(NODES))
        actual[m] = x + messages
        refined.append(attention * tables["confidence"][:, k])  # of the neighbour: column by column
    weights = torch.stack(refined).amax(0).clamp(min=0)
    steps = [rows_to_unit_length(tables["id"])]
    for _ in range(layers):
        steps.append(weights @ steps[-1])
    actual["id"] = torch.stack(steps).sum(0)
    whole = torch.cat([actual["id"], *(actual[m] for m in graph.modalities)], dim=1)
    return actual | {"fused": whole @ dict(model.named_parameters())["mix"]}


@pytest.mark.parametrize("modalities", [MODALITIES, ("visual", "title"), ("acoustic",)])
@pytest.mark.parametrize(("routings", "layers"), [(3, 2), (0, 1)])
def test_the_outputs_are_the_published_equations(modalities: tuple[str, ...], routings: int, layers: int) -> None:
    graph = small_graph(modalities)
    outputs = ("id", *modalities, "fused")
    model, tables = built("grcn", graph, outputs, routings=routings, layers=layers)
    actual, expected = model(graph, tables), equations(model, tables, graph, routings, layers)
    for name in outputs:
        torch.testing.assert_close(nodes(actual[name]), expected[name], rtol=1e-9, atol=1e-11)


def test_defaults_are_the_published_ones() -> None:
    config = TestGRCN().config(embedding_size=64)
    assert config == type(config)() and (config.layers, config.routings) == (2, 3)


def test_the_map_starts_orthonormal_so_that_it_is_a_part_of_the_concatenation() -> None:
    backbone, _ = TestGRCN().build(small_graph(), ("fused",))
    torch.testing.assert_close(backbone.mix.T @ backbone.mix, torch.eye(3, dtype=torch.float64), rtol=0, atol=1e-6)


def test_edges_that_no_modality_vouches_for_are_pruned() -> None:
    graph = small_graph()
    model, tables = built("grcn", graph, ("id",))
    with torch.no_grad():
        tables["confidence"].fill_(-1.0)
    torch.testing.assert_close(nodes(model(graph, tables)["id"]), rows_to_unit_length(tables["id"]))
    with torch.no_grad():
        tables["confidence"][NUM_USERS + 3, 0] = 1.0
    moved = nodes(model(graph, tables)["id"]) - rows_to_unit_length(tables["id"])
    hear_it = interactions(graph)[:, 3] > 0
    assert (moved[:NUM_USERS].abs() > 1e-9).any(1).tolist() == hear_it.tolist()


def test_no_user_receives_an_item_without_any_modality() -> None:
    graph = small_graph(("visual",))
    model, tables = built("grcn", graph, ("id", "visual"))
    before = model(graph, tables)
    with torch.no_grad():
        tables["id"][NUM_USERS + MISSING["visual"]] += 1.0
    after = model(graph, tables)
    clicked_by = interactions(graph)[:, MISSING["visual"]]
    assert clicked_by.sum() > 0
    assert torch.equal(before["id"].user, after["id"].user)
    assert before["visual"].item[MISSING["visual"]].ne(0).all()
