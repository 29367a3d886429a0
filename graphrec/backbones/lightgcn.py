"""LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation (He et al., SIGIR 2020).

    E^{l+1} = D^{-1/2} A D^{-1/2} E^l,    representation = mean of E^0 ... E^L        Eq. 3, 4, 8

It knows ids alone; modality representations come from `with_modalities`. Deviations: none in the model; `edge_dropout`,
off by default, is beyond the paper (see `pruned.py`). The released code has another, which in each step drops entries
of the scaled matrix, not pairs, and scales up those that stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from graphrec.backbones.base import ID, BackboneConfig, Representation, Representations, backbones
from graphrec.backbones.pruned import EdgeDropout, EdgeDropoutConfig
from graphrec.graph.build import InteractionGraph


@backbones.register("lightgcn")
class LightGCN(EdgeDropout):
    """LightGCN (He et al. 2020): ids alone, averaged over propagation steps; no weights besides the embeddings."""

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
    """The mean of x and of what 1 to `layers` propagations make of it, `[N, d] -> [N, d]`: LightGCN's Eq. 4 and 8."""
    total = x
    for _ in range(layers):
        x = propagate(x)
        total = total + x
    return total / (layers + 1)
