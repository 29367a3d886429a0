"""The decoder contract: representations in, named branches out; objectives to train, a causal graph to justify."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from torch import Tensor, nn

from graphrec.backbones.base import ID, Representation, Representations, fuse
from graphrec.causal import Estimand, Outcome
from graphrec.data.dataset import FeedbackRole
from graphrec.decoders.objective import Objective
from graphrec.graph.build import InteractionGraph
from graphrec.graph.sampling import Negatives
from graphrec.registry import Registry

Branches = dict[str, Representation]
"""A branch is a pair of tables; its logit for a user and an item is their inner product."""


Grid = Mapping[str, tuple[Any, ...]]
"""Values to try, by recipe key: what `graphrec tune` searches where the recipe names no space of its own."""
LIKE_GRID: Grid = {"training.learning_rate": (1e-4, 5e-4, 1e-3), "training.weight_decay": (1e-4, 1e-3, 1e-2)}
"""HCR's paper, for its method and its baselines."""
CLICK_GRID: Grid = {"training.learning_rate": (1e-4, 1e-3, 1e-2), "training.weight_decay": (0.005, 0.01, 0.05, 0.1)}
"""CausalRec's paper, for its method and its baselines."""


@dataclass(frozen=True)
class Tower:
    """One backbone of a decoder: over whose edges it propagates and which representations the decoder reads."""

    feedback_role: FeedbackRole
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Context:
    """What a decoder knows of the data: which modalities are seen before the click and which after, and sizes.

    Without exposure (or content) modalities the id representation takes their place, as HCR does on Kwai and Taobao.

    Args:
        embedding_size: d.
        num_users, num_items: U and I.
        widths: D of each modality.
        categorical: the modalities of which every item has at most one value, such as a category.
    """

    exposure: tuple[str, ...]
    content: tuple[str, ...]
    embedding_size: int
    num_users: int = 1
    num_items: int = 1
    widths: Mapping[str, int] = field(default_factory=dict)
    categorical: tuple[str, ...] = ()

    @property
    def exposure_or_id(self) -> tuple[str, ...]:
        return self.exposure or (ID,)

    @property
    def content_or_id(self) -> tuple[str, ...]:
        return self.content or (ID,)

    @property
    def modalities(self) -> tuple[str, ...]:
        return (*self.exposure, *self.content)


