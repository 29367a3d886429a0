"""Negative samplers: exact and vectorised; each draw takes one random number and none is rejected."""

from __future__ import annotations

from typing import Literal, Protocol

import torch
from torch import Tensor

from graphrec.errors import DataError

Negatives = Literal["unclicked", "unliked", "clicked", "mixed"]


class NegativeSampler(Protocol):
    """Draws one negative item for each user of a batch.

    Example:
        >>> class Always:
        ...     def sample(self, users, generator):
        ...         return torch.full_like(users, 2)
        >>> sampler: NegativeSampler = MixedSampler(Always(), Always())
        >>> sampler.sample(torch.tensor([0, 1, 1]), torch.Generator().manual_seed(0))
        tensor([2, 2, 2])
    """

    def sample(self, users: Tensor, generator: torch.Generator) -> Tensor:
        """`[B]` users to `[B]` items."""


class ComplementSampler:
    """Draws a uniform item that is not paired with the user.

    One binary search gives the k-th item of the complement. Where a user's items are sorted, the item j of rank n has
    j - n complement items below it. These numbers, shifted by user, form one rising array.

    Args:
        pairs: `[E, 2]` unique pairs sorted by (user, item).
        num_users: U.
        num_items: I.

    Raises:
        DataError: `sample` is called for a user who has every item.

    Example:
        >>> import torch
        >>> sampler = ComplementSampler(torch.tensor([[0, 0], [0, 2], [1, 1]]), num_users=2, num_items=4)
        >>> draws = sampler.sample(torch.zeros(100, dtype=torch.int64), torch.Generator().manual_seed(0))
        >>> sorted(set(draws.tolist()))  # user 0 has the items 0 and 2
        [1, 3]
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
        # In float64, as float32 has 2^24 numbers: among many items they would not make every item equally likely.
        draw = (torch.rand(users.shape, generator=generator, dtype=torch.float64) * free).long()
        # The user's items up to the drawn one: the complement item number `draw` is `draw` plus how many these are.
        shift = torch.searchsorted(self.below, users * (self.num_items + 1) + draw, right=True)
        return draw + shift - self.start[users]


class MemberSampler:
    """Draws a uniform item that is paired with the user.

    Args:
        pairs: `[E, 2]` unique pairs sorted by (user, item).
        num_users: U.
        fallback: draws for the users without a pair.

    Example:
        >>> pairs = torch.tensor([[0, 0], [0, 2]])
        >>> sampler = MemberSampler(pairs, num_users=2, fallback=ComplementSampler(pairs, num_users=2, num_items=4))
        >>> draws = sampler.sample(torch.zeros(100, dtype=torch.int64), torch.Generator().manual_seed(0))
        >>> sorted(set(draws.tolist()))  # user 0 has the items 0 and 2
        [0, 2]
    """

    def __init__(self, pairs: Tensor, num_users: int, fallback: NegativeSampler) -> None:
        self.items = pairs[:, 1]
        self.degree = torch.bincount(pairs[:, 0], minlength=num_users)
        self.start = torch.cat([torch.zeros(1, dtype=torch.int64), self.degree.cumsum(0)[:-1]])
        self.fallback = fallback

    def sample(self, users: Tensor, generator: torch.Generator) -> Tensor:
        degree = self.degree[users]
        draw = (torch.rand(users.shape, generator=generator, dtype=torch.float64) * degree).long()
        has_pairs, chosen = degree > 0, torch.empty_like(users)
        chosen[has_pairs] = self.items[(self.start[users] + draw)[has_pairs]]
        chosen[~has_pairs] = self.fallback.sample(users[~has_pairs], generator)
        return chosen


class MixedSampler:
    """Takes each draw from one of two samplers with equal probability.

    Example:
        >>> pairs = torch.tensor([[0, 0], [0, 2]])
        >>> outside = ComplementSampler(pairs, num_users=1, num_items=4)
        >>> sampler = MixedSampler(MemberSampler(pairs, num_users=1, fallback=outside), outside)
        >>> draws = sampler.sample(torch.zeros(1000, dtype=torch.int64), torch.Generator().manual_seed(0))
        >>> round(float(torch.isin(draws, pairs[:, 1]).float().mean()), 1)  # the share of draws from the first sampler
        0.5
    """

    def __init__(self, first: NegativeSampler, second: NegativeSampler) -> None:
        self.first, self.second = first, second

    def sample(self, users: Tensor, generator: torch.Generator) -> Tensor:
        from_first = torch.rand(users.shape, generator=generator) < 0.5
        # Both samplers draw for every user, so that the generator advances by the same count whatever the coins say.
        return torch.where(from_first, self.first.sample(users, generator), self.second.sample(users, generator))


def negative_sampler(kind: Negatives, clicks: Tensor, likes: Tensor, num_users: int, num_items: int) -> NegativeSampler:
    """The sampler called `kind`, over the training pairs.

    - `unclicked`: uniform over the items that the user did not click.
    - `unliked`: uniform over the items that the user did not like, clicked or not.
    - `clicked`: uniform over the items that the user clicked and did not like. For users without such items
      `unclicked` draws.
    - `mixed`: half of the draws `clicked`, half `unclicked`.

    Args:
        clicks: `[E, 2]` unique pairs sorted by (user, item).
        likes: `[E, 2]` of the same form, a subset of `clicks`.
        num_users: U.
        num_items: I.

    Example:
        >>> clicks, likes = torch.tensor([[0, 0], [0, 1], [0, 2]]), torch.tensor([[0, 0]])
        >>> users = torch.zeros(100, dtype=torch.int64)
        >>> for kind in ("unclicked", "unliked", "clicked", "mixed"):
        ...     sampler = negative_sampler(kind, clicks, likes, num_users=1, num_items=5)
        ...     print(kind, sorted(set(sampler.sample(users, torch.Generator().manual_seed(0)).tolist())))
        unclicked [3, 4]
        unliked [1, 2, 3, 4]
        clicked [1, 2]
        mixed [1, 2, 3, 4]
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
