"""GCN: Semi-Supervised Classification with Graph Convolutional Networks (Kipf & Welling, ICLR 2017).

    X^{l+1} = LeakyReLU( D^{-1/2} (A + I) D^{-1/2} X^l W + b ),    D the degrees of A + I        Eq. 2

Weights start Glorot uniform, biases at zero, as in PyG's `GCNConv`, of which this is the same map over the shared
propagator.

Deviations from the paper, which classifies nodes: LeakyReLU for ReLU, no dropout, and what stands before the first
layer and after the last, see `convolution.py`.
"""

from __future__ import annotations

from torch import Tensor, nn

from graphrec.backbones.base import backbones
from graphrec.backbones.convolution import Convolution
from graphrec.graph.build import InteractionGraph
from graphrec.graph.propagator import Propagator


@backbones.register("gcn")
class GCN(Convolution):
    """GCN (Kipf & Welling 2017): ids and features averaged over neighbours and the node itself, then mapped."""

    cost = "M I D d + L (2 E d + N d^2)"

    def layer(self, graph: InteractionGraph) -> nn.Module:
        return _Layer(self.config.embedding_size)

    def neighbours(self, graph: InteractionGraph) -> Propagator:
        return graph.propagator(self.feedback_role, "symmetric", self_loops=True)


class _Layer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor, propagate: Propagator) -> Tensor:
        return self.linear(propagate(x))
