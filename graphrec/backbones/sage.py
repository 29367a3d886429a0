"""GraphSAGE: separate linear maps for a node and for the mean of its neighbours.

"Inductive Representation Learning on Large Graphs" (William L. Hamilton, Rex Ying and Jure Leskovec, NeurIPS 2017),
with the mean aggregator.

    x_v^{l+1} = LeakyReLU( W_self x_v^l + W_neigh mean_{w in N(v)} x_w^l + b )        Algorithm 1, lines 4 and 5

Weights are initialised as in PyG's `SAGEConv`. This is the same map with the shared propagator. For X^0 and the last
layer see `convolution.py`.

Deviations from the paper:
- All neighbours are used and not a sample of them.
- The output of a layer is not L2-normalised (line 7), because the length of a popular item's vector is part of an inner
  product.
"""

from __future__ import annotations

from torch import Tensor, nn

from graphrec.backbones.base import backbones
from graphrec.backbones.convolution import Convolution
from graphrec.graph.build import InteractionGraph
from graphrec.graph.propagator import Propagator


@backbones.register("sage")
class SAGE(Convolution):
    """GraphSAGE (Hamilton et al. 2017): ids and features, separate maps for a node and the mean of its neighbours.

    Shapes:
        user `[U, d]`, item `[I, d]`, for `id` and `fused`.

    Example:
        >>> from graphrec.testing.small_backbone import small_representations
        >>> small_representations(SAGE, embedding_size=8, layers=1)["fused"].item.shape
        torch.Size([11, 8])
    """

    cost = "M I D d + 2 L (E d + N d^2)"

    def layer(self, graph: InteractionGraph) -> nn.Module:
        return _SAGELayer(self.config.embedding_size)

    def neighbours(self, graph: InteractionGraph) -> Propagator:
        return graph.propagator(self.feedback_role, "mean")


class _SAGELayer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.neighbour = nn.Linear(width, width)
        self.own = nn.Linear(width, width, bias=False)  # W_self; saved weights have the name `own`

    def forward(self, x: Tensor, propagate: Propagator) -> Tensor:
        return self.neighbour(propagate(x)) + self.own(x)
