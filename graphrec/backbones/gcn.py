"""GCN: neighbours averaged with symmetric normalisation, then a linear map.

"Semi-Supervised Classification with Graph Convolutional Networks" (Thomas N. Kipf and Max Welling, ICLR 2017).

    X^{l+1} = LeakyReLU( D^{-1/2} (A + I) D^{-1/2} X^l W + b ),    D the degrees of A + I        Eq. 2

Weights are initialised Glorot uniform and biases zero, as in PyG's `GCNConv`. This is the same map with the shared
propagator.

Deviations: the paper classifies nodes. LeakyReLU replaces ReLU and there is no dropout. For the input of the first
layer and the output of the last see `convolution.py`.
"""

from __future__ import annotations

from torch import Tensor, nn

from graphrec.backbones.base import backbones
from graphrec.backbones.convolution import Convolution
from graphrec.graph.build import InteractionGraph
from graphrec.graph.propagator import Propagator


@backbones.register("gcn")
class GCN(Convolution):
    """GCN (Kipf & Welling 2017): ids and features averaged over neighbours and the node itself, then mapped.

    Shapes:
        user `[U, d]`, item `[I, d]`, for `id` and `fused`.

    Example:
        >>> from graphrec.testing.small_backbone import small_representations
        >>> representations = small_representations(GCN, ("id", "fused"), embedding_size=8)
        >>> representations["fused"].user.shape, representations["fused"].item.shape
        (torch.Size([7, 8]), torch.Size([11, 8]))
    """

    cost = "M I D d + L (2 E d + N d^2)"

    def layer(self, graph: InteractionGraph) -> nn.Module:
        return _GCNLayer(self.config.embedding_size)

    def neighbours(self, graph: InteractionGraph) -> Propagator:
        return graph.propagator(self.feedback_role, "symmetric", self_loops=True)


class _GCNLayer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor, propagate: Propagator) -> Tensor:
        return self.linear(propagate(x))
