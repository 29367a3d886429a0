"""Matrix factorisation: embeddings without a graph, and features through one linear map.

The model of "BPR: Bayesian Personalized Ranking from Implicit Feedback" (Steffen Rendle et al., UAI 2009) and of "VBPR:
Visual Bayesian Personalized Ranking from Implicit Feedback" (Ruining He and Julian McAuley, AAAI 2016). AMR, DeepStyle
and CausalRec were published on it, too.

    id:          g_u, g_i                two tables
    modality m:  t_u^m, E_m f_i          a table of user preferences, a matrix on the item's features

`fused` is the mean over `id` and all modalities.

Deviations:
- Features come scaled by column. The papers take them as given (`data.scaling = "none"`).
- An item without the modality, a case that the papers do not have, has the zero vector in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from pydantic import Field
from torch import Tensor, nn

from graphrec.backbones.base import (
    FUSED,
    ID,
    Backbone,
    BackboneConfig,
    Representation,
    Representations,
    backbones,
    fuse,
)
from graphrec.graph.build import InteractionGraph


class MFConfig(BackboneConfig):
    """Settings of matrix factorisation.

    Example:
        >>> try:
        ...     MFConfig(layers=2)
        ... except ValueError as error:
        ...     print(error.errors()[0]["msg"])
        Input should be less than or equal to 0
    """

    layers: int = Field(0, ge=0, le=0)
    """0, and nothing else: no propagation."""


@backbones.register("mf")
class MF(Backbone):
    """Matrix factorisation: no graph; ids and linearly projected features, as in BPR-MF and VBPR.

    Shapes:
        user `[U, d]`, item `[I, d]`, for `id`, `fused` and each modality.

    Example:
        >>> from graphrec.testing.small_backbone import small_representations
        >>> sorted(small_representations(MF, ("id", "visual"), embedding_size=8))
        ['id', 'visual']
    """

    Config = MFConfig
    config: MFConfig
    cost = "M I D d"

    def __init__(self, config: MFConfig, graph: InteractionGraph, feedback_role: str, outputs: Sequence[str]) -> None:
        super().__init__(config, graph, feedback_role, outputs)
        self.maps = nn.ParameterDict()
        for name in _needed_modalities(graph, outputs):
            if not graph.is_bag(name):
                self.maps[name] = nn.Parameter(torch.empty(graph.width(name), config.embedding_size))
                nn.init.xavier_normal_(self.maps[name])

    @classmethod
    def tables(
        cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        shapes = {}
        # Separate tables, as in the papers: without a graph there is no common index of nodes.
        if ID in outputs or FUSED in outputs:
            shapes = {
                "user": (graph.num_users, config.embedding_size),
                "item": (graph.num_items, config.embedding_size),
            }
        for name in _needed_modalities(graph, outputs):
            shapes[f"preference_{name}"] = (graph.num_users, config.embedding_size)
            if graph.is_bag(name):
                shapes[f"words_{name}"] = (graph.width(name), config.embedding_size)
        return shapes

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        representations: Representations = {}
        if "user" in tables:
            representations[ID] = Representation(tables["user"], tables["item"])
        for name in _needed_modalities(graph, self.outputs):
            weight = tables[f"words_{name}"] if graph.is_bag(name) else self.maps[name]
            items = graph.project(name, weight) * graph.mask(name).unsqueeze(1)
            representations[name] = Representation(tables[f"preference_{name}"], items)
        if FUSED in self.outputs:
            representations[FUSED] = fuse([representations[name] for name in (ID, *graph.modalities)])
        return {name: representations[name] for name in self.outputs}


def _needed_modalities(graph: InteractionGraph, outputs: Sequence[str]) -> list[str]:
    return [name for name in graph.modalities if name in outputs or FUSED in outputs]
