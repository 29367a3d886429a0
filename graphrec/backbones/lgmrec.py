"""LGMRec: LightGCN on ids, features over the interaction graph, and ids over learned hyperedges.

"LGMRec: Local and Global Graph Learning for Multimodal Recommendation" (Zhiqiang Guo et al., AAAI 2024). With id
embeddings E, the symmetric normalised interaction graph A and, for each modality m, its hyperedges:

    collaborative  C    = mean of E, A E ... A^L E
    modality       V_m  = A^n [mean of F_m over a user's items ; F_m],    F_m = X_m W_m
    local          C + sum_m rownorm(V_m)
    hyperedges     H_m  = softmax over hyperedges of (X_m T_m + noise) / t          items
                   J_m  = softmax over hyperedges of (R X_m T_m + noise) / t        users; R: their items' sum
    global         G_m  = [J_m H_m' ; H_m H_m'] C_items                  hyper_layers times, on the items of the last

`fused` is the local term plus alpha rownorm(sum_m G_m). `id` is C. A modality's representation is the local term of m
alone, C + rownorm(V_m). Training draws Gumbel noise and drops entries of H and J; scoring does neither. Training adds
InfoNCE between the G_m of a node, for each pair of modalities, against those of all users or all items.

Defaults are those of the paper for Amazon Baby: two layers of each kind, 4 hyperedges, one step over them, alpha 0.3,
temperature 0.2, half of the entries dropped. Sports has alpha 0.6 and 0.6 dropped. Clothing has 64 hyperedges, two
steps, 0.2 and 0.8.

Deviations:
- The published code sums the contrastive loss over a batch of 2,048 with weight 1e-4. Here it is a mean with weight
  0.2.
- The published code draws noise in scoring, too, so that two calls give different rankings.
- M modalities: the paper has two and one contrastive loss. Here it is the mean over all pairs, and there is none with a
  single modality.
- Features come scaled by column (`data.scaling = "none"` takes them as given, as the published code does). The scale
  matters for the softmax over hyperedges at a temperature of 0.2.
- The published penalty on a batch's rows is replaced by `training.weight_decay` or `training.decay = "rows"`.
- The T_m of a bag multiplies the mean of its words' vectors, in the form that W_m gives them.
- An item without m belongs to no hyperedge of m and is left out of the users' means. It receives m over A.
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
from graphrec.backbones.side_view import needed_modalities
from graphrec.graph.build import InteractionGraph


class LGMRecConfig(BackboneConfig):
    """Settings of LGMRec. The defaults are those published for Amazon's Baby.

    Example:
        >>> LGMRecConfig().hyperedges, LGMRecConfig().alpha
        (4, 0.3)
        >>> clothing = LGMRecConfig(hyperedges=64, hyper_layers=2, alpha=0.2, hyper_dropout=0.8)
        >>> clothing.temperature
        0.2
    """

    modality_layers: int = Field(2, ge=1)
    """n, propagation steps of the features over the interaction graph."""
    hyperedges: int = Field(4, ge=1)
    """Number of hyperedges of each modality."""
    hyper_layers: int = Field(1, ge=1)
    """Propagation steps over the hyperedges."""
    hyper_dropout: float = Field(0.5, ge=0, lt=1)
    """Share of the entries of H and J that dropout sets to zero in training."""
    alpha: float = Field(0.3, gt=0)
    """Weight of the global term."""
    temperature: float = Field(0.2, gt=0)
    """t, the temperature of the hyperedges and of the contrastive loss."""
    contrast_weight: float = Field(0.2, ge=0)
    """Weight of the contrastive loss between the global terms of the modalities; 0 leaves it out."""


@backbones.register("lgmrec")
class LGMRec(Backbone):
    """LGMRec (Guo et al. 2024): LightGCN, features over the interaction graph, and ids over learned hyperedges.

    Shapes:
        user `[U, d]`, item `[I, d]`, for `id`, `fused` and each modality.

    Example:
        >>> from graphrec.testing.small_backbone import small_representations
        >>> small_representations(LGMRec, embedding_size=8, hyperedges=2)["fused"].user.shape
        torch.Size([7, 8])
    """

    Config = LGMRecConfig
    config: LGMRecConfig
    needs_modalities = True
    cost = "2 L E d + M (I D d + 4 I D + 5 E d + 4 (N + I) d)"
    more_cost = "M^2 (M - 1) / 2 times B N for each hyperedge, for the contrast"
    auxiliary_losses = ("hyper_contrast",)

    def __init__(
        self, config: LGMRecConfig, graph: InteractionGraph, feedback_role: str, outputs: Sequence[str]
    ) -> None:
        super().__init__(config, graph, feedback_role, outputs)
        self.projections = Projections(config, graph, needed_modalities(graph, outputs), bias=False)
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
        return ids | Projections.tables(config, graph, needed_modalities(graph, outputs))

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        collaborative = average_layers(
            graph.propagator(self.feedback_role, "symmetric"), tables[ID], self.config.layers
        )
        projected = self.projections(graph, tables)
        views = {m: normalize_rows(self._view(graph, m, items)) for m, items in projected.items()}
        nodes = {ID: collaborative} | {m: collaborative + view for m, view in views.items()}
        names: list[str] = list(self.outputs)
        if FUSED in self.outputs:
            items = collaborative[graph.num_users :]
            hyperedges, global_terms = zip(*(self._global(graph, m, projected[m], items) for m in graph.modalities))
            global_term = normalize_rows(torch.stack(global_terms).sum(0))
            nodes[FUSED] = collaborative + torch.stack(list(views.values())).sum(0) + self.config.alpha * global_term
            if self.training:
                # All G_m are combinations of the hyperedges' vectors. Coordinates in an orthonormal basis of these keep
                # every inner product and are narrower than d, which makes the contrastive loss cheaper.
                basis = torch.linalg.qr(torch.cat(hyperedges).detach().T).Q
                nodes |= {_hyper(m): term @ basis for m, term in zip(graph.modalities, global_terms)}
                names += [_hyper(m) for m in graph.modalities]
        return {name: Representation(nodes[name][: graph.num_users], nodes[name][graph.num_users :]) for name in names}

    def _view(self, graph: InteractionGraph, modality: str, items: Tensor) -> Tensor:
        """V_m `[U + I, d]`."""
        sum_to_users = graph.propagator(self.feedback_role, "sum").to_users
        mask = graph.mask(modality).unsqueeze(1).to(items.dtype)
        x = torch.cat([sum_to_users(items) / sum_to_users(mask).clamp(min=1), items])
        for _ in range(self.config.modality_layers):
            x = graph.propagator(self.feedback_role, "symmetric")(x)
        return x

    def _global(
        self, graph: InteractionGraph, modality: str, projected: Tensor, items: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The hyperedges' vectors after the last step, `[hyperedges, d]`, and G_m `[U + I, d]`.

        Args:
            projected: `[I, d]` the modality's projected features.
            items: `[I, d]` the items of C.
        """
        weight, mask = self.hyperedges[modality], graph.mask(modality).unsqueeze(1)
        item_logits = (projected @ weight if graph.is_bag(modality) else graph.project(modality, weight)) * mask
        user_logits = graph.propagator(self.feedback_role, "sum").to_users(item_logits)
        # The mask again: the softmax of an all-zero row is uniform, not zero.
        item_membership, user_membership = self._membership(item_logits) * mask, self._membership(user_logits)
        for _ in range(self.config.hyper_layers):
            hyperedges = item_membership.T @ items
            items = item_membership @ hyperedges
        return hyperedges, torch.cat([user_membership @ hyperedges, items])

    def _membership(self, logits: Tensor) -> Tensor:
        """The membership of each row in each hyperedge, `[N, hyperedges]`."""
        if not self.training:
            return (logits / self.config.temperature).softmax(1)
        return F.dropout(F.gumbel_softmax(logits, self.config.temperature, dim=1), self.config.hyper_dropout)

    def auxiliaries(self) -> list[Auxiliary]:
        pairs = list(combinations(map(_hyper, self.hyperedges), 2))
        if not pairs:
            return []
        loss = partial(_contrast, pairs, self.config.temperature)
        return [Auxiliary("hyper_contrast", loss, self.config.contrast_weight)]


def _contrast(
    names: Sequence[tuple[str, str]], temperature: float, representations: Representations, pairs: Pairs
) -> Tensor:
    losses = []
    users, user_counts = pairs.users.unique(return_counts=True)
    items, item_counts = pairs.items.unique(return_counts=True)
    for left, right in ((representations[left], representations[right]) for left, right in names):
        losses.append(info_nce(left.user[users], right.user[users], temperature, right.user, user_counts))
        losses.append(info_nce(left.item[items], right.item[items], temperature, right.item, item_counts))
    return torch.stack(losses).sum() / len(names)


def _hyper(modality: str) -> str:
    """The name, in training mode, of a modality's global term in the coordinates of the hyperedges' basis."""
    return f"hyper/{modality}"
