"""BM3: Bootstrap Latent Representations for Multi-modal Recommendation (Zhou et al., WWW 2023).

No negatives: an online view predicts a target view, which is a dropout copy without gradient. E_U and E_I are the id
embeddings, P one linear layer:

    u       = LightGCN(E)_u,  i = LightGCN(E)_i + E_I         h_m = x_m W_m + b_m
    u', i', h_m'   = dropout(u), dropout(i), dropout(h_m)     targets
    loss = C(P(u), i') + C(P(i), u')                          reconstruction of the graph
         + cl_weight sum_m C(P(h_m), i')                      alignment of a modality with the item
         + cl_weight sum_m C(P(h_m), h_m')                    alignment of a modality with itself

over training pairs (u, i), C(a, b) = 1 - cos(a, b). The published model scores by P(u) . P(i), which is `fused` here;
`id` is u, i before P. The features shape both through the losses alone.

The losses are trained beside the decoder's. The published model has none but these: decoder `bpr` with
`representation = "fused"` and `weight = 0`.

Published: cl_weight 2; one layer and dropout .5 on Baby and Sports, two and .3 on Electronics. Deviations from the
published code: its penalty, (|u|_F + |i|_F) / I times .1 or .01, is left to `training.weight_decay`, which acts on E;
features are those of the graph, scaled by column, and not trained (`trainable_features = true` trains them); an item
without modality m has no part in that modality's terms, which are means over the others.
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
    layers: int = Field(1, ge=1)
    """Steps of message passing."""
    dropout: float = Field(0.5, ge=0, lt=1)
    """Share of a target's entries that are dropped."""
    cl_weight: float = Field(2.0, ge=0)
    """Weight of the losses that features take part in."""


@backbones.register("bm3")
class BM3(Backbone):
    """BM3 (Zhou et al. 2023): LightGCN on ids that learns from dropout copies and features, without negatives."""

    Config = BM3Config
    config: BM3Config
    modality_support = "fused"
    needs_modalities = True
    cost = "2 L E d + N d^2 + M I D d"
    more_cost = "(2 M + 2) B d^2 for its losses"
    auxiliary_losses = ("reconstruction", "alignment", "intra_modality")

    def __init__(self, config: BM3Config, graph: InteractionGraph, role: str, outputs: Sequence[str]) -> None:
        super().__init__(config, graph, role, outputs)
        self.projections = Projections(config, graph, _projected(config, graph, outputs))
        if FUSED in outputs:
            self.predictor = nn.Linear(config.embedding_size, config.embedding_size)
            nn.init.xavier_normal_(self.predictor.weight)

    @classmethod
    def tables(
        cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        ids = {ID: (graph.num_users + graph.num_items, config.embedding_size)}
        return ids | Projections.tables(config, graph, _projected(config, graph, outputs))

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        nodes = average_layers(graph.propagator(self.feedback_role, "symmetric"), tables[ID], self.config.layers)
        user, item = nodes[: graph.num_users], nodes[graph.num_users :] + tables[ID][graph.num_users :]
        found = {ID: Representation(user, item)}
        if FUSED in self.outputs:
            found[FUSED] = Representation(self.predictor(user), self.predictor(item))
        wanted = {name: found[name] for name in self.outputs}
        return wanted | self._views(graph, tables, found[ID]) if self.training and FUSED in self.outputs else wanted

    def _views(self, graph: InteractionGraph, tables: Mapping[str, Tensor], online: Representation) -> Representations:
        """`online/id`, `target/id`, and for each modality m `online/m` and `target/m`, whose items are h_m and h_m'."""
        target = Representation(self._target(online.user), self._target(online.item))
        views = {f"online/{ID}": online, f"target/{ID}": target}
        for m, projected in self.projections(graph, tables).items():
            views[f"online/{m}"] = Representation(online.user, projected)
            views[f"target/{m}"] = Representation(target.user, self._target(projected))
        return views

    def _target(self, x: Tensor) -> Tensor:
        return F.dropout(x.detach(), self.config.dropout)

    def auxiliaries(self) -> list[Auxiliary]:
        losses = [Auxiliary("reconstruction", self._reconstruction, 1.0)] if FUSED in self.outputs else []
        if self.projections.names:
            losses.append(Auxiliary("alignment", self._alignment, self.config.cl_weight))
            losses.append(Auxiliary("intra_modality", self._intra_modality, self.config.cl_weight))
        return losses

    def _reconstruction(self, found: Representations, pairs: Pairs) -> Tensor:
        online, target = found[f"online/{ID}"], found[f"target/{ID}"]
        of_users = self._distance(online.user[pairs.users], target.item[pairs.items])
        return of_users + self._distance(online.item[pairs.items], target.user[pairs.users])

    def _alignment(self, found: Representations, pairs: Pairs) -> Tensor:
        return self._of_modalities(found, pairs, lambda m: f"target/{ID}")

    def _intra_modality(self, found: Representations, pairs: Pairs) -> Tensor:
        return self._of_modalities(found, pairs, lambda m: f"target/{m}")

    def _of_modalities(self, found: Representations, pairs: Pairs, target: Callable[[str], str]) -> Tensor:
        """The sum over modalities m of the distance from P(h_m) to the items of the view `target(m)`."""
        rows = {
            m: (found[f"online/{m}"].item[pairs.items], found[target(m)].item[pairs.items])
            for m in self.projections.names
        }
        return torch.stack([self._distance(*of_modality) for of_modality in rows.values()]).sum()

    def _distance(self, online: Tensor, target: Tensor) -> Tensor:
        """The mean of 1 - cos(P(online), target) over the rows that are not zero: an item without the modality is."""
        there = online.detach().any(1)
        distances = 1 - F.cosine_similarity(self.predictor(online), target)
        return (distances * there).sum() / there.sum().clamp(min=1)


def _projected(config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]) -> tuple[str, ...]:
    assert isinstance(config, BM3Config)
    return graph.modalities if FUSED in outputs and config.cl_weight else ()
