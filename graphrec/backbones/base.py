"""The backbone contract: from the interaction graph to one pair of embedding tables for each output."""

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
    """A pair of tables. As a branch of a decoder, its logit for a user and an item is the inner product of two rows.

    Args:
        user: `[U, d]`.
        item: `[I, d]`.

    Example:
        >>> import torch
        >>> pair = Representation(torch.eye(2), torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
        >>> (pair.user @ pair.item.T).tolist()  # logits of 2 users for 3 items
        [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]
    """

    user: Tensor
    item: Tensor


Representations = dict[str, Representation]
"""By name: a modality, `id` (the interaction graph alone) or `fused` (all modalities together)."""


def fuse(representations: Sequence[Representation]) -> Representation:
    """The mean of several representations, for users and items separately (the G of HCR and CR).

    Example:
        >>> import torch
        >>> ones, threes = (Representation(torch.full((1, 2), x), torch.full((3, 2), x)) for x in (1.0, 3.0))
        >>> fuse([ones, threes]).user.tolist()
        [[2.0, 2.0]]
    """
    count = len(representations)
    return Representation(
        sum(representation.user for representation in representations) / count,  # type: ignore[arg-type]
        sum(representation.item for representation in representations) / count,  # type: ignore[arg-type]
    )


@dataclass(frozen=True)
class Pairs:
    """A batch of training pairs, with one item for each pair that the user did not click.

    Args:
        users: `[B]` row numbers.
        items: `[B]` row numbers.
        negatives: `[B]` row numbers of items that the users did not click.

    Example:
        >>> import torch
        >>> pairs = Pairs(users=torch.tensor([0, 0]), items=torch.tensor([1, 2]), negatives=torch.tensor([3, 3]))
        >>> logits = torch.tensor([[0.1, 0.9, 0.4, 0.2]])  # of one user for four items
        >>> logits[pairs.users, pairs.items] - logits[pairs.users, pairs.negatives]  # what BPR increases
        tensor([0.7000, 0.2000])
    """

    users: Tensor
    items: Tensor
    negatives: Tensor


@dataclass(frozen=True)
class Auxiliary:
    """An auxiliary loss of a backbone, which is added to the decoder's objectives.

    Args:
        name: its name in the training history.
        loss: from the result of `forward` in training mode and a batch of pairs to a scalar.
        weight: its factor in the sum of losses.

    Example:
        >>> import torch
        >>> def squares(tables, pairs):
        ...     return tables["fused"].user[pairs.users].square().mean()
        >>> length = Auxiliary("length", squares, weight=0.1)
        >>> tables = {"fused": Representation(torch.full((1, 2), 3.0), torch.zeros(4, 2))}
        >>> pairs = Pairs(torch.tensor([0]), torch.tensor([1]), torch.tensor([3]))
        >>> length.weight * length.loss(tables, pairs)  # what is added to the decoder's losses
        tensor(0.9000)
    """

    name: str
    loss: Callable[[Representations, Pairs], Tensor]
    weight: float


class BackboneConfig(BaseModel):
    """Settings that every backbone has.

    Example:
        >>> BackboneConfig(layers=3)
        BackboneConfig(embedding_size=64, layers=3, centre_items=None, trainable_embeddings=True)
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    embedding_size: int = Field(64, ge=1)
    """d, the width of every representation."""
    layers: int = Field(2, ge=1)
    """Steps of message passing."""
    centre_items: bool | None = None
    """Whether the mean training item is subtracted from the item representations. A logit then says how much better
    than the mean item an item is for a user. The shift is one constant per user. It leaves BPR on inner products
    unchanged, but not a sigmoid of a logit. By default the decoder decides (CausalRec: true)."""
    trainable_embeddings: bool = True
    """Whether the embedding tables are trained. False keeps their random initial values, as the published MMGCN code
    does by mistake."""


class IdBackboneConfig(BackboneConfig):
    """Settings of a backbone that uses ids alone.

    Example:
        >>> from graphrec.backbones.adaptor import with_modalities
        >>> from graphrec.backbones.lightgcn import LightGCN
        >>> from graphrec.testing.small_backbone import small_representations
        >>> for features in (False, True):
        ...     tables = small_representations(with_modalities(LightGCN), ("id", "fused"), features=features)
        ...     print(features, bool((tables["fused"].item == tables["id"].item).all()))
        False True
        True False
    """

    features: bool = False
    """Whether `fused` contains the item features: the mean of the id representation and the modality representations of
    `with_modalities`. False is the published model, on ids alone."""
    modality_items: Literal["features", "joint"] = "features"
    """The item side of a modality in `with_modalities`: `features` is the projected features alone, `joint` adds the
    item's id representation to them, as MMGCN does."""


