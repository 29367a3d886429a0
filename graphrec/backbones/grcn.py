"""GRCN: ids over interaction edges that are refined by the attention of each modality.

"Graph-Refined Convolutional Network for Multimedia Recommendation with Implicit Feedback" (Yinwei Wei et al., ACM MM
2020). For each modality m, with user prototypes P_m, item features F_m = rownorm(LeakyReLU(X_m W_m + b_m)) and
attention among the neighbours of a node, a_vw = softmax over w of x_v . x_w:

    routing     P_m <- rownorm(P_m + sum over items w of a_uw F_mw)        `routings` times, from rownorm(P_m)
    content     Z_m  = x + sum over w of a_vw x_w,    x = [P_m ; F_m], users and items both
    refined     g_vw = ReLU(max over m of a^m_vw c^m_w)                    a of this last pass, c: learned confidence
    ids         Z    = E_0 + E_1 + E_2,    E_0 = rownorm(E),    E_{l+1} = sum over w of g_vw E_lw

A modality's representation is Z_m. `id` is Z over the refined edges, which all modalities shape. The paper's own
representation is the concatenation [Z || Z_1 || ... || Z_M] of width (M + 1) d, whose inner product is the sum of those
of its blocks. `fused` has width d, as every representation: it is the concatenation times a learned matrix
`[(M + 1) d, d]` with orthonormal columns at the start.

Defaults: two layers over the refined edges, three routings. The ReLU, which prunes negative edges, is the default of
the released code. The commands of its README switch it off.

Deviations:
- `fused` is projected to width d.
- In each routing, the released code adds to the users the messages over edges from users to items, which are none. Here
  the edges point from items to users, as in the paper.
- Features come scaled by column (`data.scaling = "none"` takes them as given, as the released code does). The F_m of a
  bag is rownorm of its words' mean, without LeakyReLU.
- The published penalty on the preferences is replaced by `training.weight_decay` or `training.decay = "rows"`.
- An item without m is no neighbour in the attention of m. An edge is pruned where only m would keep it, so no user
  receives an item without any modality. Such an item starts at zero in m and receives the mean of its users.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from graphrec.backbones.base import FUSED, ID, Backbone, BackboneConfig, Representation, Representations, backbones
from graphrec.backbones.projection import Projections
from graphrec.backbones.row_norm import normalize_rows
from graphrec.backbones.side_view import needed_modalities
from graphrec.graph.build import InteractionGraph
from graphrec.graph.sorted_edges import SortedEdges


class GRCNConfig(BackboneConfig):
    """Settings of GRCN.

    Example:
        >>> GRCNConfig().layers, GRCNConfig().routings
        (2, 3)
    """

    routings: int = Field(3, ge=0)
    """Number of routing rounds, which refine the user prototypes."""


@backbones.register("grcn")
class GRCN(Backbone):
    """GRCN (Wei et al. 2020): ids over edges that the modalities' attention refines, and content per modality.

    Shapes:
        user `[U, d]`, item `[I, d]`, for `id`, `fused` and each modality.

    Example:
        >>> from graphrec.testing.small_backbone import small_representations
        >>> small_representations(GRCN, ("fused", "visual"), embedding_size=8, routings=1)["visual"].user.shape
        torch.Size([7, 8])
    """

    Config = GRCNConfig
    config: GRCNConfig
    needs_modalities = True
    cost = "M (I D d + 9 E d) + 2 L E d + (M + 1) N d^2"

    def __init__(self, config: GRCNConfig, graph: InteractionGraph, feedback_role: str, outputs: Sequence[str]) -> None:
        super().__init__(config, graph, feedback_role, outputs)
        self.projections = Projections(config, graph, _attention_modalities(graph, outputs))
        if FUSED in outputs:
            size = config.embedding_size
            self.mix = nn.Parameter(nn.init.orthogonal_(torch.empty((len(graph.modalities) + 1) * size, size)))

    @classmethod
    def tables(
        cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        names, nodes = _attention_modalities(graph, outputs), graph.num_users + graph.num_items
        shapes = {f"preference_{m}": (graph.num_users, config.embedding_size) for m in names}
        if _refines(outputs):
            shapes |= {ID: (nodes, config.embedding_size), "confidence": (nodes, len(graph.modalities))}
        return shapes | Projections.tables(config, graph, names)

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        edges, sizes = graph.edges_to_users(self.feedback_role), (graph.num_users, graph.num_items)
        representations, to_users, to_items = {}, [], []
        for m, features in self.projections(graph, tables).items():
            # No LeakyReLU for a bag: its word vectors are learned (see Deviations).
            features = normalize_rows(features if graph.is_bag(m) else F.leaky_relu(features))
            preference, mask = tables[f"preference_{m}"], graph.mask(m)
            representations[m], user_attention, item_attention = self._content(edges, preference, features, mask)
            to_users.append(user_attention)
            to_items.append(item_attention)
        if _refines(self.outputs):
            user_confidence, item_confidence = tables["confidence"].split(sizes)
            weights = _refined(edges, to_users, item_confidence), _refined(edges.T, to_items, user_confidence)
            representations[ID] = self._ids(edges, *weights, *normalize_rows(tables[ID]).split(sizes))
        if FUSED in self.outputs:
            blocks = [representations[m] for m in (ID, *graph.modalities)]
            sides = [pair.user for pair in blocks], [pair.item for pair in blocks]
            representations[FUSED] = Representation(*(torch.cat(side, dim=1) @ self.mix for side in sides))
        return {m: representations[m] for m in self.outputs}

    def _content(
        self, edges: SortedEdges, preference: Tensor, features: Tensor, mask: Tensor
    ) -> tuple[Representation, Tensor, Tensor]:
        """Z_m, and the attention `[E]` of its last pass: from items to users, where it is zero for items without
        features, and from users to items."""
        missing = ~mask.index_select(0, edges.source)
        users = normalize_rows(preference)
        for _ in range(self.config.routings):
            attention = edges.softmax(edges.dot_products(users, features).masked_fill(missing, -torch.inf))
            users = normalize_rows(users + edges.sum(attention, features))
        logits = edges.dot_products(users, features)
        to_users = edges.softmax(logits.masked_fill(missing, -torch.inf))
        to_items = edges.T.softmax(edges.to_transpose_order(logits))
        user_messages, item_messages = edges.sum(to_users, features), edges.T.sum(to_items, users)
        return Representation(users + user_messages, features + item_messages), to_users, to_items

    def _ids(
        self, edges: SortedEdges, to_users: Tensor, to_items: Tensor, users: Tensor, items: Tensor
    ) -> Representation:
        """Z, from rownorm(E)."""
        totals = users, items
        for _ in range(self.config.layers):
            users, items = edges.sum(to_users, items), edges.T.sum(to_items, users)
            totals = totals[0] + users, totals[1] + items
        return Representation(*totals)


def _refined(edges: SortedEdges, attention: list[Tensor], confidence: Tensor) -> Tensor:
    """g `[E]`, from the attention `[E]` of each modality and the confidence `[C, M]` in each neighbour."""
    return F.relu((torch.stack(attention, dim=1) * confidence.index_select(0, edges.source)).max(1).values)


def _refines(outputs: Sequence[str]) -> bool:
    return ID in outputs or FUSED in outputs


def _attention_modalities(graph: InteractionGraph, outputs: Sequence[str]) -> tuple[str, ...]:
    """The modalities that the outputs need: all of them for the refined edges."""
    return graph.modalities if _refines(outputs) else needed_modalities(graph, outputs)
