"""A stack of convolutions, for the tests of each convolution against its equations."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from support.dense_equations import nodes
from torch import Tensor

from graphrec.backbones.convolution import Convolution
from graphrec.graph.build import InteractionGraph


def stacked(
    model: Convolution,
    tables: Mapping[str, Tensor],
    graph: InteractionGraph,
    convolve: Callable[[int, Tensor], Tensor],
) -> dict[str, Tensor]:
    """`[U + I, d]` of `id` and `fused`; `convolve` takes the layer's number and its input."""
    start = {"id": tables["id"], "fused": tables["id"].clone()}
    for name in graph.modalities:
        weight = tables[f"words_{name}"] if graph.is_bag(name) else model.projections.maps[name]
        mask = torch.diag(graph.mask(name).double())
        start["fused"][graph.num_users :] += mask @ graph.features(name).to_dense().double() @ weight
    outputs = {}
    for name, x in start.items():
        for number in range(model.config.layers):
            x = convolve(number, torch.where(x > 0, x, 0.01 * x) if number else x)
        outputs[name] = x
    return outputs


def assert_equal_to(model: Convolution, tables: Mapping[str, Tensor], graph: InteractionGraph, convolve) -> None:
    """The model is the stack of `convolve`, up to rounding, in `id` and in `fused`, which differ."""
    outputs = {name: nodes(representation) for name, representation in model(graph, tables).items()}
    expected = stacked(model, tables, graph, convolve)
    assert outputs.keys() == expected.keys()
    for name, ours in outputs.items():
        torch.testing.assert_close(ours, expected[name], rtol=0, atol=1e-9)
    assert (outputs["id"] - outputs["fused"]).abs().max() > 1e-3
