"""What the general graph networks share: where they start, and that one stack of convolutions serves `id` and `fused`.

    X^0_id    = E                                           users and items
    X^0_fused = E, an item plus the sum over its modalities of X_m W_m
    X^{l+1}   = LeakyReLU(convolution(X^l)), the last without LeakyReLU

A bag has one learned vector a word, as in `with_modalities`; an item without a modality gets nothing of it.

These networks were published for nodes with features, or for none. Readings that are graphrec's own: features are
mapped to the width of the ids and added to them; the last layer is linear, since a ReLU would leave inner products
nothing below zero; before it LeakyReLU (slope 0.01) stands for the papers' ReLU and ELU, since a node whose columns are
all below zero would come out of a ReLU as nothing, and all items alike to it; there is no dropout. The two passes share
the weights of the layers, so that `id` is the same network with the features left out, and asking for both adds none.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphrec.backbones.base import FUSED, ID, Backbone, BackboneConfig, Representation, Representations
from graphrec.backbones.projection import Projections
from graphrec.graph.build import InteractionGraph


class ConvolutionConfig(BackboneConfig):
    """Settings of a stack of general graph convolutions."""

    features: bool = True
    """Whether `fused` starts from the item features, too. False is the network on ids alone."""


class Convolution(Backbone):
    """Base of the backbones that stack one general graph convolution; a subclass says which."""

    Config = ConvolutionConfig
    config: ConvolutionConfig
    modality_support = "fused"

    def __init__(self, config: ConvolutionConfig, graph: InteractionGraph, role: str, outputs: Sequence[str]) -> None:
        super().__init__(config, graph, role, outputs)
        self.projections = Projections(config, graph, _read(config, graph, outputs), bias=False)
        self.layers = nn.ModuleList(self.layer(graph) for _ in range(config.layers))

    @abstractmethod
    def layer(self, graph: InteractionGraph) -> nn.Module:
        """One convolution: called with `[U + I, d]` and what `neighbours` gives, it returns `[U + I, d]`."""

    @abstractmethod
    def neighbours(self, graph: InteractionGraph) -> Any:
        """The graph in the form in which a layer takes it."""

    @classmethod
    def tables(
        cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        assert isinstance(config, ConvolutionConfig)
        ids = {ID: (graph.num_users + graph.num_items, config.embedding_size)}
        return ids | Projections.tables(config, graph, _read(config, graph, outputs))

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        neighbours, ids = self.neighbours(graph), tables[ID]
        found: Representations = {}
        if FUSED in self.outputs:
            found[FUSED] = self._convolved(self._with_features(ids, graph, tables), neighbours, graph.num_users)
        if ID in self.outputs:
            alone = self.projections.names or FUSED not in found
            found[ID] = self._convolved(ids, neighbours, graph.num_users) if alone else found[FUSED]
        return {name: found[name] for name in self.outputs}

    def _with_features(self, ids: Tensor, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Tensor:
        users, items = ids[: graph.num_users], ids[graph.num_users :]
        for looks in self.projections(graph, tables).values():
            items = items + looks
        return torch.cat([users, items])

    def _convolved(self, x: Tensor, neighbours: Any, num_users: int) -> Representation:
        for number, layer in enumerate(self.layers):
            x = layer(F.leaky_relu(x) if number else x, neighbours)
        return Representation(x[:num_users], x[num_users:])


def _read(config: ConvolutionConfig, graph: InteractionGraph, outputs: Sequence[str]) -> tuple[str, ...]:
    """The modalities that the wanted outputs need."""
    return graph.modalities if config.features and FUSED in outputs else ()
