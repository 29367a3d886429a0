"""Batches for a decoder's objectives, and the losses."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from graphrec.backbones import Pairs
from graphrec.decoders import Branches, Labels, Objective, PairLogits, PairwiseBatch, PairwiseLoss
from graphrec.errors import RecipeError
from graphrec.graph.build import InteractionGraph
from graphrec.graph.sampling import NegativeSampler, negative_sampler
from graphrec.seeding import generator


@dataclass(frozen=True)
class Batch:
    """Pairs for one objective, `[B]` each.

    Args:
        users, items: rows. For a pairwise loss every pair is positive.
        negatives: for a pairwise loss an item to compare with each; else None, as negatives are rows of `items`.
        labels: what the log says of (user, item); None for `bpr`, which does not ask.
        negative_labels: what it says of (user, negative), for a custom pairwise loss.
        stages: the span of the training time of each pair.

    >>> from graphrec.testing.small_model import first_batches, small_model
    >>> model, graph = small_model("ct")
    >>> (batch,) = first_batches(model, graph)
    >>> batch.users.shape, batch.negatives.shape, batch.labels
    (torch.Size([16]), torch.Size([16]), None)
    """

    users: Tensor
    items: Tensor
    negatives: Tensor | None = None
    labels: Labels | None = None
    negative_labels: Labels | None = None
    stages: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """The same pairs on another device."""
        moved = {
            name: None if (value := getattr(self, name)) is None else value.to(device)
            for name in ("users", "items", "negatives", "stages")
        }
        labels = {
            name: None if (value := getattr(self, name)) is None else _labels_on(device, value)
            for name in ("labels", "negative_labels")
        }
        return Batch(**moved, **labels)  # type: ignore[arg-type]

    def pairs(self, device: torch.device) -> Pairs:
        """The batch of a pairwise loss, as a backbone's auxiliary losses take it."""
        assert self.negatives is not None
        return Pairs(self.users.to(device), self.items.to(device), self.negatives.to(device))


