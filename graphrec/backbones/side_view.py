"""What MGCN and SMORE share: LightGCN beside views of the items' features, and a contrast of the two.

    content   C    = mean of E, A E ... A^L E                        A: symmetric normalised interactions
    view      V_m  = [R S_m^n P_m ; S_m^n P_m]                       R: the users' half of A, S_m: the items' own graph
    side      Z    = of C and all views, as each model says

`fused` is C + Z, `id` is C. A modality's representation is C + V_m, the model with m as its only view: V_m by itself is
zero for a user without training pairs, and MMGCN's modality representations hold the ids, too. Beside the decoder's
loss InfoNCE(Z, C) is trained over the users and over the items of a batch, where `fused` is wanted.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import torch
from pydantic import Field
from torch import Tensor

from graphrec.backbones.base import (
    FUSED,
    ID,
    Auxiliary,
    Backbone,
    BackboneConfig,
    Pairs,
    Representation,
    Representations,
)
from graphrec.backbones.contrast import info_nce
from graphrec.backbones.item_graph import FrozenItemGraphs
from graphrec.backbones.lightgcn import average_layers
from graphrec.backbones.projection import ProjectionConfig, Projections
from graphrec.graph.build import InteractionGraph
from graphrec.graph.sparse import ConstantCSR

SIDE = "side/fused"
"""What training adds to the representations, for the contrast."""


class SideViewConfig(ProjectionConfig):
    """Settings of a backbone with views beside its content."""

    item_layers: int = Field(1, ge=1)
    """Steps over the item graphs."""
    contrast_weight: float = Field(0.01, ge=0)
    """Weight of the contrast of side and content."""
    temperature: float = Field(0.2, gt=0)
    """Of that contrast."""


class SideView(Backbone):
    """Base of the two; a subclass makes the purified items P_m and the side Z."""

    config: SideViewConfig
    needs_modalities = True
    auxiliary_losses = ("contrast",)
    more_cost = "2 B^2 d for the contrast"

    def __init__(self, config: SideViewConfig, graph: InteractionGraph, role: str, outputs: Sequence[str]) -> None:
        super().__init__(config, graph, role, outputs)
        self.modalities = viewed(graph, outputs)
        self.projections = Projections(config, graph, self.modalities)
        self.item_graphs = FrozenItemGraphs()

    @classmethod
    def tables(
        cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        ids = {ID: (graph.num_users + graph.num_items, config.embedding_size)}
        return ids | Projections.tables(config, graph, viewed(graph, outputs))

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        content = average_layers(graph.propagator(self.feedback_role, "symmetric"), tables[ID], self.config.layers)
        items = tables[ID][graph.num_users :]
        projected = self.projections(graph, tables)
        views = {m: self.view(graph, items, m, one) for m, one in projected.items()}
        parts, wanted = {ID: content} | {m: content + view for m, view in views.items()}, self.outputs
        if FUSED in self.outputs:
            parts[SIDE] = self.side(graph, items, content, projected, views)
            parts[FUSED] = content + parts[SIDE]
            wanted += (ID, SIDE) if self.training else ()
        return {m: Representation(parts[m][: graph.num_users], parts[m][graph.num_users :]) for m in wanted}

    @abstractmethod
    def view(self, graph: InteractionGraph, items: Tensor, modality: str, features: Tensor) -> Tensor:
        """V_m `[U + I, d]` from the items' ids and their features at width d, `[I, d]` each."""

    @abstractmethod
    def side(
        self,
        graph: InteractionGraph,
        items: Tensor,
        content: Tensor,
        projected: Mapping[str, Tensor],
        views: Mapping[str, Tensor],
    ) -> Tensor:
        """Z `[U + I, d]`; `projected` holds the modalities' features at width d, `[I, d]`, `views` their V_m."""

    def over(self, graph: InteractionGraph, item_graph: ConstantCSR, purified: Tensor) -> Tensor:
        """`[U + I, d]`: purified items `[I, d]` after the steps over their graph, and what the users hear of these."""
        for _ in range(self.config.item_layers):
            purified = item_graph @ purified
        return torch.cat([graph.propagator(self.feedback_role, "symmetric").to_users(purified), purified])

    def auxiliaries(self) -> list[Auxiliary]:
        if FUSED not in self.outputs:
            return []
        return [Auxiliary("contrast", self._contrast, self.config.contrast_weight)]

    def _contrast(self, found: Representations, pairs: Pairs) -> Tensor:
        side, content, temperature = found[SIDE], found[ID], self.config.temperature
        users, often = pairs.users.unique(return_counts=True)
        loss = info_nce(side.user[users], content.user[users], temperature, counts=often)
        items, often = pairs.items.unique(return_counts=True)
        return loss + info_nce(side.item[items], content.item[items], temperature, counts=often)


def viewed(graph: InteractionGraph, outputs: Sequence[str]) -> tuple[str, ...]:
    """The modalities whose views the outputs need: all for `fused`."""
    return graph.modalities if FUSED in outputs else tuple(m for m in graph.modalities if m in outputs)