class DecoderConfig(BaseModel):
    """Settings that every decoder has."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class OneBehaviourConfig(DecoderConfig):
    """Settings of methods whose papers know one kind of feedback."""

    behaviour: FeedbackRole = "click"
    """The feedback that is learned."""
    negatives: Negatives = "unclicked"
    """What the positives are compared with; of clicks `unclicked` alone, as the other kinds may be clicks."""

    @field_validator("negatives")
    @classmethod
    def _no_positives(cls, negatives: Negatives, info: ValidationInfo) -> Negatives:
        if info.data.get("behaviour") == "click" and negatives != "unclicked":
            raise ValueError("unclicked, as behaviour = click takes every click for a positive")
        return negatives


class Decoder(nn.Module, ABC):
    """Base of every decoder.

    Args:
        config: the class's own `Config`.
        context: the modalities' roles and the width of representations.

    Raises:
        RecipeError: the dataset lacks a modality that the method needs.
    """

    name: ClassVar[str]
    Config: ClassVar[type[DecoderConfig]] = DecoderConfig
    grid: ClassVar[Grid] = LIKE_GRID
    """The default search space. A key `estimand.OPTION` is an option of the first variant and takes no training."""
    centre_items: bool = False
    """Whether the item representations are measured from the mean item before the branches are made."""
    share_embeddings: bool = True
    """Whether the towers share their embedding tables."""

    def __init__(self, config: DecoderConfig, context: Context) -> None:
        super().__init__()
        self.config = config
        self.context = context

    @abstractmethod
    def towers(self) -> dict[str, Tower]:
        """The backbones that this decoder reads, by name."""

    def encode_features(self, graph: InteractionGraph) -> InteractionGraph:
        """The graph as the backbones shall see it, where the method makes features of its own (DVBPR's images)."""
        return graph

    def fit_statistics(self, graph: InteractionGraph, seed: int) -> None:
        """Once before training: fill buffers with what the method reads off the training log beforehand."""

    def extra_tables(self) -> Representations:
        """Tables besides the backbones', such as an item bias; `branches` gets them under `extra`.

        A per-item quantity belongs here and not in `branches`: the reference item is made from all tables alike.
        """
        return {}

    @abstractmethod
    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        """Branches from each tower's representations, and the tables of `extra_tables` under `extra`.

        The item tables may have any number of rows: `[I, d]` for the items, `[1, d]` for a reference item. The
        counterfactual is this same function on intervened representations.
        """

    @abstractmethod
    def objectives(self) -> list[Objective]:
        """The terms whose weighted sum is trained."""

    @property
    @abstractmethod
    def outcome(self) -> Outcome:
        """How branches make the observational score, and the causal graph that says what they mean."""

    @property
    @abstractmethod
    def formula(self) -> str:
        """The default score in terms of the branches' logits, s the sigmoid, * the reference item: for readers of
        exported tables."""

    @abstractmethod
    def variants(self) -> dict[str, Estimand]:
        """The method's published variants that differ only at test time, by their names; the first is the method."""


decoders: Registry[Decoder] = Registry("decoder", Decoder, group="graphrec.decoders")


class PairLogits(Mapping[str, Tensor]):
    """Logits of branches at pairs of rows, `[B]` each, computed when asked for.

    Args:
        users, items: `[B]` rows.
        stages: `[B]`, the span of the training time in which each pair was observed, where an objective asks for it.
    """

    def __init__(self, branches: Branches, users: Tensor, items: Tensor, stages: Tensor | None = None) -> None:
        self.branches, self.user_rows, self.item_rows, self.stages = branches, users, items, stages
        self._known: dict[str, Tensor] = {}

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._known:
            branch = self.branches[name]
            users, items = branch.user.index_select(0, self.user_rows), branch.item.index_select(0, self.item_rows)
            self._known[name] = (users * items).sum(-1)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.branches)

    def __len__(self) -> int:
        return len(self.branches)


class BlockLogits(PairLogits):
    """Logits of branches for a block of users against all rows of the item tables, `[b, I]` each."""

    def __init__(self, branches: Branches, users: Tensor) -> None:
        super().__init__(branches, users, torch.empty(0))

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._known:
            branch = self.branches[name]
            self._known[name] = branch.user[self.user_rows] @ branch.item.T
        return self._known[name]


def pick(representations: Representations, names: tuple[str, ...]) -> Representation:
    """The mean of the named representations."""
    return fuse([representations[name] for name in names])


def from_mean_item(branch: Representation, mask: Tensor | None = None) -> Representation:
    """The same pair measured from the mean item: each user's inner products sum to zero over the items.

    Args:
        mask: `[I]` bool, the items over which the mean is taken; all by default.
    """
    items = branch.item if mask is None else branch.item[mask]
    return Representation(branch.user, branch.item - items.mean(0))


def per_item(values: Tensor, num_users: int) -> Representation:
    """A table whose logit is the item's value `[I]` for every user."""
    return Representation(values.new_ones(num_users, 1), values.unsqueeze(1))


def joined(*branches: Representation) -> Representation:
    """One branch whose logit is the sum of the given ones'."""
    return Representation(
        torch.cat([one.user for one in branches], dim=1), torch.cat([one.item for one in branches], dim=1)
    )


def with_offset(branch: Representation, offset: Tensor) -> Representation:
    """A branch whose logit is raised by a learned scalar: one more column, 1 for users and the offset for items."""
    ones = branch.user.new_ones(branch.user.shape[0], 1)
    return Representation(
        torch.cat([branch.user, ones], dim=1),
        torch.cat([branch.item, offset.expand(branch.item.shape[0], 1)], dim=1),
    )
