"""LightGCN against its equations."""

from __future__ import annotations

import torch
from support.dense_equations import content, nodes

from graphrec.testing import BackboneContract
from graphrec.testing.small_graph import small_graph


class TestLightGCN(BackboneContract):
    backbone = "lightgcn"
    modalities_propagate = False
    output_sets = (("id",), ("fused",), ("id", "fused"))


def test_it_is_the_mean_over_steps_of_the_symmetric_normalised_adjacency() -> None:
    graph = small_graph()
    model, tables = TestLightGCN().build(graph, ("id",))
    torch.testing.assert_close(nodes(model(graph, tables)["id"]), content(graph, tables["id"], layers=2))
