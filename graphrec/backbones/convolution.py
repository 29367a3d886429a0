"""A stack of general graph convolutions over the interaction graph: the common base of GCN, GraphSAGE, GATv2 and R-GCN.

    X^0_id    = E                                           users and items
    X^0_fused = E, an item plus the sum over its modalities of X_m W_m
    X^{l+1}   = LeakyReLU(convolution(X^l)), the last layer without LeakyReLU

The two passes share the weights of the layers. `id` is the same network without the features, and an output more adds
no parameters. A bag has one learned vector per word, as in `with_modalities`. For an item without the modality X_m W_m
is zero.

Deviations. These networks were published for nodes with features, or with none, so this use is graphrec's own:
- Features are projected to the width of the ids and added to them.
- The last layer is linear, because after a ReLU no inner product could be negative.
- LeakyReLU (slope 0.01) replaces ReLU and ELU. A ReLU gives zero for a node whose columns are all negative, and then
  all items have the same score for it.
- There is no dropout.
- Features come scaled by column (`data.scaling = "none"` takes them as given).
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
    """Settings of a stack of general graph convolutions.

    Example:
        >>> from graphrec.backbones.gcn import GCN
        >>> from graphrec.testing.small_backbone import small_representations
        >>> tables = small_representations(GCN, ("id", "fused"), embedding_size=8, features=False)
        >>> bool((tables["fused"].item == tables["id"].item).all())
        True
    """

    features: bool = True
    """Whether `fused` starts from the ids and the item features. False is the network on ids alone."""


class Convolution(Backbone):
    """Base of the backbones that stack one kind of graph convolution, which a subclass defines.

    Example:
        >>> from graphrec.testing.small_backbone import small_representations
        >>> class Step(nn.Module):
        ...     def forward(self, x, propagate):
        ...         return propagate(x)
        >>> class Averages(Convolution):
        ...     def layer(self, graph):
        ...         return Step()
        ...
        ...     def neighbours(self, graph):
        ...         return graph.propagator(self.feedback_role, "mean")
        >>> users = small_representations(Averages, embedding_size=8, layers=1)["fused"].user
        >>> users.ne(0).any(1)  # the last user has no clicks, and so no mean
        tensor([ True,  True,  True,  True,  True,  True, False])
    """

    Config = ConvolutionConfig
    config: ConvolutionConfig
    modality_support = "fused"

    def __init__(
        self, config: ConvolutionConfig, graph: InteractionGraph, feedback_role: str, outputs: Sequence[str]
    ) -> None:
        super().__init__(config, graph, feedback_role, outputs)
        self.projections = Projections(config, graph, _needed_modalities(config, graph, outputs), bias=False)
        self.layers = nn.ModuleList(self.layer(graph) for _ in range(config.layers))

    @abstractmethod
    def layer(self, graph: InteractionGraph) -> nn.Module:
        """One convolution: a module from `[U + I, d]` and the result of `neighbours` to `[U + I, d]`."""

    @abstractmethod
    def neighbours(self, graph: InteractionGraph) -> Any:
        """The graph in the form that a layer takes."""

    @classmethod
    def tables(
        cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        assert isinstance(config, ConvolutionConfig)
        ids = {ID: (graph.num_users + graph.num_items, config.embedding_size)}
        return ids | Projections.tables(config, graph, _needed_modalities(config, graph, outputs))

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        neighbours, ids = self.neighbours(graph), tables[ID]
        representations: Representations = {}
        if FUSED in self.outputs:
            start = self._with_features(ids, graph, tables)
            representations[FUSED] = self._convolved(start, neighbours, graph.num_users)
        if ID in self.outputs:
            differs = self.projections.names or FUSED not in representations  # without features both are the same
            representations[ID] = (
                self._convolved(ids, neighbours, graph.num_users) if differs else representations[FUSED]
            )
        return {name: representations[name] for name in self.outputs}

    def _with_features(self, ids: Tensor, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Tensor:
        users, items = ids[: graph.num_users], ids[graph.num_users :]
        for projected in self.projections(graph, tables).values():
            items = items + projected
        return torch.cat([users, items])

    def _convolved(self, x: Tensor, neighbours: Any, num_users: int) -> Representation:
        for number, layer in enumerate(self.layers):
            x = layer(F.leaky_relu(x) if number else x, neighbours)
        return Representation(x[:num_users], x[num_users:])


def _needed_modalities(config: ConvolutionConfig, graph: InteractionGraph, outputs: Sequence[str]) -> tuple[str, ...]:
    """The modalities that the outputs need."""
    return graph.modalities if config.features and FUSED in outputs else ()
