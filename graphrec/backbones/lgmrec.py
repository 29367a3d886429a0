"""LGMRec: Local and Global Graph Learning for Multimodal Recommendation (Guo et al., AAAI 2024).

With id embeddings E, the symmetric normalised interaction graph A and, for each modality m, its hyperedges:

    collaborative  C    = mean of E, A E ... A^L E
    modality       V_m  = A^n [mean of F_m over a user's items ; F_m],    F_m = X_m W_m
    local          C + sum_m rownorm(V_m)
    hyperedges     H_m  = softmax over hyperedges of (X_m T_m + noise) / t          items
                   J_m  = softmax over hyperedges of (R X_m T_m + noise) / t        users; R: their items' sum
    global         G_m  = [J_m H_m' ; H_m H_m'] C_items                  hyper_layers times, on the items of the last

`fused` is the local part plus alpha rownorm(sum_m G_m), `id` is C, and a modality's representation is the local part of
m alone, C + rownorm(V_m). Training draws Gumbel noise and drops entries of H and J; scoring does neither. Beside the
decoder's loss InfoNCE holds the G_m of a node together, for each pair of modalities, against those of all users and of
all items.

Defaults are those for Amazon Baby: two layers of each kind, 4 hyperedges, one step over them, alpha 0.3, temperature
0.2, half of the entries dropped (Sports: alpha 0.6, 0.6 dropped; Clothing: 64 hyperedges, two steps, 0.2, 0.8).

Deviations:
- The published code adds the contrast up over a batch of 2,048 with weight 1e-4; here it is a mean, the weight 0.2.
- The published code draws noise in scoring, too, so that two calls rank differently.
- M modalities: the paper has two and one contrast; here it is the mean over pairs, none with a single modality.
- Features come scaled by column (`data.scaling = "none"` takes them as given, as the published code does), which the
  softmax over hyperedges, at a temperature of 0.2, feels. The published penalty on a batch's rows is left to
  `training.weight_decay` or `training.decay = "rows"`.
- A bag's T_m acts on the mean of its words' vectors, as W_m makes it.
- An item without m belongs to no hyperedge of m, is left out of the users' means, and hears of m over A.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import combinations

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
from graphrec.backbones.contrast import info_nce
from graphrec.backbones.lightgcn import average_layers
from graphrec.backbones.projection import Projections
from graphrec.backbones.row_norm import normalize_rows
from graphrec.backbones.side_view import viewed
from graphrec.graph.build import InteractionGraph


class LGMRecConfig(BackboneConfig):
    modality_layers: int = Field(2, ge=1)
    """n, steps of the features over the interaction graph."""
    hyperedges: int = Field(4, ge=1)
    """Of each modality."""
    hyper_layers: int = Field(1, ge=1)
    """Steps over the hyperedges."""
    hyper_dropout: float = Field(0.5, ge=0, lt=1)
    """Share of the entries of H and J that are zero in training."""
    alpha: float = Field(0.3, gt=0)
    """Weight of the global part."""
    temperature: float = Field(0.2, gt=0)
    """t, of the hyperedges and of the contrast."""
    contrast_weight: float = Field(0.2, ge=0)
    """Weight of the contrast of the modalities' global parts."""


