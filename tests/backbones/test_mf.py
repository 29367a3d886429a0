"""Matrix factorisation: tables and one linear map a modality."""

from __future__ import annotations

import torch

from graphrec.testing import BackboneContract
from graphrec.testing.small_graph import small_graph


class TestMF(BackboneContract):
    backbone = "mf"
    uses_edges = False
    modalities_propagate = False


def test_ids_are_the_tables_and_modalities_a_linear_map_of_the_features() -> None:
    graph = small_graph()
    model, tables = TestMF().build(graph, ("id", "visual", "title", "fused"))
    actual = model(graph, tables)
    assert actual["id"].user is tables["user"] and actual["id"].item is tables["item"]
    expected = graph.features("visual").double() @ model.maps["visual"] * graph.mask("visual").unsqueeze(1)
    torch.testing.assert_close(actual["visual"].item, expected)
    words = graph.features("title").to_dense().double() @ tables["words_title"] * graph.mask("title").unsqueeze(1)
    torch.testing.assert_close(actual["title"].item, words)
    assert actual["visual"].user is tables["preference_visual"]
