"""The backbone contract: a graph in, one pair of embedding tables for each output out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from graphrec.graph.build import InteractionGraph
from graphrec.registry import Registry

ID, FUSED = "id", "fused"


@dataclass(frozen=True)
class Representation:
    """A pair of tables: `user` `[U, d]` and `item` `[I, d]`. As a branch, its logit is their inner product."""

    user: Tensor
    item: Tensor


Representations = dict[str, Representation]
"""Keyed by modality, plus `id` (the interaction graph alone) and `fused` (all modalities together)."""


def fuse(representations: Sequence[Representation]) -> Representation:
    """The mean of several representations, user part and item part each (HCR's and CR's G)."""
    count = len(representations)
    return Representation(
        sum(one.user for one in representations) / count,  # type: ignore[arg-type]
        sum(one.item for one in representations) / count,  # type: ignore[arg-type]
    )


class BackboneConfig(BaseModel):
    """Settings that every backbone has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    embedding_size: int = Field(64, ge=1)
    """d, the width of every representation."""
    layers: int = Field(2, ge=1)
    """Steps of message passing."""
    centre_items: bool | None = None
    """Measure item representations from the mean training item, so that a logit says how much better than it an item is
    for a user. This adds a constant a user, which BPR on inner products does not see; but a sigmoid does. By default
    as the decoder asks (CausalRec does)."""
    trainable_embeddings: bool = True
    """False keeps the embedding tables at their random start, as the published MMGCN code does by mistake."""


class IdBackboneConfig(BackboneConfig):
    """Settings of a backbone that knows ids alone."""

    features: bool = False
    """Whether `fused` holds the item features, too: the mean of the id representation and of each modality's as
    `with_modalities` makes it. False is the published id model."""


class Backbone(nn.Module, ABC):
    """Base of every backbone.

    The embedding tables are not the backbone's own: two towers of one decoder may share them (HCR) or not (HCR-NS).
    `tables` says what is needed, the recommender makes them, `forward` receives them.

    Args:
        config: the class's own `Config`.
        graph: gives sizes and feature widths.
        role: whose edges are propagated over, `click` or `like`.
        outputs: which representations are wanted; parameters that none of them needs are not made.
    """

    name: ClassVar[str]
    Config: ClassVar[type[BackboneConfig]] = BackboneConfig
    sees_modalities: ClassVar[bool] = True
    """False for one that knows ids alone: it is asked for `id` and `fused` only, and `with_modalities` makes the
    modalities' representations. Its `Config` is then an `IdBackboneConfig`."""

    def __init__(self, config: BackboneConfig, graph: InteractionGraph, role: str, outputs: Sequence[str]) -> None:
        super().__init__()
        self.config = config
        self.role = role
        self.outputs = tuple(outputs)

    @classmethod
    @abstractmethod
    def tables(
        cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        """Name and shape of each embedding table that the outputs need; all start Xavier normal."""

    @abstractmethod
    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        """The wanted representations, each `[U, d]` and `[I, d]`."""


backbones: Registry[Backbone] = Registry("backbone", Backbone)
