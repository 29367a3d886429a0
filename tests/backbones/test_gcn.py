"""GCN against its equations and against PyG's GCNConv."""

from __future__ import annotations

import torch
from support.convolution_equations import assert_equal_to
from support.dense_equations import adjacency
from torch import Tensor, nn
from torch_geometric.nn import GCNConv

from graphrec.testing import BackboneContract
from graphrec.testing.small_graph import small_graph


class TestGCN(BackboneContract):
    backbone = "gcn"
    modalities_propagate = False
    output_sets = (("id",), ("fused",), ("id", "fused"))


def test_it_is_the_symmetric_normalised_adjacency_with_self_loops() -> None:
    graph = small_graph()
    model, tables = TestGCN().build(graph, ("id", "fused"))
    loops = adjacency(graph) + torch.eye(len(tables["id"]), dtype=torch.float64)
    scale = loops.sum(1).rsqrt()
    step = scale[:, None] * loops * scale
    linears = [layer.linear for layer in model.layers]
    for linear in linears:
        nn.init.normal_(linear.bias)  # it starts at zero, where it proves nothing
    assert_equal_to(model, tables, graph, lambda n, x: step @ x @ linears[n].weight.T + linears[n].bias)


def test_it_is_pygs_convolution() -> None:
    graph = small_graph()
    model, tables = TestGCN().build(graph, ("id", "fused"))
    edges = adjacency(graph).nonzero().T
    peers = [GCNConv(3, 3).double() for _ in model.layers]
    for peer, layer in zip(peers, model.layers):
        nn.init.normal_(layer.linear.bias)
        peer.load_state_dict({"lin.weight": layer.linear.weight, "bias": layer.linear.bias})

    def convolve(number: int, x: Tensor) -> Tensor:
        return peers[number](x, edges)

    assert_equal_to(model, tables, graph, convolve)
