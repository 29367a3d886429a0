"""GRCN: Graph-Refined Convolutional Network for Multimedia Recommendation with Implicit Feedback (Wei et al., MM 2020).

For each modality m, with user prototypes P_m, item features F_m = rownorm(LeakyReLU(X_m W_m + b_m)) and attention among
the neighbours of a node, a_vw = softmax over w of x_v . x_w:

    routing     P_m <- rownorm(P_m + sum over items w of a_uw F_mw)        `routings` times, from rownorm(P_m)
    content     Z_m  = x + sum over w of a_vw x_w,    x = [P_m ; F_m], users and items both
    refined     g_vw = ReLU(max over m of a^m_vw c^m_w)                    a of this last pass, c: learned confidence
    ids         Z    = E_0 + E_1 + E_2,    E_0 = rownorm(E),    E_{l+1} = sum over w of g_vw E_lw

A modality's representation is Z_m, `id` is Z over the refined edges, which all modalities shape. The paper's own
representation is the concatenation [Z || Z_1 || ... || Z_M] of width (M + 1) d, whose inner product is the sum of its
parts'. `fused` has width d as every representation: the concatenation times a learned map `[(M + 1) d, d]` that starts
orthonormal, so that the inner product is that of the concatenation within d directions, which training turns.

Defaults: two layers over the refined edges, three routings. The ReLU, which prunes negative edges, is the default of
the released code; the commands of its README switch it off.

Deviations:
- `fused` is mapped to width d, as said.
- The released code adds to the users, in each routing, what arrives over edges that point from users to items, which is
  nothing; here the edges point from items to users, as the paper has it.
- An item without m is no neighbour in the attention of m, and where m alone would speak for an edge the edge is pruned:
  an item without any modality is heard by no user. It starts at zero in m and hears the mean of its users.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch_geometric.utils import scatter, softmax

from graphrec.backbones.base import FUSED, ID, Backbone, BackboneConfig, Representation, Representations, backbones
from graphrec.backbones.projection import Projections
from graphrec.backbones.row_norm import normalize_rows
from graphrec.backbones.side_view import viewed
from graphrec.graph.build import InteractionGraph


class GRCNConfig(BackboneConfig):
    routings: int = Field(3, ge=0)
    """Rounds in which the user prototypes are refined."""


@backbones.register("grcn")
class GRCN(Backbone):
    """GRCN (Wei et al. 2020): ids over edges that the modalities' attention refines, beside what it says of each."""

    Config = GRCNConfig
    config: GRCNConfig
    needs_modalities = True
    cost = "M (I D d + 10 E d) + 2 L E d + (M + 1) N d^2"

    def __init__(self, config: GRCNConfig, graph: InteractionGraph, role: str, outputs: Sequence[str]) -> None:
        super().__init__(config, graph, role, outputs)
        self.projections = Projections(config, graph, _attended(graph, outputs))
        if FUSED in outputs:
            size = config.embedding_size
            self.mix = nn.Parameter(nn.init.orthogonal_(torch.empty((len(graph.modalities) + 1) * size, size)))

    @classmethod
    def tables(
        cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        names, nodes = _attended(graph, outputs), graph.num_users + graph.num_items
        shapes = {f"preference_{m}": (graph.num_users, config.embedding_size) for m in names}
        if _refines(outputs):
            shapes |= {ID: (nodes, config.embedding_size), "confidence": (nodes, len(graph.modalities))}
        return shapes | Projections.tables(config, graph, names)

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        edges = graph.edges(self.role)
        parts, attention = {}, []
        for m, features in self.projections(graph, tables).items():
            parts[m], given = self._content(graph, edges, m, tables[f"preference_{m}"], features)
            attention.append(given)
        if _refines(self.outputs):
            confidence = tables["confidence"][edges[0]]
            refined = F.relu((torch.stack(attention, dim=1) * confidence).max(1).values)
            parts[ID] = self._ids(edges, refined, tables[ID])
        if FUSED in self.outputs:
            parts[FUSED] = torch.cat([parts[m] for m in (ID, *graph.modalities)], dim=1) @ self.mix
        return {m: Representation(parts[m][: graph.num_users], parts[m][graph.num_users :]) for m in self.outputs}

    def _content(
        self, graph: InteractionGraph, edges: Tensor, modality: str, preference: Tensor, features: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Z_m `[U + I, d]`, and the attention `[2E]` of its last pass, zero where the item has no features."""
        features = normalize_rows(features if graph.is_bag(modality) else F.leaky_relu(features))
        everyone = torch.ones(graph.num_users, dtype=torch.bool, device=edges.device)
        speaks = torch.cat([everyone, graph.mask(modality)])[edges[0]]
        to_users = edges[:, speaks & (edges[1] < graph.num_users)]
        users = normalize_rows(preference)
        for _ in range(self.config.routings):
            heard, _ = _attend(torch.cat([users, features]), to_users)
            users = normalize_rows(users + heard[: graph.num_users])
        nodes = torch.cat([users, features])
        heard, weights = _attend(nodes, edges[:, speaks])
        return nodes + heard, weights.new_zeros(len(speaks)).masked_scatter(speaks, weights)

    def _ids(self, edges: Tensor, weights: Tensor, ids: Tensor) -> Tensor:
        """Z `[U + I, d]`."""
        x = total = normalize_rows(ids)
        for _ in range(self.config.layers):
            x = _gather(x, edges, weights)
            total = total + x
        return total


def _attend(x: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
    """What each node hears of its neighbours, `[N, d]`, and how much it attends to each, `[E]`, for edges `[2, E]` from
    the neighbour to the node."""
    alike = (x[edges[0]] * x[edges[1]]).sum(1)
    weights = softmax(alike, edges[1], num_nodes=len(x))
    return _gather(x, edges, weights), weights


def _gather(x: Tensor, edges: Tensor, weights: Tensor) -> Tensor:
    """The weighted sum over each node's neighbours, `[N, d]`."""
    return scatter(x[edges[0]] * weights.unsqueeze(1), edges[1], dim_size=len(x), reduce="sum")


def _refines(outputs: Sequence[str]) -> bool:
    return ID in outputs or FUSED in outputs


def _attended(graph: InteractionGraph, outputs: Sequence[str]) -> tuple[str, ...]:
    """The modalities that the outputs need: all for the refined edges."""
    return graph.modalities if _refines(outputs) else viewed(graph, outputs)
