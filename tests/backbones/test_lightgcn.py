"""LightGCN against its equations."""

from __future__ import annotations

import torch
from contracts.backbone_contract import BackboneContract
from small_graph import NUM_USERS, small_graph


class TestLightGCN(BackboneContract):
    name = "lightgcn"
    modalities_travel = False
    choices = (("id",), ("fused",), ("id", "fused"))


def test_it_is_the_mean_over_steps_of_the_symmetric_normalised_adjacency() -> None:
    graph = small_graph()
    model, tables = TestLightGCN().build(graph, ("id",))
    pairs, size = graph.pairs("click"), NUM_USERS + graph.num_items
    adjacency = torch.zeros(size, size, dtype=torch.float64)
    adjacency[pairs[:, 0], NUM_USERS + pairs[:, 1]] = 1
    adjacency = adjacency + adjacency.T
    scale = adjacency.sum(1).clamp(min=1).rsqrt()
    step = scale[:, None] * adjacency * scale
    start = tables["id"]
    expected = (start + step @ start + step @ step @ start) / 3
    found = model(graph, tables)["id"]
    torch.testing.assert_close(torch.cat([found.user, found.item]), expected)
