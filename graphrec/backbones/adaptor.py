"""Modality representations for backbones that have none, so that HCR, CR and CausalRec work on plain LightGCN."""

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
    """The same backbone with modality representations from a linear projection of the features, x_m W_m.

    - `modality_support = "none"`: the user side is the id representation. The item side is x_m W_m, and with
      `modality_items = "joint"` the item's id representation plus x_m W_m.
    - `modality_support = "fused"`: the user side is that of `fused`. The item side is the item of `fused` plus x_m W_m,
      so that the backbone's use of the features is in every output.
    - `modality_support = "per_modality"`: the class itself is returned.

    A bag has one learned vector per word. For an item without the modality x_m W_m is zero. This is graphrec's
    extension: in the papers, modality representations come from the backbone only.

    Example:
        >>> from graphrec.backbones.lightgcn import LightGCN
        >>> from graphrec.testing.small_backbone import small_representations
        >>> sorted(small_representations(with_modalities(LightGCN), ("id", "visual"), embedding_size=8))
        ['id', 'visual']
    """
    if kind.modality_support == "per_modality":
        return kind

    class Adapted(Backbone):
        name = getattr(kind, "name", kind.__name__)
        Config = kind.Config
        needs_modalities = kind.needs_modalities
        auxiliary_losses = kind.auxiliary_losses

        def __init__(
            self, config: BackboneConfig, graph: InteractionGraph, feedback_role: str, outputs: Sequence[str]
        ) -> None:
            super().__init__(config, graph, feedback_role, outputs)
            inner_outputs, modalities = _divide_outputs(kind, config, graph, outputs)
            self.inner = kind(config, graph, feedback_role, inner_outputs)
            self.projections = Projections(config, graph, modalities, bias=False)

        @classmethod
        def tables(
            cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
        ) -> dict[str, tuple[int, int]]:
            inner_outputs, modalities = _divide_outputs(kind, config, graph, outputs)
            return kind.tables(config, graph, inner_outputs) | Projections.tables(config, graph, modalities)

        def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
            inner = self.inner(graph, tables)
            representations = dict(inner)
            for name, features in self.projections(graph, tables).items():
                base = inner[_base_output(kind)]
                item = base.item + features if _is_joint(kind, self.config) else features
                representations[name] = Representation(base.user, item)
            if FUSED not in representations and FUSED in self.outputs:
                representations[FUSED] = fuse([representations[name] for name in (ID, *graph.modalities)])
            # Views with a `/` in their name belong to the auxiliary losses of the inner backbone, which read them.
            for_auxiliaries = {name: pair for name, pair in inner.items() if name not in (ID, FUSED)}
            return {name: representations[name] for name in self.outputs} | for_auxiliaries

        def auxiliaries(self) -> list[Auxiliary]:
            return self.inner.auxiliaries()

        def start_epoch(self, graph: InteractionGraph, generator: Generator) -> None:
            self.inner.start_epoch(graph, generator)

        def epoch_state(self) -> dict[str, Tensor]:
            return self.inner.epoch_state()

        def load_epoch_state(self, state: dict[str, Tensor]) -> None:
            self.inner.load_epoch_state(state)

    return Adapted


def _base_output(kind: type[Backbone]) -> str:
    """The output of the inner backbone on which modality representations are built."""
    return ID if kind.modality_support == "none" else FUSED


def _is_joint(kind: type[Backbone], config: BackboneConfig) -> bool:
    return kind.modality_support == "fused" or (
        isinstance(config, IdBackboneConfig) and config.modality_items == "joint"
    )


def _divide_outputs(
    kind: type[Backbone], config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The outputs that the inner backbone computes, and the modalities that are added to them."""
    features = isinstance(config, IdBackboneConfig) and config.features and bool(graph.modalities)
    fuse_all = features and FUSED in outputs
    modalities = tuple(name for name in graph.modalities if fuse_all or name in outputs)
    inner = [name for name in outputs if name not in graph.modalities and not (fuse_all and name == FUSED)]
    return tuple(dict.fromkeys([*inner, _base_output(kind)] if modalities else inner)), modalities
