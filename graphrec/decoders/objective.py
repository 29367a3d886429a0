"""What a decoder trains: terms of a loss over pairs of users and items that are drawn from the training log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from graphrec.causal import Logits
from graphrec.data.dataset import FeedbackRole
from graphrec.graph.sampling import Negatives


@dataclass(frozen=True)
class Labels:
    """What the log says of each pair of a batch: `clicked` and `liked`, `[B]` of 0 and 1.

    Example:
        >>> import torch
        >>> labels = Labels(clicked=torch.tensor([1.0, 1.0, 0.0]), liked=torch.tensor([1.0, 0.0, 0.0]))
        >>> labels.liked[labels.clicked.bool()].mean()  # the share of likes among the clicks
        tensor(0.5000)
    """

    clicked: Tensor
    liked: Tensor


@dataclass(frozen=True)
class PairwiseBatch:
    """What a pairwise loss knows besides the logits.

    Args:
        users, items, negatives: `[B]` rows; each user with a positive item and with one to compare it with.
        labels: what the log says of (user, item).
        negative_labels: what it says of (user, negative); where `Objective.negatives` is `unliked` some are clicked.
        stages: `[B]` the span of the training time of each positive pair, where the objective asks for it.

    Example:
        >>> import torch
        >>> liked = Labels(clicked=torch.tensor([1.0]), liked=torch.tensor([1.0]))
        >>> clicked = Labels(clicked=torch.tensor([1.0]), liked=torch.tensor([0.0]))
        >>> rows = {"users": torch.tensor([0]), "items": torch.tensor([3]), "negatives": torch.tensor([5])}
        >>> batch = PairwiseBatch(**rows, labels=liked, negative_labels=clicked)
        >>> batch.negative_labels.clicked * (1 - batch.negative_labels.liked)  # 1: seen, and still not liked
        tensor([1.])
    """

    users: Tensor
    items: Tensor
    negatives: Tensor
    labels: Labels
    negative_labels: Labels
    stages: Tensor | None = None


PointwiseLoss = Callable[[Logits, Labels], Tensor]
"""A custom loss of single pairs: the branches' logits `[B]` and the labels to `[B]` losses."""


@dataclass(frozen=True)
class PairwiseLoss:
    """A custom loss of a positive and a negative item, such as a hinge, a metric loss, or DICE's masked BPR.

    Args:
        function: from the branches' logits at (user, item), their logits at (user, negative) and the batch to `[B]`
            losses. Each logit is `[B]`. The mean of the losses is trained.

    A hinge that asks for a margin of 1 only where the log holds a like of the positive:

    >>> import torch
    >>> def hinge(positive, negative, batch):
    ...     margin = 1 - positive["match"] + negative["match"]
    ...     return batch.labels.liked * margin.clamp(min=0)
    >>> loss = PairwiseLoss(hinge)
    >>> rows, ones = torch.tensor([0, 1]), torch.ones(2)
    >>> batch = PairwiseBatch(rows, rows, rows, Labels(ones, torch.tensor([1.0, 0.0])), Labels(0 * ones, 0 * ones))
    >>> loss.function({"match": torch.tensor([0.5, 0.5])}, {"match": torch.tensor([0.25, 2.0])}, batch)
    tensor([0.7500, 0.0000])
    """

    function: Callable[[Logits, Logits, PairwiseBatch], Tensor]


@dataclass(frozen=True)
class Attack:
    """Adversarial training (Tang et al., TKDE 2020): the loss is taken at features moved in its steepest direction.

    Args:
        modalities: whose item features are moved.
        size: L2 norm of each item's move.

    Example:
        >>> from graphrec.testing.small_model import small_model
        >>> [objective.attack for objective in small_model("amr")[0].decoder.objectives()]
        [None, Attack(modalities=('visual', 'title'), size=2.0)]
    """

    modalities: tuple[str, ...]
    size: float


@dataclass(frozen=True)
class Objective:
    """One term of the training loss, averaged over a batch.

    Args:
        name: of the term in the history of training; it also names the random streams of its batches.
        label: the feedback role whose pairs are positive.
        loss: the form of the loss.

            - `"bpr"`: softplus(score(u, j) - score(u, i)) for a pair (u, i) of `label` and a negative j.
            - `"bce"`: `score` is a log-probability. The batch holds pairs of `population`, and as many negatives unless
              `negatives` is None. A pair is positive when it is one of `label`.
            - a function: a pointwise loss of pairs drawn as for `bce`. `score` is not used.
            - a `PairwiseLoss`: a loss of pairs drawn as for `bpr`. `score` is not used.
        score: function of the branches' logits at the sampled pairs, each `[B]`.
        negatives: how negatives are drawn; see `graphrec.graph.sampling`.
        weight: of the term in the sum.
        population: the feedback role from which pairs are drawn, where it is not `label`. Not for pairwise losses.
        attack: take this term at adversarially moved features.
        stages: into how many spans of equal numbers of events the training time is cut. Each pair then knows its span
            (`PairLogits.stages`); a negative has its positive's.

    Raises:
        ValueError: a pairwise loss without negatives.

    Example:
        >>> import torch
        >>> def total(logits):
        ...     return logits["match"] + logits["notice"]
        >>> objective = Objective("sum", "like", "bpr", total, negatives="unliked")
        >>> objective.score({"match": torch.tensor([1.0]), "notice": torch.tensor([0.5])}), objective.is_pairwise
        (tensor([1.5000]), True)
        >>> try:
        ...     Objective("sum", "like", "bpr")
        ... except ValueError as error:
        ...     print(error)
        objective `sum`: a pairwise loss needs `negatives`, such as "unclicked"
    """

    name: str
    label: FeedbackRole
    loss: Literal["bpr", "bce"] | PointwiseLoss | PairwiseLoss
    score: Callable[[Logits], Tensor] = lambda logits: next(iter(logits.values()))
    negatives: Negatives | None = None
    weight: float = 1.0
    population: FeedbackRole | None = None
    attack: Attack | None = None
    stages: int = 1

    def __post_init__(self) -> None:
        if self.is_pairwise and self.negatives is None:
            raise ValueError(f'objective `{self.name}`: a pairwise loss needs `negatives`, such as "unclicked"')

    @property
    def is_pairwise(self) -> bool:
        """Whether the loss compares a positive with a negative item."""
        return self.loss == "bpr" or isinstance(self.loss, PairwiseLoss)
