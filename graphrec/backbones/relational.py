"""Relational graph convolution over clicks and likes: one GraphSAGE map for each relation and direction, summed.

After R-GCN: "Modeling Relational Data with Graph Convolutional Networks" (Michael Schlichtkrull et al., ESWC 2018),
Eq. 2. With the relations r = click, like, where the clicks include the likes:

    user'  = LeakyReLU( sum over r of  W_r mean_{items of r} x_i + b_r + S_r x_u )
    item'  = LeakyReLU( sum over r of  V_r mean_{users of r} x_u + c_r + T_r x_i )

It is PyG's `HeteroConv` of bipartite `SAGEConv`s, with the means of the shared propagator. It propagates over both
relations, whatever the feedback role of its tower. Where one behaviour counts as both click and like, there is one
relation. Weights are initialised as in `SAGEConv`. For X^0 and the last layer see `convolution.py`.

Deviations from the paper:
- The self-map W_0 is one for users and one for items, each written as a sum over relations.
- There are biases.
- There is no basis decomposition, which is of no use for two relations.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch_geometric.nn import HeteroConv, SAGEConv

from graphrec.backbones.base import backbones
from graphrec.backbones.convolution import Convolution
from graphrec.graph.build import InteractionGraph

Means = dict[tuple[str, str, str], Callable[[Tensor], Tensor]]
"""For each edge type the function from the neighbours' table to the mean over a node's neighbours."""


@backbones.register("relational")
class Relational(Convolution):
    """Relational GCN (after Schlichtkrull et al. 2018): ids and features, separate maps for clicks and likes.

    Shapes:
        user `[U, d]`, item `[I, d]`, for `id` and `fused`.

    Example:
        >>> from graphrec.testing.small_backbone import small_representations
        >>> small_representations(Relational, embedding_size=8)["fused"].item.shape
        torch.Size([11, 8])
    """

    cost = "M I D d + 4 L (E d + N d^2)"

    def layer(self, graph: InteractionGraph) -> nn.Module:
        return _RelationalLayer(self.config.embedding_size, _relations(graph), graph.num_users)

    def neighbours(self, graph: InteractionGraph) -> Means:
        means: Means = {}
        for relation in _relations(graph):
            propagate = graph.propagator(relation, "mean")
            means["user", relation, "item"] = propagate.to_items
            means["item", f"rev_{relation}", "user"] = propagate.to_users
        return means


class _MeanSAGEConv(SAGEConv):
    def forward(self, x: tuple[Tensor, Tensor], mean: Callable[[Tensor], Tensor]) -> Tensor:
        neighbours, nodes = x
        return self.lin_l(mean(neighbours)) + self.lin_r(nodes)


class _RelationalLayer(nn.Module):
    def __init__(self, width: int, relations: tuple[str, ...], num_users: int) -> None:
        super().__init__()
        self.num_users = num_users
        edge_types = [
            edge_type for name in relations for edge_type in (("user", name, "item"), ("item", f"rev_{name}", "user"))
        ]
        self.convolutions = HeteroConv(
            {edge_type: _MeanSAGEConv((width, width), width) for edge_type in edge_types}, aggr="sum"
        )

    def forward(self, x: Tensor, means: Means) -> Tensor:
        by_type = {"user": x[: self.num_users], "item": x[self.num_users :]}
        convolved = self.convolutions(by_type, means)
        return torch.cat([convolved["user"], convolved["item"]])


def _relations(graph: InteractionGraph) -> tuple[str, ...]:
    coincide = set(graph.feedback["click"]) <= set(graph.feedback["like"])
    return ("click",) if coincide else ("click", "like")
