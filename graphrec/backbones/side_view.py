"""The common base of MGCN and SMORE: LightGCN, views of the items' features, and a contrastive loss between the two.

    content   C    = mean of E, A E ... A^L E                        A: symmetric normalised interactions
    view      V_m  = [R S_m^n P_m ; S_m^n P_m]                       R: user rows of A, S_m: item graph
    side      Z    = a combination of C and all views, defined by each model

`fused` is C + Z and `id` is C. The representation of a modality is C + V_m, the model with m as its only view. V_m
alone would be zero for a user without training pairs, and MMGCN's modality representations contain the ids, too.
Training adds InfoNCE(Z, C) over the users and over the items of a batch, where `fused` is an output.
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
"""The name of Z among the representations in training mode, for the contrastive loss."""


class SideViewConfig(ProjectionConfig):
    """Settings of a backbone with side views.

    Example:
        >>> SideViewConfig().item_layers, SideViewConfig().contrast_weight, SideViewConfig().temperature
        (1, 0.01, 0.2)
    """

    item_layers: int = Field(1, ge=1)
    """n, propagation steps over the item graphs."""
    contrast_weight: float = Field(0.01, ge=0)
    """Weight of the contrastive loss between side and content; 0 leaves it out."""
    temperature: float = Field(0.2, gt=0)
    """Temperature of the contrastive loss."""


class SideView(Backbone):
    """Base of MGCN and SMORE. A subclass computes the purified items P_m and the side Z.

    Example:
        >>> from graphrec.backbones.mgcn import MGCN
        >>> from graphrec.testing.small_backbone import small_representations
        >>> tables = small_representations(MGCN, embedding_size=8, neighbours=3, training=True)
        >>> list(tables), bool((tables["fused"].item == tables["id"].item + tables["side/fused"].item).all())
        (['fused', 'id', 'side/fused'], True)
    """

    config: SideViewConfig
    needs_modalities = True
    auxiliary_losses = ("contrast",)
    more_cost = "2 B^2 d for the contrast"

    def __init__(
        self, config: SideViewConfig, graph: InteractionGraph, feedback_role: str, outputs: Sequence[str]
    ) -> None:
        super().__init__(config, graph, feedback_role, outputs)
        self.modalities = needed_modalities(graph, outputs)
        self.projections = Projections(config, graph, self.modalities)
        self.item_graphs = FrozenItemGraphs()

    @classmethod
    def tables(
        cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        ids = {ID: (graph.num_users + graph.num_items, config.embedding_size)}
        return ids | Projections.tables(config, graph, needed_modalities(graph, outputs))

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        content = average_layers(graph.propagator(self.feedback_role, "symmetric"), tables[ID], self.config.layers)
        items = tables[ID][graph.num_users :]
        projected = self.projections(graph, tables)
        views = {m: self.view(graph, items, m, features) for m, features in projected.items()}
        nodes, names = {ID: content} | {m: content + view for m, view in views.items()}, self.outputs
        if FUSED in self.outputs:
            nodes[SIDE] = self.side(graph, items, content, projected, views)
            nodes[FUSED] = content + nodes[SIDE]
            names += (ID, SIDE) if self.training else ()
        return {name: Representation(nodes[name][: graph.num_users], nodes[name][graph.num_users :]) for name in names}

    @abstractmethod
    def view(self, graph: InteractionGraph, items: Tensor, modality: str, features: Tensor) -> Tensor:
        """V_m `[U + I, d]` from the items' id embeddings and their projected features, `[I, d]` each."""

    @abstractmethod
    def side(
        self,
        graph: InteractionGraph,
        items: Tensor,
        content: Tensor,
        projected: Mapping[str, Tensor],
        views: Mapping[str, Tensor],
    ) -> Tensor:
        """Z `[U + I, d]`; `projected` has the projected features `[I, d]` and `views` the V_m of each modality."""

    def propagate_view(self, graph: InteractionGraph, item_graph: ConstantCSR, purified: Tensor) -> Tensor:
        """`[U + I, d]`: the purified items `[I, d]` after n steps over their graph, below the users' messages from
        them."""
        for _ in range(self.config.item_layers):
            purified = item_graph @ purified
        return torch.cat([graph.propagator(self.feedback_role, "symmetric").to_users(purified), purified])

    def auxiliaries(self) -> list[Auxiliary]:
        if FUSED not in self.outputs:
            return []
        return [Auxiliary("contrast", self._contrast, self.config.contrast_weight)]

    def _contrast(self, representations: Representations, pairs: Pairs) -> Tensor:
        side, content, temperature = representations[SIDE], representations[ID], self.config.temperature
        # Each user and item once, with its count: the loss is that of the batch, at a fraction of its B^2 products.
        users, counts = pairs.users.unique(return_counts=True)
        loss = info_nce(side.user[users], content.user[users], temperature, counts=counts)
        items, counts = pairs.items.unique(return_counts=True)
        return loss + info_nce(side.item[items], content.item[items], temperature, counts=counts)


def needed_modalities(graph: InteractionGraph, outputs: Sequence[str]) -> tuple[str, ...]:
    """The modalities that the outputs need: all for `fused`.

    Example:
        >>> from graphrec.testing.small_graph import small_graph
        >>> needed_modalities(small_graph(), ("id", "title")), needed_modalities(small_graph(), ("fused",))
        (('title',), ('visual', 'title', 'acoustic'))
    """
    return graph.modalities if FUSED in outputs else tuple(m for m in graph.modalities if m in outputs)
