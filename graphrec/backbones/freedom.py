"""FREEDOM: LightGCN on a pruned interaction graph, plus messages over a frozen graph of items with similar features.

"A Tale of Two Graphs: Freezing and Denoising Graph Structures for Multimodal Recommendation" (Xin Zhou and Zhiqi Shen,
ACM MM 2023). E_U and E_I are the id embeddings:

    S_m   = D^-1/2 A_m D^-1/2              A_m: ones at each item's 10 nearest by cosine, itself included; frozen
    H     = S^n E_I,  S = sum_m w_m S_m    n = 1; w = 0.1 visual, 0.9 textual
    CF    = LightGCN(E_U, E_I)             2 layers; in training over a graph that is pruned again in each epoch
    user  = CF_u,  item = CF_i + H_i
    loss  = the decoder's + modality_weight sum_m BPR(CF_u . x_m W_m)

Pruning keeps a share 1 - drop of the pairs, drawn without replacement in proportion to 1 / sqrt(d_u d_i). Scoring uses
all pairs. `id` is CF alone, pruned likewise.

Published defaults: 10 neighbours, n = 1, two layers, weights 0.1 and 0.9. `drop` is tuned in {0.8, 0.9} and
`modality_weight` in {0, 1e-5, 1e-4, 1e-3}.

Deviations from the published code:
- Features are those of the graph, scaled by column, and not trained (`trainable_features = true` trains them).
- The mean over item graphs is over the modalities that an item has. The modality losses are over the pairs of which
  both items have the modality.
- There is no b_m, which cancels in the BPR loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from pydantic import Field, NonNegativeFloat, field_validator
from torch import Generator, Tensor

from graphrec.backbones.base import (
    FUSED,
    ID,
    Auxiliary,
    BackboneConfig,
    Pairs,
    Representation,
    Representations,
    backbones,
)
from graphrec.backbones.item_graph import FrozenItemGraphs
from graphrec.backbones.lightgcn import average_layers
from graphrec.backbones.projection import ProjectionConfig, Projections
from graphrec.backbones.pruned import Pruned
from graphrec.errors import UnknownNameError
from graphrec.graph.build import InteractionGraph
from graphrec.graph.pruning import degree_sensitive_mask

_PUBLISHED = {"visual": 0.1, "textual": 0.9}


class FREEDOMConfig(ProjectionConfig):
    """Settings of FREEDOM.

    Example:
        >>> FREEDOMConfig().neighbours, FREEDOMConfig().drop
        (10, 0.8)
        >>> try:
        ...     FREEDOMConfig(weights={"visual": 0.0})
        ... except ValueError as error:
        ...     print(error.errors()[0]["msg"])
        Value error, at least one weight above zero
    """

    neighbours: int = Field(10, ge=1)
    """K, the number of nearest items by cosine, the item itself included."""
    item_layers: int = Field(1, ge=1)
    """n, propagation steps over the item graph."""
    weights: dict[str, NonNegativeFloat] | None = None
    """w_m, the weights of the modalities in the item graph. A modality that is not named is left out. By default 0.1
    visual and 0.9 textual where the dataset has exactly these two, else equal weights."""
    drop: float = Field(0.8, ge=0, lt=1)
    """Share of the training pairs that each epoch drops."""
    modality_weight: float = Field(1e-3, ge=0)
    """Weight of the modality losses; 0 leaves them out."""

    @field_validator("weights")
    @classmethod
    def _some_weight(cls, weights: dict[str, float] | None) -> dict[str, float] | None:
        if weights is not None and not sum(weights.values()):
            raise ValueError("at least one weight above zero")
        return weights


@backbones.register("freedom")
class FREEDOM(Pruned):
    """FREEDOM (Zhou and Shen 2023): LightGCN on a pruned graph, plus a frozen graph of items with similar features.

    Shapes:
        user `[U, d]`, item `[I, d]`, for `id` and `fused`.

    Raises:
        UnknownNameError: `weights` names no modality of the dataset.

    Example:
        >>> from graphrec.testing.small_backbone import small_representations
        >>> small_representations(FREEDOM, embedding_size=8, neighbours=3, drop=0.5)["fused"].item.shape
        torch.Size([11, 8])
    """

    Config = FREEDOMConfig
    config: FREEDOMConfig
    modality_support = "fused"
    needs_modalities = True
    cost = "2 L E d + M I K d + M I D d"
    auxiliary_losses = ("modality",)

    def __init__(
        self, config: FREEDOMConfig, graph: InteractionGraph, feedback_role: str, outputs: Sequence[str]
    ) -> None:
        super().__init__(config, graph, feedback_role, outputs)
        for name in config.weights or ():
            if name not in graph.modalities:
                raise UnknownNameError("modality", name, graph.modalities, where="backbone.weights")
        defaults = _PUBLISHED if set(graph.modalities) == set(_PUBLISHED) else dict.fromkeys(graph.modalities, 1.0)
        self.weights = defaults if config.weights is None else config.weights
        self.projections = Projections(config, graph, _needed_modalities(config, graph, outputs), bias=False)
        self.item_graphs = FrozenItemGraphs("equal")

    @classmethod
    def tables(
        cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        ids = {ID: (graph.num_users + graph.num_items, config.embedding_size)}
        return ids | Projections.tables(config, graph, _needed_modalities(config, graph, outputs))

    @property
    def drop_rate(self) -> float:
        return self.config.drop

    def edge_mask(self, graph: InteractionGraph, generator: Generator) -> Tensor:
        return degree_sensitive_mask(
            graph.pairs(self.feedback_role), graph.num_users, graph.num_items, self.drop_rate, generator
        )

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        nodes = average_layers(self.propagator(graph), tables[ID], self.config.layers)
        user, item = nodes[: graph.num_users], nodes[graph.num_users :]
        representations = {ID: Representation(user, item)}
        if FUSED in self.outputs:
            messages = tables[ID][graph.num_users :]
            for _ in range(self.config.item_layers):
                messages = self.item_graphs.propagate_mean(graph, self.weights, self.config.neighbours, messages)
            representations[FUSED] = Representation(user, item + messages)
        outputs = {name: representations[name] for name in self.outputs}
        if self.training:  # the views of the modality losses, which scoring does not need
            outputs |= {_view(m): Representation(user, x) for m, x in self.projections(graph, tables).items()}
        return outputs

    def auxiliaries(self) -> list[Auxiliary]:
        if not self.projections.names:
            return []
        return [Auxiliary("modality", self._modality_loss, self.config.modality_weight)]

    def _modality_loss(self, representations: Representations, pairs: Pairs) -> Tensor:
        """The sum over modalities of the mean BPR loss over the pairs of which both items have the modality."""
        terms = []
        for m in self.projections.names:
            users, items = representations[_view(m)].user[pairs.users], representations[_view(m)].item
            positives, negatives = items[pairs.items], items[pairs.negatives]
            losses = F.softplus((users * (negatives - positives)).sum(1))
            both = positives.detach().any(1) & negatives.detach().any(1)
            terms.append((losses * both).sum() / both.sum().clamp(min=1))
        return torch.stack(terms).sum()


def _view(modality: str) -> str:
    """The name, in training mode, of the users with a modality's projected features as items."""
    return f"projected/{modality}"


def _needed_modalities(config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]) -> tuple[str, ...]:
    assert isinstance(config, FREEDOMConfig)
    return graph.modalities if FUSED in outputs and config.modality_weight else ()
