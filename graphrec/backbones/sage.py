"""GraphSAGE: Inductive Representation Learning on Large Graphs (Hamilton et al., NeurIPS 2017), mean aggregator.

    x_v^{l+1} = LeakyReLU( W_self x_v^l + W_neigh mean_{w in N(v)} x_w^l + b )        Algorithm 1, lines 4 and 5

Weights start as in PyG's `SAGEConv`, of which this is the same map over the shared propagator. For X^0 and the last
layer see `convolution.py`. Deviations from the paper: all neighbours instead of a sample of them, and no L2
normalisation of a layer's output (line 7), since a popular item's longer vector is what inner products rank by.
"""

from __future__ import annotations

from torch import Tensor, nn

from graphrec.backbones.base import backbones
from graphrec.backbones.convolution import Convolution
from graphrec.graph.build import InteractionGraph
from graphrec.graph.propagator import Propagator


@backbones.register("sage")
class SAGE(Convolution):
    """GraphSAGE (Hamilton et al. 2017): ids and features, a node and the mean of its neighbours mapped apart."""

    cost = "M I D d + 2 L (E d + N d^2)"

    def layer(self, graph: InteractionGraph) -> nn.Module:
        return _Layer(self.config.embedding_size)

    def neighbours(self, graph: InteractionGraph) -> Propagator:
        return graph.propagator(self.feedback_role, "mean")


class _Layer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.neighbour = nn.Linear(width, width)
        self.own = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, propagate: Propagator) -> Tensor:
        return self.neighbour(propagate(x)) + self.own(x)
