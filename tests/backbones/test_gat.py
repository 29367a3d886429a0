"""GATv2 against its equations."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from pydantic import ValidationError
from support.convolution_equations import assert_equal_to
from support.dense_equations import adjacency
from torch import Tensor, nn
from torch_geometric.nn import GATv2Conv

from graphrec.backbones import gat
from graphrec.backbones.gat import GATConfig
from graphrec.errors import RecipeError
from graphrec.testing import BackboneContract
from graphrec.testing.small_graph import NUM_ITEMS, NUM_USERS, small_graph
from graphrec.validation import validated


class TestGAT(BackboneContract):
    backbone = "gat"
    modalities_propagate = False
    output_sets = (("id",), ("fused",), ("id", "fused"))


class TwoHeads(TestGAT):
    __test__ = False
    settings: ClassVar = {"heads": 2, "embedding_size": 6}


def test_each_head_weighs_neighbours_and_the_node_itself_by_attention() -> None:
    graph = small_graph()
    model, tables = TwoHeads().build(graph, ("id", "fused"))
    near = adjacency(graph) + torch.eye(len(tables["id"]), dtype=torch.float64)
    for parameter in model.layers.parameters():  # biases start at zero, where they prove nothing
        nn.init.normal_(parameter)

    def convolve(number: int, x: Tensor) -> Tensor:
        layer = model.layers[number]
        source, target = layer.lin_l(x), layer.lin_r(x)
        heads = []
        for head, columns in enumerate((slice(0, 3), slice(3, 6))):
            hidden = target[:, None, columns] + source[None, :, columns]
            logits = torch.where(hidden > 0, hidden, 0.2 * hidden) @ layer.att[0, head]
            weights = near * logits.exp()
            heads.append(weights / weights.sum(1, keepdim=True) @ source[:, columns])
        return torch.cat(heads, dim=1) + layer.bias

    assert_equal_to(model, tables, graph, convolve)


@pytest.mark.parametrize("block", [7, 4096])
def test_a_layer_is_pygs_however_many_edges_are_taken_at_a_time(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gat, "BLOCK", block)
    graph = small_graph()
    layer = TwoHeads().build(graph, ("id",))[0].layers[0]
    x = torch.randn(NUM_USERS + NUM_ITEMS, 6, dtype=torch.float64, requires_grad=True)
    ours, theirs = layer(x, graph.edges_with_loops("click")), GATv2Conv.forward(layer, x, graph.edges("click"))
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11)
    learned, upstream = [x, *layer.parameters()], torch.randn_like(ours)
    for mine, other in zip(*(torch.autograd.grad(actual, learned, upstream) for actual in (ours, theirs))):
        torch.testing.assert_close(mine, other, rtol=1e-9, atol=1e-11)


def test_heads_that_do_not_share_the_width_out_are_refused_with_what_would() -> None:
    with pytest.raises(ValidationError, match="a divisor of embedding_size = 64"):
        GATConfig(heads=5)
    with pytest.raises(RecipeError, match=r"backbone\.heads(.|\n)*a divisor of embedding_size = 6\n(.|\n)*`4`"):
        validated(GATConfig, {"embedding_size": 6, "heads": 4}, "recipe", prefix="backbone.")
    assert GATConfig(embedding_size=6, heads=3).heads == 3
