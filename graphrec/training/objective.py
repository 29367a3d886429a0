"""Batches for a decoder's objectives, and the losses."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from graphrec.decoders import Branches, Objective, PairLogits
from graphrec.graph.build import InteractionGraph
from graphrec.graph.sampling import NegativeSampler, negative_sampler
from graphrec.streams import stream


@dataclass(frozen=True)
class Batch:
    """Pairs for one objective. For bpr `items` are positive and `negatives` are not; for bce `labels` tells."""

    users: Tensor
    items: Tensor
    negatives: Tensor | None
    labels: Tensor | None

    def to(self, device: torch.device) -> Batch:
        """The same pairs on another device."""
        negatives = None if self.negatives is None else self.negatives.to(device)
        labels = None if self.labels is None else self.labels.to(device)
        return Batch(self.users.to(device), self.items.to(device), negatives, labels)


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
    """

    def __init__(self, objective: Objective, graph: InteractionGraph, batch_size: int, steps: int, seed: int) -> None:
        self.objective, self.seed, self.steps = objective, seed, steps
        clicks, likes = graph.pairs("click"), graph.pairs("like")
        self.pairs = {"click": clicks, "like": likes}[objective.population or objective.label]
        self.batch_size = min(batch_size, len(self.pairs))
        self.negatives: NegativeSampler | None = None
        if objective.negatives is not None:
            self.negatives = negative_sampler(objective.negatives, clicks, likes, graph.num_users, graph.num_items)
        labelled = {"click": clicks, "like": likes}[objective.label]
        self.is_positive = torch.isin(
            self.pairs[:, 0] * graph.num_items + self.pairs[:, 1],
            labelled[:, 0] * graph.num_items + labelled[:, 1],
        )

    def epoch(self, number: int) -> list[Batch]:
        """All batches of an epoch; the same numbers whenever they are drawn."""
        order = stream(self.seed, "batches", self.objective.name, number)
        draws = stream(self.seed, "negatives", self.objective.name, number)
        need = self.steps * self.batch_size
        rounds = -(-need // len(self.pairs))
        index = torch.cat([torch.randperm(len(self.pairs), generator=order) for _ in range(rounds)])[:need]
        batches = []
        for part in index.split(self.batch_size):
            users, items = self.pairs[part].T
            others = self.negatives.sample(users, draws) if self.negatives is not None else None
            if self.objective.loss == "bpr":
                batches.append(Batch(users, items, others, None))
                continue
            labels = self.is_positive[part].float()
            if others is not None:
                users, items = users.repeat(2), torch.cat([items, others])
                labels = torch.cat([labels, torch.zeros_like(labels)])
            batches.append(Batch(users, items, None, labels))
        return batches


def loss_of(objective: Objective, branches: Branches, batch: Batch) -> Tensor:
    """The objective's loss, averaged over the batch, before its weight."""
    batch = batch.to(next(iter(branches.values())).user.device)
    score = objective.score(PairLogits(branches, batch.users, batch.items))
    if objective.loss == "bpr":
        assert batch.negatives is not None
        other = objective.score(PairLogits(branches, batch.users, batch.negatives))
        return F.softplus(other - score).mean()
    assert batch.labels is not None
    return -torch.where(batch.labels > 0, score, log_complement(score)).mean()


def log_complement(log_p: Tensor) -> Tensor:
    """log(1 - p) from log p <= 0, without cancellation near 0 or 1.

    The clamp keeps p = 1 finite. It is as near to 0 as its reciprocal, the gradient, allows in float32: a pair that
    is wrongly held for certain is still corrected up to a logit of about 85, and not beyond.
    """
    log_p = log_p.clamp(max=-1e-37)
    near_one = log_p > -0.6931
    safe = torch.where(near_one, torch.full_like(log_p, -1.0), log_p)
    return torch.where(near_one, torch.log(-torch.expm1(log_p)), torch.log1p(-safe.exp()))
