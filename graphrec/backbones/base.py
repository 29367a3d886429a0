"""The backbone contract: a graph in, one pair of embedding tables for each output out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import Generator, Tensor, nn

from graphrec.errors import RecipeError
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


@dataclass(frozen=True)
class Pairs:
    """A batch of a role's training pairs and, for each, an item that the user did not click: rows, `[B]` each."""

    users: Tensor
    items: Tensor
    negatives: Tensor


@dataclass(frozen=True)
class Auxiliary:
    """One loss of a backbone's own, which is trained beside the decoder's objectives.

    Args:
        name: as the training history calls it.
        loss: from what `forward` gave in training mode, and a batch of pairs, to a scalar.
        weight: its factor in the sum of losses.
    """

    name: str
    loss: Callable[[Representations, Pairs], Tensor]
    weight: float


class BackboneConfig(BaseModel):
    """Settings that every backbone has."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

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
    modality_items: Literal["features", "joint"] = "features"
    """What `with_modalities` puts on the item side of a modality: its mapped features alone, or these on top of the
    item's id representation, as MMGCN has it."""


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
    modality_support: ClassVar[Literal["none", "fused", "per_modality"]] = "per_modality"
    """What it makes of the item features. `each`: a representation of every modality, user side included. `fused`:
    they shape `fused` alone. `ids`: nothing; its `Config` is then an `IdBackboneConfig`. One that does not give `each`
    is asked for `id` and `fused` only, and `with_modalities` makes the modalities' representations."""
    needs_modalities: ClassVar[bool] = False
    """True for one that is nothing without features."""
    includes_layer_zero: ClassVar[bool] = True
    """Whether a node's own embedding is in its representation without a neighbour's help. False for published designs
    that average the propagated layers alone, such as SimGCL: a node without neighbours is then zero."""
    cost: ClassVar[str] = ""
    """Multiply-adds of one forward pass in training that gives `fused`, over all edges, for `graphrec list backbones`,
    in the letters of `graphrec.backbones.listing.SYMBOLS`. What is done element by element once a node is left out."""
    more_cost: ClassVar[str] = ""
    """What comes on top and is more than a few numbers a row of the batch: a search once an epoch, a loss."""
    auxiliary_losses: ClassVar[tuple[str, ...]] = ()
    """Names of the `auxiliaries` that it has by default, for the same list."""

    def __init__(self, config: BackboneConfig, graph: InteractionGraph, role: str, outputs: Sequence[str]) -> None:
        super().__init__()
        self.config = config
        self.feedback_role = role
        self.outputs = tuple(outputs)

    @classmethod
    @abstractmethod
    def tables(
        cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        """Name and shape of each embedding table that the outputs need; all start Xavier normal."""

    @abstractmethod
    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        """The wanted representations, each `[U, d]` and `[I, d]`; in training mode also what `auxiliaries` read.

        What is not an output is `id` or `fused`, or has a `/` in its name, as no modality has.
        What chance it takes in training (dropout, noise) comes from torch's global generator, which the trainer seeds.
        """

    def auxiliaries(self) -> list[Auxiliary]:
        """Losses of the backbone's own; none by default."""
        return []

    def start_epoch(self, graph: InteractionGraph, generator: Generator) -> None:
        """Before each training epoch: what is made anew once an epoch, such as a pruned graph.

        It must depend on the weights and the generator only, so that interrupted training goes on as it would have.
        In evaluation mode `forward` does not use it.

        Args:
            generator: on the CPU, its seed made of the run's seed, the tower and the epoch.
        """


def check_compatibility(kind: type[Backbone], graph: InteractionGraph, role: str) -> None:
    """Whether the backbone can work on this graph at all.

    Raises:
        RecipeError: it needs a modality and no item has one, or its role has no training pairs.
    """
    if kind.needs_modalities and not any(bool(graph.mask(name).any()) for name in graph.modalities):
        raise RecipeError(
            f"the backbone `{getattr(kind, 'name', kind.__name__)}` has no item features to work on",
            expected="at least one modality that an item has",
            got="a dataset without any, data.modalities = [], or modalities that no item has",
            where="backbone.name",
            next_step="choose a backbone that works on ids, such as lightgcn; see `graphrec list backbones`",
        )
    if not len(graph.pairs(role)):
        raise RecipeError(
            f"the graph of role `{role}` has no edges",
            expected="at least one training pair",
            got="none",
            where="backbone.name",
            next_step="use a larger split.train, or other behaviours in data.feedback",
        )


backbones: Registry[Backbone] = Registry("backbone", Backbone, group="graphrec.backbones")
