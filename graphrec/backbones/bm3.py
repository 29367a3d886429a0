"""BM3: LightGCN on ids that learns by self-supervision from dropout copies and features, without negatives.

"Bootstrap Latent Representations for Multi-modal Recommendation" (Xin Zhou et al., WWW 2023). An online view predicts a
target view, which is a dropout copy without gradient. E_U and E_I are the id embeddings, P is one linear layer:

    u       = LightGCN(E)_u,  i = LightGCN(E)_i + E_I         h_m = x_m W_m + b_m
    u', i', h_m'   = dropout(u), dropout(i), dropout(h_m)     targets
    loss = C(P(u), i') + C(P(i), u')                          reconstruction of the graph
         + cl_weight sum_m C(P(h_m), i')                      alignment of a modality with the item
         + cl_weight sum_m C(P(h_m), h_m')                    alignment of a modality with itself

over training pairs (u, i), with C(a, b) = 1 - cos(a, b). The published model scores by P(u) . P(i), which is `fused`
here. `id` is u, i before P. The features affect both through the losses alone.

These losses are added to the decoder's. The published model has no other: decoder `bpr` with
`representation = "fused"` and `weight = 0`.

Published settings: cl_weight 2; one layer and dropout 0.5 on Baby and Sports, two layers and 0.3 on Electronics.

Deviations from the published code:
- Its penalty, (|u|_F + |i|_F) / I times 0.1 or 0.01, is replaced by `training.weight_decay`, which acts on E.
- Features are those of the graph, scaled by column, and not trained (`trainable_features = true` trains them).
- An item without modality m is left out of that modality's terms, which are means over the other items.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from graphrec.backbones.base import (
    FUSED,
    ID,
    Auxiliary,
    Backbone,
    BackboneConfig,
    Pairs,
    Representation,
    Representations,
    backbones,
)
from graphrec.backbones.lightgcn import average_layers
from graphrec.backbones.projection import ProjectionConfig, Projections
from graphrec.graph.build import InteractionGraph


class BM3Config(ProjectionConfig):
    """Settings of BM3. The defaults are those published for Amazon's Baby and Sports.

    Example:
        >>> BM3Config().layers, BM3Config().dropout, BM3Config().cl_weight
        (1, 0.5, 2.0)
    """

    layers: int = Field(1, ge=1)
    """Number of message-passing steps."""
    dropout: float = Field(0.5, ge=0, lt=1)
    """Share of a target's entries that dropout sets to zero."""
    cl_weight: float = Field(2.0, ge=0)
    """Weight of the two alignment losses, which contain the features; 0 leaves them out."""


@backbones.register("bm3")
class BM3(Backbone):
    """BM3 (Zhou et al. 2023): LightGCN on ids that learns from dropout copies and features, without negatives.

    Shapes:
        user `[U, d]`, item `[I, d]`, for `id` and `fused`; in training mode the online and target views as well.

    Example:
        >>> from graphrec.testing.small_backbone import small_representations
        >>> views = small_representations(BM3, embedding_size=8, training=True)
        >>> [name for name in views if name.startswith("online/")]
        ['online/id', 'online/visual', 'online/title', 'online/acoustic']
    """

    Config = BM3Config
    config: BM3Config
    modality_support = "fused"
    needs_modalities = True
    cost = "2 L E d + N d^2 + M I D d"
    more_cost = "(2 M + 2) B d^2 for its losses"
    auxiliary_losses = ("reconstruction", "alignment", "intra_modality")

    def __init__(self, config: BM3Config, graph: InteractionGraph, feedback_role: str, outputs: Sequence[str]) -> None:
        super().__init__(config, graph, feedback_role, outputs)
        self.projections = Projections(config, graph, _needed_modalities(config, graph, outputs))
        if FUSED in outputs:
            self.predictor = nn.Linear(config.embedding_size, config.embedding_size)
            nn.init.xavier_normal_(self.predictor.weight)

    @classmethod
    def tables(
        cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        ids = {ID: (graph.num_users + graph.num_items, config.embedding_size)}
        return ids | Projections.tables(config, graph, _needed_modalities(config, graph, outputs))

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        nodes = average_layers(graph.propagator(self.feedback_role, "symmetric"), tables[ID], self.config.layers)
        # A residual connection on the items alone, as in the paper.
        user, item = nodes[: graph.num_users], nodes[graph.num_users :] + tables[ID][graph.num_users :]
        online = Representation(user, item)
        representations = {ID: online}
        if FUSED in self.outputs:
            representations[FUSED] = Representation(self.predictor(user), self.predictor(item))
        outputs = {name: representations[name] for name in self.outputs}
        return outputs | self._views(graph, tables, online) if self.training and FUSED in self.outputs else outputs

    def _views(self, graph: InteractionGraph, tables: Mapping[str, Tensor], online: Representation) -> Representations:
        """`online/id`, `target/id`, and for each modality m `online/m` and `target/m`, whose items are h_m and h_m'."""
        target = Representation(self._target(online.user), self._target(online.item))
        views = {f"online/{ID}": online, f"target/{ID}": target}
        for m, projected in self.projections(graph, tables).items():
            views[f"online/{m}"] = Representation(online.user, projected)
            views[f"target/{m}"] = Representation(target.user, self._target(projected))
        return views

    def _target(self, x: Tensor) -> Tensor:
        # No gradient flows to the target: with it, both views could agree by collapsing to one constant vector.
        return F.dropout(x.detach(), self.config.dropout)

    def auxiliaries(self) -> list[Auxiliary]:
        losses = [Auxiliary("reconstruction", self._reconstruction, 1.0)] if FUSED in self.outputs else []
        if self.projections.names:
            losses.append(Auxiliary("alignment", self._alignment, self.config.cl_weight))
            losses.append(Auxiliary("intra_modality", self._intra_modality, self.config.cl_weight))
        return losses

    def _reconstruction(self, views: Representations, pairs: Pairs) -> Tensor:
        online, target = views[f"online/{ID}"], views[f"target/{ID}"]
        user_loss = self._distance(online.user[pairs.users], target.item[pairs.items])
        return user_loss + self._distance(online.item[pairs.items], target.user[pairs.users])

    def _alignment(self, views: Representations, pairs: Pairs) -> Tensor:
        return self._modality_distance(views, pairs, lambda m: f"target/{ID}")

    def _intra_modality(self, views: Representations, pairs: Pairs) -> Tensor:
        return self._modality_distance(views, pairs, lambda m: f"target/{m}")

    def _modality_distance(self, views: Representations, pairs: Pairs, target: Callable[[str], str]) -> Tensor:
        """The sum over modalities m of the distance from P(h_m) to the items of the view `target(m)`."""
        distances = [
            self._distance(views[f"online/{m}"].item[pairs.items], views[target(m)].item[pairs.items])
            for m in self.projections.names
        ]
        return torch.stack(distances).sum()

    def _distance(self, online: Tensor, target: Tensor) -> Tensor:
        """The mean of 1 - cos(P(online), target) over the nonzero rows: the row of an item without the modality is
        zero."""
        exists = online.detach().any(1)
        distances = 1 - F.cosine_similarity(self.predictor(online), target)
        return (distances * exists).sum() / exists.sum().clamp(min=1)


def _needed_modalities(config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]) -> tuple[str, ...]:
    assert isinstance(config, BM3Config)
    return graph.modalities if FUSED in outputs and config.cl_weight else ()
