"""What a decoder is: representations in, named branches out, with objectives and a causal graph that justifies them.

Letters: U users, I items, d embedding width, B pairs in a batch, b users in a block.
"""

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
"""Values to try, by recipe key: what `graphrec tune` searches where the recipe has no `tune.space`."""
LIKE_GRID: Grid = {"training.learning_rate": (1e-4, 5e-4, 1e-3), "training.weight_decay": (1e-4, 1e-3, 1e-2)}
"""The grid of HCR's paper, for its method and its baselines."""
CLICK_GRID: Grid = {"training.learning_rate": (1e-4, 1e-3, 1e-2), "training.weight_decay": (0.005, 0.01, 0.05, 0.1)}
"""The grid of CausalRec's paper, for its method and its baselines."""


@dataclass(frozen=True)
class Tower:
    """One backbone of a decoder.

    Args:
        feedback_role: whose edges it propagates over.
        outputs: which representations the decoder reads.

    >>> Tower("click", ("id", "visual")).outputs
    ('id', 'visual')
    """

    feedback_role: FeedbackRole
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Context:
    """What a decoder knows of the data: the modality roles (seen before the click, or after it) and sizes.

    Without exposure (or content) modalities the id representation takes their place, as HCR does on Kwai and Taobao.

    Args:
        exposure, content: the modalities that are seen before the click, and after it.
        embedding_size: d.
        num_users, num_items: U and I.
        widths: D of each modality.
        categorical: the modalities of which every item has at most one value, such as a category.

    >>> Context(exposure=(), content=("visual",), embedding_size=8).exposure_or_id
    ('id',)
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
    """Settings that every decoder has.

    Example:
        >>> try:
        ...     DecoderConfig(beta=2.0)
        ... except ValueError as error:
        ...     print(error.errors()[0]["loc"], error.errors()[0]["msg"])
        ('beta',) Extra inputs are not permitted
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class OneBehaviourConfig(DecoderConfig):
    """Settings of methods whose papers have one kind of feedback.

    Example:
        >>> OneBehaviourConfig(behaviour="like", negatives="mixed")
        OneBehaviourConfig(behaviour='like', negatives='mixed')
        >>> try:
        ...     OneBehaviourConfig(negatives="mixed")
        ... except ValueError as error:
        ...     print(error.errors()[0]["msg"])
        Value error, unclicked, as behaviour = click takes every click for a positive
    """

    behaviour: FeedbackRole = "click"
    """The feedback that is learned."""
    negatives: Negatives = "unclicked"
    """What the positives are compared with. Clicks take `unclicked` alone: other kinds of negatives may be clicks."""

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
        context: the modality roles and the width of representations.

    Raises:
        RecipeError: the dataset lacks a modality that the method needs.

    Example:
        >>> from graphrec.testing.small_model import small_model
        >>> decoder = small_model("vbpr")[0].decoder
        >>> decoder.towers()
        {'main': Tower(feedback_role='click', outputs=('id', 'visual', 'title'))}
        >>> decoder.formula, decoder.outcome.mediated, [objective.loss for objective in decoder.objectives()]
        ('match + notice', ('match',), ['bpr'])
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
        """The graph that the backbones get, where the method computes features itself (DVBPR's images)."""
        return graph

    def fit_statistics(self, graph: InteractionGraph, seed: int) -> None:
        """Once before training: fill buffers with statistics of the training log, such as popularity.

        Args:
            seed: the run's seed, for what is drawn.
        """

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
        """How branches make the observational score, and the causal graph in which they have a meaning."""

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

    >>> branches = {"match": Representation(torch.eye(2), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))}
    >>> PairLogits(branches, torch.tensor([0, 1]), torch.tensor([1, 1]))["match"]
    tensor([3., 4.])
    """

    def __init__(self, branches: Branches, users: Tensor, items: Tensor, stages: Tensor | None = None) -> None:
        self.branches, self.user_rows, self.item_rows, self.stages = branches, users, items, stages
        self._computed: dict[str, Tensor] = {}

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._computed:
            branch = self.branches[name]
            users, items = branch.user.index_select(0, self.user_rows), branch.item.index_select(0, self.item_rows)
            self._computed[name] = (users * items).sum(-1)
        return self._computed[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.branches)

    def __len__(self) -> int:
        return len(self.branches)


class BlockLogits(PairLogits):
    """Logits of branches for a block of users against all rows of the item tables, `[b, I]` each.

    >>> branches = {"match": Representation(torch.eye(2), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))}
    >>> BlockLogits(branches, torch.tensor([0]))["match"]
    tensor([[1., 3.]])
    """

    def __init__(self, branches: Branches, users: Tensor) -> None:
        super().__init__(branches, users, torch.empty(0))

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._computed:
            branch = self.branches[name]
            self._computed[name] = branch.user[self.user_rows] @ branch.item.T
        return self._computed[name]


def pick(representations: Representations, names: tuple[str, ...]) -> Representation:
    """The mean of the named representations.

    Example:
        >>> levels = {"visual": 1.0, "title": 3.0, "acoustic": 100.0}
        >>> tables = {name: Representation(torch.full((1, 2), x), torch.zeros(3, 2)) for name, x in levels.items()}
        >>> pick(tables, ("visual", "title")).user.tolist()
        [[2.0, 2.0]]
    """
    return fuse([representations[name] for name in names])


def from_mean_item(branch: Representation, mask: Tensor | None = None) -> Representation:
    """The same pair measured from the mean item: each user's inner products sum to zero over the items.

    Args:
        mask: `[I]` bool, the items over which the mean is taken; all by default.

    >>> from_mean_item(Representation(torch.ones(1, 1), torch.tensor([[1.0], [3.0]]))).item.flatten()
    tensor([-1.,  1.])
    """
    items = branch.item if mask is None else branch.item[mask]
    return Representation(branch.user, branch.item - items.mean(0))


def per_item(values: Tensor, num_users: int) -> Representation:
    """A branch whose logit is the item's value `[I]` for every user.

    >>> BlockLogits({"bias": per_item(torch.tensor([0.5, 2.0]), 1)}, torch.tensor([0]))["bias"]
    tensor([[0.5000, 2.0000]])
    """
    return Representation(values.new_ones(num_users, 1), values.unsqueeze(1))


def joined(*branches: Representation) -> Representation:
    """One branch whose logit is the sum of the branches' logits.

    Example:
        >>> match = Representation(torch.tensor([[1.0]]), torch.tensor([[2.0], [3.0]]))
        >>> bias = per_item(torch.tensor([0.5, -0.5]), 1)
        >>> BlockLogits({"both": joined(match, bias)}, torch.tensor([0]))["both"]
        tensor([[2.5000, 2.5000]])
    """
    users, items = [branch.user for branch in branches], [branch.item for branch in branches]
    return Representation(torch.cat(users, dim=1), torch.cat(items, dim=1))


def with_offset(branch: Representation, offset: Tensor) -> Representation:
    """A branch whose logit is raised by a learned scalar: one more column, 1 for users and the offset for items.

    Example:
        >>> match = Representation(torch.tensor([[1.0]]), torch.tensor([[2.0], [3.0]]))
        >>> BlockLogits({"click": with_offset(match, torch.tensor([-4.0]))}, torch.tensor([0]))["click"]
        tensor([[-2., -1.]])
    """
    ones = branch.user.new_ones(branch.user.shape[0], 1)
    return Representation(
        torch.cat([branch.user, ones], dim=1),
        torch.cat([branch.item, offset.expand(branch.item.shape[0], 1)], dim=1),
    )
