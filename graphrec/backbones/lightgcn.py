"""LightGCN: id embeddings averaged over the steps of a normalised propagation.

"LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation" (Xiangnan He et al., SIGIR 2020).

    E^{l+1} = D^{-1/2} A D^{-1/2} E^l,    representation = mean of E^0 ... E^L        Eq. 3, 4, 8

It uses ids alone. `with_modalities` adds modality representations.

Deviations: none in the model. `edge_dropout`, off by default, is not in the paper (see `pruned.py`). The released code
has another dropout: in each step it drops entries of the scaled matrix, not pairs, and scales up the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from graphrec.backbones.base import ID, BackboneConfig, Representation, Representations, backbones
from graphrec.backbones.pruned import EdgeDropout, EdgeDropoutConfig
from graphrec.graph.build import InteractionGraph


@backbones.register("lightgcn")
class LightGCN(EdgeDropout):
    """LightGCN (He et al. 2020): ids alone, averaged over propagation steps; no weights besides the embeddings.

    Shapes:
        user `[U, d]`, item `[I, d]`. `id` and `fused` are the same tensors.

    Example:
        >>> from graphrec.testing.small_backbone import small_representations
        >>> representations = small_representations(LightGCN, embedding_size=8, layers=3)
        >>> representations["fused"].user.shape, representations["fused"].item.shape
        (torch.Size([7, 8]), torch.Size([11, 8]))
    """

    Config = EdgeDropoutConfig
    modality_support = "none"
    cost = "2 L E d"

    @classmethod
    def tables(
        cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        return {ID: (graph.num_users + graph.num_items, config.embedding_size)}

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        mean = average_layers(self.propagator(graph), tables[ID], self.config.layers)
        pair = Representation(mean[: graph.num_users], mean[graph.num_users :])
        return {name: pair for name in self.outputs}


def average_layers(propagate: Callable[[Tensor], Tensor], x: Tensor, layers: int) -> Tensor:
    """The mean of x and of its first `layers` propagations, `[N, d] -> [N, d]`: LightGCN's Eq. 4 and 8.

    Example:
        >>> import torch
        >>> average_layers(lambda x: 2 * x, torch.ones(1, 2), layers=2)  # the mean of 1, 2 and 4
        tensor([[2.3333, 2.3333]])
    """
    total = x  # a running sum and not a stack of all layers, which would hold `layers` more tables
    for _ in range(layers):
        x = propagate(x)
        total = total + x
    return total / (layers + 1)
