"""Modality representations for backbones that have none: HCR, CR and CausalRec then work on plain LightGCN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Generator, Tensor

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
from graphrec.backbones.projection import Projections
from graphrec.graph.build import InteractionGraph


def with_modalities(kind: type[Backbone]) -> type[Backbone]:
    """The same backbone with modality representations, from a linear map of the features, x_m W_m.

    One that gives `ids`: the user side is the id representation, the item side x_m W_m, and with `modality_items =
    "joint"` the item's id representation plus x_m W_m. One that gives `fused`: users are those of `fused`, the item
    side is the fused item plus x_m W_m, so that what the backbone makes of the features is in every output. A bag has
    one learned vector a word. An item without the modality has nothing of it. This is graphrec's own reading; the
    papers have modality representations from the backbone only.

    Args:
        kind: a backbone; one that gives `each` modality is given back as it is.
    """
    if kind.modality_support == "per_modality":
        return kind

    class Adapted(Backbone):
        name = getattr(kind, "name", kind.__name__)
        Config = kind.Config
        needs_modalities = kind.needs_modalities
        includes_layer_zero = kind.includes_layer_zero
        auxiliary_losses = kind.auxiliary_losses

        def __init__(self, config: BackboneConfig, graph: InteractionGraph, role: str, outputs: Sequence[str]) -> None:
            super().__init__(config, graph, role, outputs)
            inner, modalities = _shares(kind, config, graph, outputs)
            self.inner = kind(config, graph, role, inner)
            self.projections = Projections(config, graph, modalities, bias=False)

        @classmethod
        def tables(
            cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
        ) -> dict[str, tuple[int, int]]:
            inner, modalities = _shares(kind, config, graph, outputs)
            return kind.tables(config, graph, inner) | Projections.tables(config, graph, modalities)

        def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
            given = self.inner(graph, tables)
            found = dict(given)
            for name, looks in self.projections(graph, tables).items():
                base = given[_base(kind)]
                found[name] = Representation(base.user, base.item + looks if _joint(kind, self.config) else looks)
            if FUSED not in found and FUSED in self.outputs:
                found[FUSED] = fuse([found[name] for name in (ID, *graph.modalities)])
            extra = {name: one for name, one in given.items() if name not in (ID, FUSED)}
            return {name: found[name] for name in self.outputs} | extra

        def auxiliaries(self) -> list[Auxiliary]:
            return self.inner.auxiliaries()

        def start_epoch(self, graph: InteractionGraph, generator: Generator) -> None:
            self.inner.start_epoch(graph, generator)

    return Adapted


def _base(kind: type[Backbone]) -> str:
    """The output that modality representations are made from."""
    return ID if kind.modality_support == "none" else FUSED


def _joint(kind: type[Backbone], config: BackboneConfig) -> bool:
    return kind.modality_support == "fused" or (
        isinstance(config, IdBackboneConfig) and config.modality_items == "joint"
    )


def _shares(
    kind: type[Backbone], config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the inner backbone is asked for, and the modalities that are made here."""
    features = isinstance(config, IdBackboneConfig) and config.features and bool(graph.modalities)
    everything = features and FUSED in outputs
    modalities = tuple(name for name in graph.modalities if everything or name in outputs)
    inner = [name for name in outputs if name not in graph.modalities and not (everything and name == FUSED)]
    return tuple(dict.fromkeys([*inner, _base(kind)] if modalities else inner)), modalities
