"""Which training pairs an epoch's graph keeps, drawn anew each epoch; `Propagator.kept` takes the answer."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from graphrec.errors import RecipeError
from graphrec.graph.pairs import require_pairs


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
        DataError: not such pairs, or a user or item number out of range.
        RecipeError: `drop` out of range, or so near to 1 that no pair is kept.
    """
    require_pairs(pairs, num_users, num_items)
    users, items = pairs.cpu().T
    degree = torch.bincount(users).double()[users] * torch.bincount(items).double()[items]
    return _first(degree.rsqrt(), drop, generator)


def uniform(count: int, drop: float, generator: Generator) -> Tensor:
    """Edge dropout: (1 - drop) `count` pairs are kept, every set of that size being equally likely.

    Args, returns and raises as `degree_sensitive`; `count` is E.
    """
    return _first(torch.ones(count, dtype=torch.float64), drop, generator)


def kept_count(count: int, drop: float) -> int:
    """How many of `count` pairs stay when the share `drop` goes.

    Raises:
        RecipeError: `drop` out of range, or so near to 1 that no pair stays.
    """
    if not 0 <= drop < 1:
        raise RecipeError("a share of edges to drop is out of range", expected="0 <= drop < 1", got=drop)
    kept = round((1 - drop) * count)
    if count and not kept:
        raise RecipeError(
            "dropping edges leaves a graph without any",
            expected=f"a share that keeps one of {count} training pairs",
            got=drop,
            where="backbone",
            next_step="lower backbone.drop or backbone.edge_dropout",
        )
    return kept


def _first(rate: Tensor, drop: float, generator: Generator) -> Tensor:
    arrival = torch.empty_like(rate).exponential_(generator=generator) / rate
    first = arrival.topk(kept_count(len(rate), drop), largest=False, sorted=False).indices
    keep = torch.zeros(len(rate), dtype=torch.bool)
    keep[first] = True
    return keep