class Backbone(nn.Module, ABC):
    """Base of every backbone.

    A backbone does not own its embedding tables, because two towers of a decoder may share them (HCR) or not (HCR-NS).
    `tables` declares them, the recommender creates them, and `forward` receives them.

    Args:
        config: an instance of the class's `Config`.
        graph: the training graph, for sizes and feature widths.
        feedback_role: the edges of propagation, `click` or `like`.
        outputs: the names of the representations that `forward` returns. Parameters that none of them needs are not
            created.

    Example:
        >>> from graphrec.testing.small_backbone import small_representations
        >>> class Ids(Backbone):
        ...     Config, modality_support = IdBackboneConfig, "none"
        ...
        ...     @classmethod
        ...     def tables(cls, config, graph, outputs):
        ...         return {ID: (graph.num_users + graph.num_items, config.embedding_size)}
        ...
        ...     def forward(self, graph, tables):
        ...         pair = Representation(*tables[ID].split((graph.num_users, graph.num_items)))
        ...         return {name: pair for name in self.outputs}
        >>> small_representations(Ids, embedding_size=8)["fused"].item.shape
        torch.Size([11, 8])
    """

    name: ClassVar[str]
    Config: ClassVar[type[BackboneConfig]] = BackboneConfig
    modality_support: ClassVar[Literal["none", "fused", "per_modality"]] = "per_modality"
    """How the backbone uses item features.

    - `per_modality`: it has a representation of every modality, for users and items.
    - `fused`: features enter `fused` alone.
    - `none`: it uses ids alone. Its `Config` is then an `IdBackboneConfig`.

    Without `per_modality` it is asked for `id` and `fused` only, and `with_modalities` adds the modalities."""
    needs_modalities: ClassVar[bool] = False
    """Whether the backbone is refused on data without item features."""
    includes_layer_zero: ClassVar[bool] = True
    """Whether the representation of a node without neighbours contains the node's embedding. False for published
    designs that average the propagated layers alone, such as SimGCL: such a node is then zero."""
    cost: ClassVar[str] = ""
    """Multiply-adds of one forward pass in training that returns `fused`, over all edges. `graphrec list backbones`
    shows it; `graphrec.backbones.listing.SYMBOLS` explains the letters. Element-wise operations per node are left
    out."""
    more_cost: ClassVar[str] = ""
    """Further multiply-adds that are more than a few per row of the batch, such as a search once an epoch or a loss."""
    auxiliary_losses: ClassVar[tuple[str, ...]] = ()
    """The names of the `auxiliaries` under the default settings, for the same list."""

    def __init__(
        self, config: BackboneConfig, graph: InteractionGraph, feedback_role: str, outputs: Sequence[str]
    ) -> None:
        super().__init__()
        self.config = config
        self.feedback_role = feedback_role
        self.outputs = tuple(outputs)

    @classmethod
    @abstractmethod
    def tables(
        cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        """Name and shape of each embedding table that the outputs need. All tables are initialised Xavier normal."""

    @abstractmethod
    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        """The representations named in `outputs`, each `[U, d]` and `[I, d]`.

        In training mode the result also has the representations that `auxiliaries` read. Their names are `id`, `fused`,
        or contain a `/`, which no modality's name does. Random numbers (dropout, noise) come from torch's global
        generator, which the trainer seeds.
        """

    def auxiliaries(self) -> list[Auxiliary]:
        """The auxiliary losses of the backbone; none by default."""
        return []

    def start_epoch(self, graph: InteractionGraph, generator: Generator) -> None:
        """Called before each training epoch, to compute what changes once an epoch, such as a pruned graph.

        The result may depend on the weights and the generator alone, so that interrupted training resumes with the same
        bits. `forward` does not use it in evaluation mode.

        Args:
            graph: the training graph.
            generator: on the CPU, seeded by the run's seed, the tower and the epoch.
        """

    def epoch_state(self) -> dict[str, Tensor]:
        """What an epoch computed from the weights and keeps to its end; none by default.

        A training that resumes within an epoch calls `start_epoch` with the same generator, but with the weights of
        later steps. What `start_epoch`, or the first `forward` after it, computed from the weights is therefore stored
        in the checkpoint and given back by `load_epoch_state`.
        """
        return {}

    def load_epoch_state(self, state: dict[str, Tensor]) -> None:
        """Take what `epoch_state` gave, perhaps in another order; called after `start_epoch`."""


def check_compatibility(kind: type[Backbone], graph: InteractionGraph, feedback_role: str) -> None:
    """Check that the backbone can work on this graph.

    Raises:
        RecipeError: it needs a modality and no item has one, or its feedback role has no training pairs.

    Example:
        >>> from graphrec.backbones.bm3 import BM3
        >>> from graphrec.testing.small_graph import small_graph
        >>> check_compatibility(BM3, small_graph(), "click")
        >>> try:
        ...     check_compatibility(BM3, small_graph(modalities=()), "click")
        ... except RecipeError as error:
        ...     print(error.problem)
        the backbone `bm3` has no item features to work on
    """
    if kind.needs_modalities and not any(bool(graph.mask(name).any()) for name in graph.modalities):
        raise RecipeError(
            f"the backbone `{getattr(kind, 'name', kind.__name__)}` has no item features to work on",
            expected="at least one modality that an item has",
            got="a dataset without modalities, data.modalities = [], or modalities that no item has",
            where="backbone.name",
            next_step="choose a backbone that works on ids, such as lightgcn; see `graphrec list backbones`",
        )
    if not len(graph.pairs(feedback_role)):
        raise RecipeError(
            f"the graph of feedback role `{feedback_role}` has no edges",
            expected="at least one training pair",
            got="none",
            where="backbone.name",
            next_step="use a larger split.train, or other behaviours in data.feedback",
        )


backbones: Registry[Backbone] = Registry("backbone", Backbone, group="graphrec.backbones")
