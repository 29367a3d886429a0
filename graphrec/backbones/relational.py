"""Relational convolution over clicks and likes: one GraphSAGE map a relation and direction, summed.

After R-GCN (Schlichtkrull et al., ESWC 2018, Eq. 2), by PyG's `HeteroConv` of bipartite `SAGEConv`s, whose
means come of the shared propagator. With the relations r = click, like, where the clicks include the likes:

    user'  = LeakyReLU( sum over r of  W_r mean_{items of r} x_i + b_r + S_r x_u )
    item'  = LeakyReLU( sum over r of  V_r mean_{users of r} x_u + c_r + T_r x_i )

It propagates over both behaviours whatever its tower's role. Where one behaviour plays both, the relations coincide and
there is one. Weights start as in `SAGEConv`; for X^0 and the last layer see `convolution.py`.

Deviations from the paper: the self-map W_0 is one for users and one for items, each written as a sum over relations;
there are biases; there is no basis decomposition, which two relations do not call for.
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
"""For each edge type the mean over its neighbours, of the neighbours' table."""


@backbones.register("relational")
class Relational(Convolution):
    """Relational GCN (after Schlichtkrull et al. 2018): ids and features, clicks and likes each with their own map."""

    cost = "M I D d + 4 L (E d + N d^2)"

    def layer(self, graph: InteractionGraph) -> nn.Module:
        return _Layer(self.config.embedding_size, _relations(graph), graph.num_users)

    def neighbours(self, graph: InteractionGraph) -> Means:
        found: Means = {}
        for relation in _relations(graph):
            propagate = graph.propagator(relation, "mean")
            found["user", relation, "item"] = propagate.to_items
            found["item", f"rev_{relation}", "user"] = propagate.to_users
        return found


class _Mean(SAGEConv):
    def forward(self, x: tuple[Tensor, Tensor], mean: Callable[[Tensor], Tensor]) -> Tensor:
        near, own = x
        return self.lin_l(mean(near)) + self.lin_r(own)


class _Layer(nn.Module):
    def __init__(self, width: int, relations: tuple[str, ...], num_users: int) -> None:
        super().__init__()
        self.num_users = num_users
        types = [end for name in relations for end in (("user", name, "item"), ("item", f"rev_{name}", "user"))]
        self.convolutions = HeteroConv({one: _Mean((width, width), width) for one in types}, aggr="sum")

    def forward(self, x: Tensor, means: Means) -> Tensor:
        parts = {"user": x[: self.num_users], "item": x[self.num_users :]}
        found = self.convolutions(parts, means)
        return torch.cat([found["user"], found["item"]])


def _relations(graph: InteractionGraph) -> tuple[str, ...]:
    one = set(graph.feedback["click"]) <= set(graph.feedback["like"])
    return ("click",) if one else ("click", "like")
