"""GATv2: How Attentive are Graph Attention Networks? (Brody et al., ICLR 2022), by PyG's `GATv2Conv`.

For each head, with the node itself among its neighbours:

    a_vw    = softmax over w of  a . LeakyReLU(W_r x_v + b_r + W_l x_w + b_l)          Eq. 7, slope 0.2
    x_v'    = sum over w of  a_vw (W_l x_w + b_l)

The heads are concatenated and a bias is added; for X^0 and what follows a layer see `convolution.py`. The default is
one head, PyG's and one of the two numbers in the paper's experiments (1 and 8).

Attention is a weight for each edge, so that it goes over an edge list and not through the propagator; it keeps several
`[2 E + N, d]` tensors a layer for the backward pass, and on a CPU a step takes tens of times as long as one of `gcn`.
Deviation: no dropout on the attention.
"""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor, nn
from torch_geometric.nn import GATv2Conv

from graphrec.backbones.base import backbones
from graphrec.backbones.convolution import Convolution, ConvolutionConfig
from graphrec.graph.build import InteractionGraph


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
        return GATv2Conv(size, size // heads, heads=heads)

    def neighbours(self, graph: InteractionGraph) -> Tensor:
        return graph.edges(self.role)
