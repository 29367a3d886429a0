"""Modality representations for backbones that have none: HCR, CR and CausalRec then work on plain LightGCN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Generator, Tensor, nn

from graphrec.backbones.base import (
    FUSED,
    ID,
    Auxiliary,
    Backbone,
    BackboneConfig,
    IdBackboneConfig,
    Representation,
    Representations,
    fuse,
)
from graphrec.graph.build import InteractionGraph


def with_modalities(kind: type[Backbone]) -> type[Backbone]:
    """The same backbone with modality representations.

    The user side is the backbone's id representation, the item side a linear map of the features, x_m W_m; a bag has
    one learned vector a word, an embedding table like any other. An item without the modality is the zero vector. This
    is graphrec's own reading; the papers have modality representations from the backbone only.

    Args:
        kind: a backbone; one that gives `each` modality is given back as it is.
    """
    if kind.gives == "each":
        return kind

    class Adapted(Backbone):
        name = getattr(kind, "name", kind.__name__)
        needs_modalities = kind.needs_modalities

        def __init__(self, config: BackboneConfig, graph: InteractionGraph, role: str, outputs: Sequence[str]) -> None:
            super().__init__(config, graph, role, outputs)
            inner, modalities = _shares(config, graph, outputs)
            self.inner = kind(config, graph, role, inner)
            self.modalities = modalities
            self.maps = nn.ParameterDict()
            for name in modalities:
                if graph.is_bag(name):
                    continue
                self.maps[name] = nn.Parameter(torch.empty(graph.width(name), config.embedding_size))
                nn.init.xavier_normal_(self.maps[name])

        @classmethod
        def tables(
            cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
        ) -> dict[str, tuple[int, int]]:
            inner, modalities = _shares(config, graph, outputs)
            words = {f"words_{m}": (graph.width(m), config.embedding_size) for m in modalities if graph.is_bag(m)}
            return kind.tables(config, graph, inner) | words

        def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
            found: Representations = self.inner(graph, tables)
            for name in self.modalities:
                weight = tables[f"words_{name}"] if graph.is_bag(name) else self.maps[name]
                looks = graph.project(name, weight) * graph.mask(name).unsqueeze(1)
                found[name] = Representation(found[ID].user, looks)
            if FUSED not in found and FUSED in self.outputs:
                found[FUSED] = fuse([found[name] for name in (ID, *graph.modalities)])
            extra = {name: one for name, one in found.items() if name not in (ID, FUSED, *graph.modalities)}
            return {name: found[name] for name in self.outputs} | extra

        def auxiliaries(self) -> list[Auxiliary]:
            return self.inner.auxiliaries()

        def start_epoch(self, graph: InteractionGraph, generator: Generator) -> None:
            self.inner.start_epoch(graph, generator)

    return Adapted


def _shares(
    config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the inner backbone is asked for, and the modalities that are made here."""
    everything = isinstance(config, IdBackboneConfig) and config.features and FUSED in outputs
    modalities = tuple(name for name in graph.modalities if everything or name in outputs)
    inner = [name for name in outputs if name not in graph.modalities and not (everything and name == FUSED)]
    return tuple(dict.fromkeys([*inner, ID] if modalities else inner)), modalities
