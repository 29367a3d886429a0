"""GATv2: neighbours weighted by learned attention.

"How Attentive are Graph Attention Networks?" (Shaked Brody, Uri Alon and Eran Yahav, ICLR 2022). For each head, with
the node itself among its neighbours:

    a_vw    = softmax over w of  a . LeakyReLU(W_r x_v + b_r + W_l x_w + b_l)          Eq. 7, slope 0.2
    x_v'    = sum over w of  a_vw (W_l x_w + b_l)

The heads are concatenated and a bias is added. For X^0 and the activation between layers see `convolution.py`. The
default is one head, as in PyG. The paper's experiments have 1 or 8.

Parameters and their initial values are those of PyG's `GATv2Conv`. The argument of LeakyReLU has a row for each edge.
It is computed for one block of edges at a time, and again in the backward pass, so that memory holds only one number
per edge and head.

Deviations: no dropout on the attention.
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
"""Edges in a block. A few tables with this many rows of width 64 fit the cache of a core."""


class GATConfig(ConvolutionConfig):
    """Settings of GATv2.

    Example:
        >>> try:
        ...     GATConfig(embedding_size=64, heads=3)
        ... except ValueError as error:
        ...     print(error.errors()[0]["msg"])
        Value error, a divisor of embedding_size = 64
    """

    heads: int = Field(1, ge=1)
    """Number of attention heads, each of width `embedding_size / heads`."""

    @field_validator("heads")
    @classmethod
    def _divides_the_width(cls, heads: int, info: ValidationInfo) -> int:
        size = info.data.get("embedding_size")
        if size is not None and size % heads:
            raise ValueError(f"a divisor of embedding_size = {size}")
        return heads


@backbones.register("gat")
class GAT(Convolution):
    """GATv2 (Brody et al. 2022): ids and features, neighbours weighted by learned attention.

    Shapes:
        user `[U, d]`, item `[I, d]`, for `id` and `fused`.

    Example:
        >>> from graphrec.testing.small_backbone import small_representations
        >>> small_representations(GAT, embedding_size=8, heads=2)["fused"].user.shape
        torch.Size([7, 8])
    """

    Config = GATConfig
    config: GATConfig
    cost = "M I D d + L (4 E d + 2 N d^2)"

    def layer(self, graph: InteractionGraph) -> nn.Module:
        size, heads = self.config.embedding_size, self.config.heads
        return _GATLayer(size, size // heads, heads=heads)

    def neighbours(self, graph: InteractionGraph) -> SortedEdges:
        return graph.edges_with_loops(self.feedback_role)


class _GATLayer(GATv2Conv):
    def forward(self, x: Tensor, edges: SortedEdges) -> Tensor:  # type: ignore[override]
        sources = self.lin_l(x)
        logits = _AttentionLogits.apply(self.lin_r(x), sources, self.att[0], edges, self.negative_slope)
        heads = zip(logits.unbind(1), sources.chunk(self.heads, dim=1))
        return torch.cat([edges.sum(edges.softmax(logit), values) for logit, values in heads], dim=1) + self.bias


class _AttentionLogits(Function):
    """a . LeakyReLU(x_v + y_w) for each edge from w to v and each head, `[E, heads]`.

    x are the projected targets and y the projected sources, `[N, d]`; a is `[heads, d / heads]`.
    """

    @staticmethod
    def forward(ctx, x: Tensor, y: Tensor, a: Tensor, edges: SortedEdges, slope: float) -> Tensor:
        ctx.save_for_backward(x, y, a)
        ctx.edges, ctx.slope = edges, slope
        return torch.cat([(hidden * a).sum(2) for hidden in _hidden_blocks(x, y, a, edges, slope)])

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        (x, y, a), edges, slope = ctx.saved_tensors, ctx.edges, ctx.slope
        to_x, to_y, to_a = torch.zeros_like(x), torch.zeros_like(y), torch.zeros_like(a)
        blocks = gradient.unsqueeze(2).split(BLOCK), edges.target.split(BLOCK), edges.source.split(BLOCK)
        for hidden, upstream, target, source in zip(_hidden_blocks(x, y, a, edges, slope), *blocks):
            to_a += (upstream * hidden).sum(0)
            # LeakyReLU keeps the sign, so its derivative can be read off its result (the last argument, True).
            to_sum = torch.ops.aten.leaky_relu_backward(upstream * a, hidden, slope, True).flatten(1)
            to_x.index_add_(0, target, to_sum)
            to_y.index_add_(0, source, to_sum)
        return to_x, to_y, to_a, None, None


def _hidden_blocks(x: Tensor, y: Tensor, a: Tensor, edges: SortedEdges, slope: float) -> Iterator[Tensor]:
    """LeakyReLU(x_v + y_w) for one block of edges after another, `[BLOCK, heads, d / heads]`."""
    rows = torch.cat([x, y])
    for ends in torch.stack([edges.target, len(x) + edges.source], dim=1).split(BLOCK):
        # The sum of two rows as a bag of two: it gathers and adds in one pass, without a copy of either side.
        summed = F.embedding_bag(ends, rows, mode="sum")
        yield F.leaky_relu_(summed, slope).unflatten(1, a.shape)
