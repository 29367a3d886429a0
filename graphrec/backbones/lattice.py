"""LATTICE: LightGCN, plus messages over learned graphs of items with similar features.

"Mining Latent Structures for Multimedia Recommendation" (Jinghao Zhang et al., ACM MM 2021). E_U and E_I are the id
embeddings. N_m(i) are the K = 10 nearest items of item i, itself included:

    h_m    = x_m W_m + b_m                                  alpha = softmax of a learned vector, one entry a modality
    A_m    = max(0, cos(h_m,i , h_m,j)) for j in N_m(i)     nearest by h_m: the learned graph
    A'_m   = max(0, cos(x_m,i , x_m,j)) for j in N_m(i)     nearest by x_m: the original graph, frozen
    S      = lambda sum_m alpha_m L(A'_m) + (1 - lambda) L(sum_m alpha_m A_m),      L(A) = D^-1/2 A D^-1/2
    user   = CF_u,  item = CF_i + H_i / |H_i|               H = S^n E_I, CF = LightGCN(E_U, E_I)

`id` is CF alone. Published settings: lambda 0.9, n = 1, two layers, h as wide as the embeddings.

Deviations from the published code:
- It has a dense I x I graph, built in training once an epoch. The gradient reaches W_m and alpha in the first batch of
  each epoch only. Here the sets N_m are searched in blocks, once an epoch and once for each scoring. The cosines of
  these pairs and alpha are computed in every step, with their gradient.
- It keeps negative cosines, which the paper sets to zero.
- It normalises the interaction graph by rows, with self loops, where the paper has LightGCN. `interaction = "official"`
  does the same.
- Features are those of the graph, scaled by column, and not trained (`trainable_features = true` trains them).
- An item without modality m has no neighbours in it, and its mean over the A'_m is over the modalities that it has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Generator, Tensor, nn

from graphrec.backbones.base import (
    FUSED,
    ID,
    Backbone,
    BackboneConfig,
    Representation,
    Representations,
    backbones,
)
from graphrec.backbones.item_graph import FrozenItemGraphs
from graphrec.backbones.lightgcn import average_layers
from graphrec.backbones.projection import ProjectionConfig, Projections
from graphrec.backbones.row_norm import normalize_rows
from graphrec.graph.build import InteractionGraph
from graphrec.graph.neighbours import nearest

TINY = 1e-12


class LATTICEConfig(ProjectionConfig):
    """Settings of LATTICE.

    Example:
        >>> LATTICEConfig().neighbours, LATTICEConfig().original
        (10, 0.9)
    """

    neighbours: int = Field(10, ge=1)
    """K, the number of nearest items by cosine, the item itself included."""
    item_layers: int = Field(1, ge=1)
    """n, propagation steps over the item graph."""
    original: float = Field(0.9, ge=0, lt=1)
    """lambda, the weight of the original graph; the learned graph has weight 1 - lambda."""
    interaction: Literal["paper", "official"] = "paper"
    """The normalisation of the interaction graph: `paper` as in LightGCN, `official` by rows with self loops."""


@backbones.register("lattice")
class LATTICE(Backbone):
    """LATTICE (Zhang et al. 2021): LightGCN, plus messages over learned graphs of items with similar features.

    Shapes:
        user `[U, d]`, item `[I, d]`, for `id` and `fused`.

    Example:
        >>> from graphrec.testing.small_backbone import small_representations
        >>> small_representations(LATTICE, embedding_size=8, neighbours=3)["fused"].item.shape
        torch.Size([11, 8])
    """

    Config = LATTICEConfig
    config: LATTICEConfig
    modality_support = "fused"
    needs_modalities = True
    cost = "2 L E d + M I D d + 3 M I K d"
    more_cost = "M I^2 d for the search, once an epoch and once a scoring"

    def __init__(
        self, config: LATTICEConfig, graph: InteractionGraph, feedback_role: str, outputs: Sequence[str]
    ) -> None:
        super().__init__(config, graph, feedback_role, outputs)
        self.searched: dict[str, Tensor] = {}
        if FUSED in outputs:
            self.projections = Projections(config, graph, graph.modalities)
            self.item_graphs = FrozenItemGraphs()
            self.mix = nn.Parameter(torch.zeros(len(graph.modalities)))

    @classmethod
    def tables(
        cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        ids = {ID: (graph.num_users + graph.num_items, config.embedding_size)}
        return ids | Projections.tables(config, graph, graph.modalities if FUSED in outputs else ())

    def start_epoch(self, graph: InteractionGraph, generator: Generator) -> None:
        self.searched = {}  # the next forward pass searches, because it has the word tables that a search needs

    def epoch_state(self) -> dict[str, Tensor]:
        return self.searched

    def load_epoch_state(self, state: dict[str, Tensor]) -> None:
        self.searched = state

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        official = self.config.interaction == "official"
        propagate = graph.propagator(self.feedback_role, "mean" if official else "symmetric", self_loops=official)
        nodes = average_layers(propagate, tables[ID], self.config.layers)
        user, item = nodes[: graph.num_users], nodes[graph.num_users :]
        representations = {ID: Representation(user, item)}
        if FUSED in self.outputs:
            messages = self._item_messages(graph, tables)
            representations[FUSED] = Representation(user, item + normalize_rows(messages))
        return {name: representations[name] for name in self.outputs}

    def _item_messages(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Tensor:
        """H, `[I, d]`."""
        weights = dict(zip(graph.modalities, self.mix.softmax(0)))
        learned_step = self._learned_step(graph, self.projections(graph, tables), weights)
        weight, x = self.config.original, tables[ID][graph.num_users :]
        for _ in range(self.config.item_layers):
            original = self.item_graphs.propagate_mean(graph, weights, self.config.neighbours, x)
            x = weight * original + (1 - weight) * learned_step(x)
        return x

    def _learned_step(
        self, graph: InteractionGraph, features: Mapping[str, Tensor], weights: Mapping[str, Tensor]
    ) -> Callable[[Tensor], Tensor]:
        """The function x -> L(sum_m alpha_m A_m) x, one step over the learned graph."""
        graphs = []
        for name, index in self._search(graph, features).items():
            # Past the end of a row `index` is -1. It is read as item 0 and its cosine is then set to zero.
            unit, columns = normalize_rows(features[name]), index.clamp(min=0)
            cosines = (unit.unsqueeze(1) * unit[columns]).sum(2).clamp(min=0) * (index >= 0)
            graphs.append((columns, weights[name] * cosines))
        degree = torch.stack([entries.sum(1, keepdim=True) for _, entries in graphs]).sum(0)
        factor = degree.clamp(min=TINY).rsqrt()  # an item without any modality has degree 0 and no messages

        def step(x: Tensor) -> Tensor:
            x = factor * x
            sums = [F.embedding_bag(columns, x, per_sample_weights=entries, mode="sum") for columns, entries in graphs]
            return factor * torch.stack(sums).sum(0)

        return step

    def _search(self, graph: InteractionGraph, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """N_m by modality, `[I, K]`, -1 past the end: in training those of the epoch, else of the current weights."""
        if self.training and self.searched:
            return {name: self.searched[name] for name in features}  # a checkpoint keeps no order
        count = self.config.neighbours
        neighbours = {name: nearest(x.detach(), graph.mask(name), count).index for name, x in features.items()}
        if self.training:
            self.searched = neighbours
        return neighbours
