"""Negative samplers: exact, vectorised, one random number a draw, no rejection."""

from __future__ import annotations

from typing import Literal, Protocol

import torch
from torch import Tensor

from graphrec.errors import DataError

Negatives = Literal["unclicked", "unliked", "clicked", "mixed"]


class NegativeSampler(Protocol):
    """Draws one negative item for each user of a batch."""

    def sample(self, users: Tensor, generator: torch.Generator) -> Tensor:
        """`[B]` users to `[B]` items."""


class ComplementSampler:
    """A uniform item outside the user's row of `pairs`.

    The k-th item of the complement is found by one binary search: with a user's items sorted, item j of rank n has
    j - n complement items below it; those numbers, shifted by user, form one rising array.

    Args:
        pairs: `[E, 2]` unique pairs sorted by (user, item).
        num_users, num_items: U and I.

    Raises:
        DataError: on sampling for a user who has every item.
    """

    def __init__(self, pairs: Tensor, num_users: int, num_items: int) -> None:
        users, items = pairs[:, 0], pairs[:, 1]
        degree = torch.bincount(users, minlength=num_users)
        self.start = torch.cat([torch.zeros(1, dtype=torch.int64), degree.cumsum(0)[:-1]])
        rank = torch.arange(pairs.shape[0]) - self.start[users]
        self.below = users * (num_items + 1) + items - rank
        self.free = num_items - degree
        self.num_items = num_items

    def sample(self, users: Tensor, generator: torch.Generator) -> Tensor:
        free = self.free[users]
        if bool((free <= 0).any()):
            full = users[free <= 0].unique()
            raise DataError(
                "users who have every item have no negative items",
                got=f"{full.numel()} such users, the first with dense number {int(full[0])}",
                next_step="drop these users or use more items",
            )
        draw = (torch.rand(users.shape, generator=generator, dtype=torch.float64) * free).long()
        shift = torch.searchsorted(self.below, users * (self.num_items + 1) + draw, right=True)
        return draw + shift - self.start[users]


class MemberSampler:
    """A uniform item of the user's row of `pairs`; users with an empty row are served by `otherwise`."""

    def __init__(self, pairs: Tensor, num_users: int, otherwise: NegativeSampler) -> None:
        self.items = pairs[:, 1]
        self.degree = torch.bincount(pairs[:, 0], minlength=num_users)
        self.start = torch.cat([torch.zeros(1, dtype=torch.int64), self.degree.cumsum(0)[:-1]])
        self.otherwise = otherwise

    def sample(self, users: Tensor, generator: torch.Generator) -> Tensor:
        degree = self.degree[users]
        draw = (torch.rand(users.shape, generator=generator, dtype=torch.float64) * degree).long()
        has, chosen = degree > 0, torch.empty_like(users)
        chosen[has] = self.items[(self.start[users] + draw)[has]]
        chosen[~has] = self.otherwise.sample(users[~has], generator)
        return chosen


class MixedSampler:
    """Each draw from one of two samplers, by a fair coin."""

    def __init__(self, first: NegativeSampler, second: NegativeSampler) -> None:
        self.first, self.second = first, second

    def sample(self, users: Tensor, generator: torch.Generator) -> Tensor:
        heads = torch.rand(users.shape, generator=generator) < 0.5
        return torch.where(heads, self.first.sample(users, generator), self.second.sample(users, generator))


def negative_sampler(kind: Negatives, clicks: Tensor, likes: Tensor, num_users: int, num_items: int) -> NegativeSampler:
    """The sampler of a kind, over the training pairs.

    - `unclicked`: uniform over items that the user did not click.
    - `unliked`: uniform over items that the user did not like (clicked or not).
    - `clicked`: uniform over items that the user clicked and did not like; users without any fall back to `unclicked`.
    - `mixed`: half `clicked`, half `unclicked`.

    Args:
        clicks, likes: `[E, 2]` unique pairs sorted by (user, item); likes are a subset of clicks.
    """
    if kind == "unliked":
        return ComplementSampler(likes, num_users, num_items)
    unclicked = ComplementSampler(clicks, num_users, num_items)
    if kind == "unclicked":
        return unclicked
    key = clicks[:, 0] * num_items + clicks[:, 1]
    not_liked = clicks[~torch.isin(key, likes[:, 0] * num_items + likes[:, 1])]
    clicked = MemberSampler(not_liked, num_users, unclicked)
    return clicked if kind == "clicked" else MixedSampler(clicked, unclicked)
