"""GraphSAGE against its equations and against PyG's SAGEConv."""

from __future__ import annotations

import torch
from support.convolution_equations import assert_equal_to
from support.dense_equations import adjacency
from torch import Tensor
from torch_geometric.nn import SAGEConv

from graphrec.testing import BackboneContract
from graphrec.testing.small_graph import small_graph


class TestSAGE(BackboneContract):
    backbone = "sage"
    modalities_propagate = False
    output_sets = (("id",), ("fused",), ("id", "fused"))


def test_it_maps_a_node_and_the_mean_of_its_neighbours_apart() -> None:
    graph = small_graph()
    model, tables = TestSAGE().build(graph, ("id", "fused"))
    ones = adjacency(graph)
    mean = ones / ones.sum(1, keepdim=True).clamp(min=1)

    def convolve(number: int, x: Tensor) -> Tensor:
        near, own = model.layers[number].neighbour, model.layers[number].own
        return torch.cat([mean @ x, x], dim=1) @ torch.cat([near.weight, own.weight], dim=1).T + near.bias

    assert_equal_to(model, tables, graph, convolve)


def test_it_is_pygs_convolution() -> None:
    graph = small_graph()
    model, tables = TestSAGE().build(graph, ("id", "fused"))
    edges = adjacency(graph).nonzero().T
    peers = [SAGEConv(3, 3).double() for _ in model.layers]
    for peer, layer in zip(peers, model.layers):
        near = {f"lin_l.{key}": value for key, value in layer.neighbour.state_dict().items()}
        peer.load_state_dict(near | {"lin_r.weight": layer.own.weight})
    assert_equal_to(model, tables, graph, lambda n, x: peers[n](x, edges))