@backbones.register("lgmrec")
class LGMRec(Backbone):
    """LGMRec (Guo et al. 2024): LightGCN, features over the interaction graph, and ids over learned hyperedges."""

    Config = LGMRecConfig
    config: LGMRecConfig
    needs_modalities = True
    cost = "2 L E d + M (I D d + 4 I D + 5 E d + 4 (N + I) d)"
    more_cost = "M^2 (M - 1) / 2 times B N for each hyperedge, for the contrast"
    auxiliary_losses = ("hyper_contrast",)

    def __init__(self, config: LGMRecConfig, graph: InteractionGraph, role: str, outputs: Sequence[str]) -> None:
        super().__init__(config, graph, role, outputs)
        self.projections = Projections(config, graph, viewed(graph, outputs), bias=False)
        self.hyperedges = nn.ParameterDict()
        for m in graph.modalities if FUSED in outputs else ():
            width = config.embedding_size if graph.is_bag(m) else graph.width(m)
            self.hyperedges[m] = nn.Parameter(torch.empty(width, config.hyperedges))
            nn.init.xavier_uniform_(self.hyperedges[m])

    @classmethod
    def tables(
        cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        ids = {ID: (graph.num_users + graph.num_items, config.embedding_size)}
        return ids | Projections.tables(config, graph, viewed(graph, outputs))

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        collaborative = average_layers(
            graph.propagator(self.feedback_role, "symmetric"), tables[ID], self.config.layers
        )
        projected = self.projections(graph, tables)
        views = {m: normalize_rows(self._view(graph, m, one)) for m, one in projected.items()}
        parts = {ID: collaborative} | {m: collaborative + view for m, view in views.items()}
        wanted: list[str] = list(self.outputs)
        if FUSED in self.outputs:
            items = collaborative[graph.num_users :]
            gathered, globals_ = zip(*(self._global(graph, m, projected[m], items) for m in graph.modalities))
            everywhere = normalize_rows(torch.stack(globals_).sum(0))
            parts[FUSED] = collaborative + torch.stack(list(views.values())).sum(0) + self.config.alpha * everywhere
            if self.training:
                # All G_m lie in what the hyperedges span, so the contrast needs their coordinates there, not width d.
                span = torch.linalg.qr(torch.cat(gathered).detach().T).Q
                parts |= {_hyper(m): one @ span for m, one in zip(graph.modalities, globals_)}
                wanted += [_hyper(m) for m in graph.modalities]
        return {m: Representation(parts[m][: graph.num_users], parts[m][graph.num_users :]) for m in wanted}

    def _view(self, graph: InteractionGraph, modality: str, items: Tensor) -> Tensor:
        """V_m `[U + I, d]`."""
        hear = graph.propagator(self.feedback_role, "sum").to_users
        known = graph.mask(modality).unsqueeze(1).to(items.dtype)
        x = torch.cat([hear(items) / hear(known).clamp(min=1), items])
        for _ in range(self.config.modality_layers):
            x = graph.propagator(self.feedback_role, "symmetric")(x)
        return x

    def _global(
        self, graph: InteractionGraph, modality: str, projected: Tensor, items: Tensor
    ) -> tuple[Tensor, Tensor]:
        """What the hyperedges gather last, `[hyperedges, d]`, and G_m `[U + I, d]` made of it; from the features at
        width d and C's items."""
        weight, known = self.hyperedges[modality], graph.mask(modality).unsqueeze(1)
        of_items = (projected @ weight if graph.is_bag(modality) else graph.project(modality, weight)) * known
        of_users = graph.propagator(self.feedback_role, "sum").to_users(of_items)
        item_edges, user_edges = self._membership(of_items) * known, self._membership(of_users)
        for _ in range(self.config.hyper_layers):
            gathered = item_edges.T @ items
            items = item_edges @ gathered
        return gathered, torch.cat([user_edges @ gathered, items])

    def _membership(self, logits: Tensor) -> Tensor:
        """How much each row belongs to each hyperedge, `[N, hyperedges]`."""
        if not self.training:
            return (logits / self.config.temperature).softmax(1)
        return F.dropout(F.gumbel_softmax(logits, self.config.temperature, dim=1), self.config.hyper_dropout)

    def auxiliaries(self) -> list[Auxiliary]:
        pairs = list(combinations(map(_hyper, self.hyperedges), 2))
        if not pairs:
            return []
        loss = partial(_contrast, pairs, self.config.temperature)
        return [Auxiliary("hyper_contrast", loss, self.config.contrast_weight)]


def _contrast(names: Sequence[tuple[str, str]], temperature: float, found: Representations, pairs: Pairs) -> Tensor:
    losses = []
    (users, of_users), (items, of_items) = (ids.unique(return_counts=True) for ids in (pairs.users, pairs.items))
    for one, other in ((found[one], found[other]) for one, other in names):
        losses.append(info_nce(one.user[users], other.user[users], temperature, other.user, of_users))
        losses.append(info_nce(one.item[items], other.item[items], temperature, other.item, of_items))
    return torch.stack(losses).sum() / len(names)


def _hyper(modality: str) -> str:
    """Under which name training adds a modality's global part, in coordinates that keep lengths and inner products."""
    return f"hyper/{modality}"
