"""GATv2: How Attentive are Graph Attention Networks? (Brody et al., ICLR 2022), by PyG's `GATv2Conv`.

For each head, with the node itself among its neighbours:

    a_vw    = softmax over w of  a . LeakyReLU(W_r x_v + b_r + W_l x_w + b_l)          Eq. 7, slope 0.2
    x_v'    = sum over w of  a_vw (W_l x_w + b_l)

The heads are concatenated and a bias is added; for X^0 and what follows a layer see `convolution.py`. The default is
one head, PyG's and one of the two numbers in the paper's experiments (1 and 8).

Parameters and where they start are those of `GATv2Conv`. What stands inside LeakyReLU, a row an edge, is made for some
edges at a time and made again for the backward pass, so that memory grows by the numbers of an edge only.
Deviation: no dropout on the attention.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor, nn
from torch.autograd import Function
from torch_geometric.nn import GATv2Conv

from graphrec.backbones.base import backbones
from graphrec.backbones.convolution import Convolution, ConvolutionConfig
from graphrec.graph.build import InteractionGraph
from graphrec.graph.sorted_edges import SortedEdges

BLOCK = 4096
"""Edges at a time: a few such tables of width 64 fit a core's cache."""


class GATConfig(ConvolutionConfig):
    """Settings of GATv2."""

    heads: int = Field(1, ge=1)
    """Attention heads, each `embedding_size / heads` wide."""

    @field_validator("heads")
    @classmethod
    def _divides_the_width(cls, heads: int, info: ValidationInfo) -> int:
        size = info.data.get("embedding_size")
        if size is not None and size % heads:
            raise ValueError(f"a divisor of embedding_size = {size}")
        return heads


@backbones.register("gat")
class GAT(Convolution):
    """GATv2 (Brody et al. 2022): ids and features, neighbours weighed by learned attention."""

    Config = GATConfig
    config: GATConfig
    cost = "M I D d + L (4 E d + 2 N d^2)"

    def layer(self, graph: InteractionGraph) -> nn.Module:
        size, heads = self.config.embedding_size, self.config.heads
        return _Layer(size, size // heads, heads=heads)

    def neighbours(self, graph: InteractionGraph) -> SortedEdges:
        return graph.edges_with_loops(self.feedback_role)


class _Layer(GATv2Conv):
    def forward(self, x: Tensor, edges: SortedEdges) -> Tensor:  # type: ignore[override]
        near = self.lin_l(x)
        logits = _Logits.apply(self.lin_r(x), near, self.att[0], edges, self.negative_slope)
        heads = zip(logits.unbind(1), near.chunk(self.heads, dim=1))
        return torch.cat([edges.sum(edges.softmax(one), part) for one, part in heads], dim=1) + self.bias


class _Logits(Function):
    """a . LeakyReLU(own_v + near_w) of each edge from w to v and each head, `[E, heads]`; a is `[heads, d / heads]`."""

    @staticmethod
    def forward(ctx, own: Tensor, near: Tensor, a: Tensor, edges: SortedEdges, slope: float) -> Tensor:
        ctx.save_for_backward(own, near, a)
        ctx.edges, ctx.slope = edges, slope
        return torch.cat([(hidden * a).sum(2) for hidden in _hidden(own, near, a, edges, slope)])

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        (own, near, a), edges, slope = ctx.saved_tensors, ctx.edges, ctx.slope
        to_own, to_near, to_a = torch.zeros_like(own), torch.zeros_like(near), torch.zeros_like(a)
        blocks = gradient.unsqueeze(2).split(BLOCK), edges.target.split(BLOCK), edges.source.split(BLOCK)
        for hidden, upstream, target, source in zip(_hidden(own, near, a, edges, slope), *blocks):
            to_a += (upstream * hidden).sum(0)
            inside = torch.ops.aten.leaky_relu_backward(upstream * a, hidden, slope, True).flatten(1)
            to_own.index_add_(0, target, inside)
            to_near.index_add_(0, source, inside)
        return to_own, to_near, to_a, None, None


def _hidden(own: Tensor, near: Tensor, a: Tensor, edges: SortedEdges, slope: float) -> Iterator[Tensor]:
    """LeakyReLU(own_v + near_w) of some edges after others, `[BLOCK, heads, d / heads]`."""
    rows = torch.cat([own, near])
    for ends in torch.stack([edges.target, len(own) + edges.source], dim=1).split(BLOCK):
        inside = F.embedding_bag(ends, rows, mode="sum")
        yield F.leaky_relu_(inside, slope).unflatten(1, a.shape)
