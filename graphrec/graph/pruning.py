"""Which training pairs an epoch's graph keeps, drawn anew each epoch; `Propagator.kept` takes the answer."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from graphrec.errors import RecipeError
from graphrec.graph.propagator import require_inside


def degree_sensitive(pairs: Tensor, num_users: int, num_items: int, drop: float, generator: Generator) -> Tensor:
    """FREEDOM's edge sampling (Zhou and Shen, ACM MM 2023, section 3.2): pairs of popular users and items go first.

    (1 - drop) E pairs are kept, drawn one after the other without replacement, each with probability proportional to
    1 / sqrt(d_u d_i) among those left. Drawn as a race: a pair arrives after an exponential time of that rate, the
    first arrivals are kept. This is equal in law, by the memorylessness of the exponential, and has no limit on E
    (`torch.multinomial` has one).

    Args:
        pairs: `[E, 2]` unique (user, item) pairs.
        num_users, num_items: U and I.
        drop: share of pairs to drop, 0 or more, below 1; what is kept is rounded to whole pairs.
        generator: on the CPU.

    Returns:
        `[E]` bool, True for a pair that is kept.

    Raises:
        DataError: a user or item number out of range.
        RecipeError: `drop` out of range.
    """
    require_inside(pairs, num_users, num_items)
    users, items = pairs.cpu().T
    degree = torch.bincount(users).double()[users] * torch.bincount(items).double()[items]
    return _first(degree.rsqrt(), drop, generator)


def uniform(count: int, drop: float, generator: Generator) -> Tensor:
    """Edge dropout: (1 - drop) `count` pairs are kept, every set of that size being equally likely.

    Args, returns and raises as `degree_sensitive`; `count` is E.
    """
    return _first(torch.ones(count, dtype=torch.float64), drop, generator)


def _first(rate: Tensor, drop: float, generator: Generator) -> Tensor:
    if not 0 <= drop < 1:
        raise RecipeError("a share of edges to drop is out of range", expected="0 <= drop < 1", got=drop)
    arrival = torch.empty_like(rate).exponential_(generator=generator) / rate
    first = arrival.topk(round((1 - drop) * len(rate)), largest=False, sorted=False).indices
    keep = torch.zeros(len(rate), dtype=torch.bool)
    keep[first] = True
    return keep