class ObjectiveSampler:
    """Draws the batches of one objective.

    An epoch is the same number of steps for every objective, whatever its number of pairs: pairs are drawn in shuffled
    rounds, so that within a round each comes once.

    Args:
        objective: what is trained.
        graph: gives the training pairs of each role.
        batch_size: pairs a step; fewer where the population is smaller.
        steps: steps an epoch.
        seed: the run's seed; the streams are "batches/NAME" and "negatives/NAME", keyed by the epoch.

    Raises:
        RecipeError: the role from which pairs are drawn has none.

    >>> from graphrec.testing.small_model import small_model
    >>> from graphrec.training.objective import ObjectiveSampler
    >>> model, graph = small_model("ct")
    >>> sampler = ObjectiveSampler(model.decoder.objectives()[0], graph, batch_size=4, steps=3, seed=0)
    >>> [len(batch.users) for batch in sampler.epoch(1)]
    [4, 4, 4]
    >>> sampler.epoch(1)[0].users.equal(sampler.epoch(1)[0].users)  # the same whenever they are drawn
    True
    """

    def __init__(self, objective: Objective, graph: InteractionGraph, batch_size: int, steps: int, seed: int) -> None:
        self.objective, self.seed, self.steps = objective, seed, steps
        clicks, likes = graph.pairs("click"), graph.pairs("like")
        role = objective.population or objective.label
        self.pairs = {"click": clicks, "like": likes}[role]
        if not len(self.pairs):
            raise RecipeError(
                f"the objective `{objective.name}` has nothing to learn from",
                expected=f"at least one training pair of role `{role}`",
                got="none",
                where="decoder.name",
                next_step="use a larger split.train, or other behaviours in data.feedback",
            )
        self.batch_size = min(batch_size, len(self.pairs))
        self.negatives: NegativeSampler | None = None
        if objective.negatives is not None:
            self.negatives = negative_sampler(objective.negatives, clicks, likes, graph.num_users, graph.num_items)
        self.num_items = graph.num_items
        # A pair becomes one number, user I + item, which `isin` can look up.
        key, self.clicked, liked = (pairs @ torch.tensor([graph.num_items, 1]) for pairs in (self.pairs, clicks, likes))
        self.is_like = torch.isin(key, liked)
        self.stages = graph.stages(role, objective.stages)

    def epoch(self, number: int) -> list[Batch]:
        """All batches of an epoch; the same numbers whenever they are drawn."""
        # Two streams: how negatives are drawn does not change the order of the pairs.
        order = generator(self.seed, "batches", self.objective.name, number)
        draws = generator(self.seed, "negatives", self.objective.name, number)
        need = self.steps * self.batch_size
        rounds = -(-need // len(self.pairs))
        order_of_rows = torch.cat([torch.randperm(len(self.pairs), generator=order) for _ in range(rounds)])[:need]
        batches = []
        for rows in order_of_rows.split(self.batch_size):
            users, items = self.pairs[rows].T
            others = self.negatives.sample(users, draws) if self.negatives is not None else None
            stages = None if self.stages is None else self.stages[rows]
            if self.objective.loss == "bpr":
                batches.append(Batch(users, items, others, stages=stages))
                continue
            liked = self.is_like[rows].float()
            # Every pair of the log counts as a click, a like included.
            clicked = torch.ones_like(liked)
            # No sampler draws an item that the user liked: the like labels of negatives are zeros.
            if others is not None:
                others_clicked = torch.isin(users * self.num_items + others, self.clicked).float()
                if self.objective.is_pairwise:
                    labels = Labels(clicked, liked), Labels(others_clicked, torch.zeros_like(liked))
                    batches.append(Batch(users, items, others, *labels, stages))
                    continue
                clicked = torch.cat([clicked, others_clicked])
                liked = torch.cat([liked, torch.zeros_like(liked)])
                users, items = users.repeat(2), torch.cat([items, others])
                stages = None if stages is None else stages.repeat(2)
            batches.append(Batch(users, items, labels=Labels(clicked, liked), stages=stages))
        return batches


def loss_of(objective: Objective, branches: Branches, batch: Batch) -> Tensor:
    """The objective's loss, averaged over the batch, before its weight.

    >>> from graphrec.testing.small_model import first_batches, small_model
    >>> from graphrec.training.objective import loss_of, losses_of
    >>> model, graph = small_model("ct")
    >>> (objective,), (batch,) = model.decoder.objectives(), first_batches(model, graph)
    >>> loss = loss_of(objective, model(graph), batch)
    >>> loss.equal(losses_of(objective, model(graph), batch).mean())
    True
    """
    return losses_of(objective, branches, batch).mean()


def losses_of(objective: Objective, branches: Branches, batch: Batch) -> Tensor:
    """The loss of each pair of the batch.

    Shapes:
        `[B]`, as many as `batch.users`.

    >>> from graphrec.testing.small_model import first_batches, small_model
    >>> from graphrec.training.objective import losses_of
    >>> model, graph = small_model("ct")
    >>> (objective,), (batch,) = model.decoder.objectives(), first_batches(model, graph)
    >>> losses_of(objective, model(graph), batch).shape == batch.users.shape
    True
    """
    batch = batch.to(next(iter(branches.values())).user.device)
    logits = PairLogits(branches, batch.users, batch.items, batch.stages)
    if objective.is_pairwise:
        assert batch.negatives is not None
        others = PairLogits(branches, batch.users, batch.negatives, batch.stages)
        if isinstance(objective.loss, PairwiseLoss):
            return objective.loss.function(logits, others, _pairwise(batch))
        return F.softplus(objective.score(others) - objective.score(logits))
    assert batch.labels is not None
    if callable(objective.loss):
        return objective.loss(logits, batch.labels)
    score, positive = objective.score(logits), batch.labels.liked if objective.label == "like" else batch.labels.clicked
    return -torch.where(positive > 0, score, log_complement(score))


def _pairwise(batch: Batch) -> PairwiseBatch:
    assert batch.negatives is not None and batch.labels is not None and batch.negative_labels is not None
    return PairwiseBatch(batch.users, batch.items, batch.negatives, batch.labels, batch.negative_labels, batch.stages)


def _labels_on(device: torch.device, labels: Labels) -> Labels:
    return Labels(labels.clicked.to(device), labels.liked.to(device))


def log_complement(log_p: Tensor) -> Tensor:
    """log(1 - p) from log p <= 0, without cancellation near 0 or 1.

    The clamp keeps p = 1 finite. It is as near to 0 as its reciprocal, the gradient, allows in float32: a pair that
    is wrongly held for certain is still corrected up to a logit of about 85, and not beyond.

    >>> log_complement(torch.tensor([0.75]).log()).exp()
    tensor([0.2500])
    """
    log_p = log_p.clamp(max=-1e-37)
    # log(-expm1) is precise for p near 1 and log1p(-exp) for p near 0; they meet at p = 1/2.
    near_one = log_p > -0.6931
    # `where` differentiates both sides. Without the stand-in the discarded log1p(-1) would turn the gradient into nan.
    safe = torch.where(near_one, torch.full_like(log_p, -1.0), log_p)
    return torch.where(near_one, torch.log(-torch.expm1(log_p)), torch.log1p(-safe.exp()))
