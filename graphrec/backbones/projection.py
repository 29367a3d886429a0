"""Linear maps of the item features to the width of the embeddings.

    x_m W_m + b_m                                  a bag: the mean of its words' vectors, + b_m

An item without the modality is the zero vector.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from graphrec.backbones.base import BackboneConfig
from graphrec.graph.build import InteractionGraph


class ProjectionConfig(BackboneConfig):
    """Settings of a backbone that maps the features."""

    trainable_features: bool = False
    """Whether each item's own features are trained, too, as published code of this family has it: I D more parameters
    a dense modality. A bag has trained vectors of its words in any case. Item graphs stay as they are."""


class Projections(nn.Module):
    """One map a modality to `[I, d]`; that of a bag is the table `words_NAME`, made as embedding tables are.

    Args:
        config: for d and, where it has it, `trainable_features`.
        graph: for the features' widths.
        names: the modalities.
        bias: whether there is b_m.
    """

    def __init__(
        self, config: BackboneConfig, graph: InteractionGraph, names: Iterable[str], *, bias: bool = True
    ) -> None:
        super().__init__()
        self.names = tuple(names)
        trainable = isinstance(config, ProjectionConfig) and config.trainable_features
        self.maps, self.biases, self.changes = nn.ParameterDict(), nn.ParameterDict(), nn.ParameterDict()
        for name in self.names:
            if bias:
                self.biases[name] = nn.Parameter(torch.zeros(config.embedding_size))
            if graph.is_bag(name):
                continue
            self.maps[name] = nn.Parameter(torch.empty(graph.width(name), config.embedding_size))
            nn.init.xavier_normal_(self.maps[name])
            if trainable:  # what training adds to the features, so that these can still be moved or encoded
                self.changes[name] = nn.Parameter(torch.zeros(graph.num_items, graph.width(name)))

    @staticmethod
    def tables(config: BackboneConfig, graph: InteractionGraph, names: Iterable[str]) -> dict[str, tuple[int, int]]:
        """The tables that the bags among the modalities need."""
        return {f"words_{name}": (graph.width(name), config.embedding_size) for name in names if graph.is_bag(name)}

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """`[I, d]` for each modality."""
        found = {}
        for name in self.names:
            weight = tables[f"words_{name}"] if graph.is_bag(name) else self.maps[name]
            values = graph.project(name, weight)
            if name in self.changes:
                values = values + self.changes[name] @ weight
            if name in self.biases:
                values = values + self.biases[name]
            found[name] = values * graph.mask(name).unsqueeze(1)
        return found
