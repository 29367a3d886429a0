"""Linear projections of the item features to the width of the embeddings.

    x_m W_m + b_m                                  for a bag: the mean of its words' vectors, + b_m

An item without the modality is the zero vector.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from graphrec.backbones.base import BackboneConfig
from graphrec.graph.build import InteractionGraph


class ProjectionConfig(BackboneConfig):
    """Settings of a backbone that projects the features.

    Example:
        >>> from graphrec.testing.small_graph import small_graph
        >>> config = ProjectionConfig(embedding_size=8, trainable_features=True)
        >>> {name: (*values.shape,) for name, values in Projections(config, small_graph(), ["visual"]).changes.items()}
        {'visual': (11, 5)}
    """

    trainable_features: bool = False
    """Whether the features themselves are trained, as in the published code of this family. This adds I D parameters
    for each dense modality. A bag has trained word vectors in any case. Item graphs do not change."""


class Projections(nn.Module):
    """One linear projection for each modality, to `[I, d]`.

    The projection of a bag is the embedding table `words_NAME`, which the recommender creates.

    Args:
        config: for d and, in a `ProjectionConfig`, `trainable_features`.
        graph: for the widths of the features.
        names: the modalities.
        bias: whether b_m is added.

    Example:
        >>> from graphrec.testing.small_graph import MISSING, small_graph
        >>> graph = small_graph()
        >>> visual = Projections(BackboneConfig(embedding_size=8), graph, ["visual"])(graph, tables={})["visual"]
        >>> visual.shape, bool(visual[MISSING["visual"]].any())  # the second: of the item without the modality
        (torch.Size([11, 8]), False)
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
            if trainable:
                # Training changes an offset, not the features: these may still be perturbed (AMR) or encoded (DVBPR).
                self.changes[name] = nn.Parameter(torch.zeros(graph.num_items, graph.width(name)))

    @staticmethod
    def tables(config: BackboneConfig, graph: InteractionGraph, names: Iterable[str]) -> dict[str, tuple[int, int]]:
        """The tables that the bags among the modalities need."""
        return {f"words_{name}": (graph.width(name), config.embedding_size) for name in names if graph.is_bag(name)}

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """`[I, d]` for each modality."""
        projected = {}
        for name in self.names:
            weight = tables[f"words_{name}"] if graph.is_bag(name) else self.maps[name]
            values = graph.project(name, weight)
            if name in self.changes:
                values = values + self.changes[name] @ weight
            if name in self.biases:
                values = values + self.biases[name]
            projected[name] = values * graph.mask(name).unsqueeze(1)
        return projected
