"""No graph: embeddings as they are, features through one linear map.

What BPR-MF, VBPR, AMR, DeepStyle and CausalRec were published on (Rendle et al., UAI 2009; He and McAuley, AAAI 2016):

    id:          g_u, g_i                two tables
    modality m:  t_u^m, E_m f_i          a table of user preferences, a matrix on the item's features

`fused` is the mean over id and all modalities.

Deviations: features come scaled by column, where the papers take them as given; an item without the modality,
which the papers do not have, is the zero vector there.
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
    layers: int = Field(0, ge=0, le=0)
    """None: nothing is propagated."""


@backbones.register("mf")
class MF(Backbone):
    """Matrix factorisation: no graph; ids and linearly mapped features, as BPR-MF and VBPR have them."""

    Config = MFConfig
    config: MFConfig
    cost = "M I D d"

    def __init__(self, config: MFConfig, graph: InteractionGraph, role: str, outputs: Sequence[str]) -> None:
        super().__init__(config, graph, role, outputs)
        self.maps = nn.ParameterDict()
        for name in _modalities(graph, outputs):
            if not graph.is_bag(name):
                self.maps[name] = nn.Parameter(torch.empty(graph.width(name), config.embedding_size))
                nn.init.xavier_normal_(self.maps[name])

    @classmethod
    def tables(
        cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        shapes = {}
        if ID in outputs or FUSED in outputs:
            shapes = {
                "user": (graph.num_users, config.embedding_size),
                "item": (graph.num_items, config.embedding_size),
            }
        for name in _modalities(graph, outputs):
            shapes[f"preference_{name}"] = (graph.num_users, config.embedding_size)
            if graph.is_bag(name):
                shapes[f"words_{name}"] = (graph.width(name), config.embedding_size)
        return shapes

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        parts: Representations = {}
        if "user" in tables:
            parts[ID] = Representation(tables["user"], tables["item"])
        for name in _modalities(graph, self.outputs):
            weight = tables[f"words_{name}"] if graph.is_bag(name) else self.maps[name]
            looks = graph.project(name, weight) * graph.mask(name).unsqueeze(1)
            parts[name] = Representation(tables[f"preference_{name}"], looks)
        if FUSED in self.outputs:
            parts[FUSED] = fuse([parts[name] for name in (ID, *graph.modalities)])
        return {name: parts[name] for name in self.outputs}


def _modalities(graph: InteractionGraph, outputs: Sequence[str]) -> list[str]:
    return [name for name in graph.modalities if name in outputs or FUSED in outputs]
