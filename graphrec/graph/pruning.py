"""Random masks over the training pairs: which edges the graph of one epoch contains.

`Propagator.edge_subgraph` takes the masks.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from graphrec.errors import RecipeError
from graphrec.graph.pairs import require_pairs


def degree_sensitive_mask(pairs: Tensor, num_users: int, num_items: int, drop: float, generator: Generator) -> Tensor:
    """FREEDOM's degree-sensitive edge pruning: pairs of popular users and items are dropped first.

    Zhou and Shen, "A Tale of Two Graphs: Freezing and Denoising Graph Structures for Multimodal Recommendation" (ACM MM
    2023), section 3.2. (1 - drop) E pairs stay. They are drawn without replacement, each with a probability
    proportional to 1 / sqrt(d_u d_i) among the pairs that are left.

    Args:
        pairs: `[E, 2]` unique (user, item) pairs.
        num_users: U.
        num_items: I.
        drop: the share of pairs to drop, at least 0 and below 1. The number of pairs that stay is rounded.
        generator: on the CPU.

    Returns:
        `[E]` bool, True for each pair that stays.

    Raises:
        DataError: `pairs` has another form, or names a user or item out of range.
        RecipeError: `drop` is out of range, or so near to 1 that no pair stays.

    Example:
        >>> import torch
        >>> pairs = torch.tensor([[0, 0], [0, 1], [1, 0], [2, 0]])
        >>> mask = degree_sensitive_mask(pairs, 3, 2, drop=0.5, generator=torch.Generator().manual_seed(0))
        >>> mask.shape, int(mask.sum())
        (torch.Size([4]), 2)
    """
    require_pairs(pairs, num_users, num_items)
    users, items = pairs.cpu().T
    degree_product = torch.bincount(users).double()[users] * torch.bincount(items).double()[items]
    return _draw_mask(degree_product.rsqrt(), drop, generator)


def uniform_mask(count: int, drop: float, generator: Generator) -> Tensor:
    """Edge dropout: (1 - drop) `count` pairs stay, and every set of that size is equally likely.

    Args:
        count: E.
        drop: the share of pairs to drop, at least 0 and below 1.
        generator: on the CPU.

    Returns:
        `[E]` bool, True for each pair that stays.

    Raises:
        RecipeError: as `degree_sensitive_mask`.

    Example:
        >>> import torch
        >>> mask = uniform_mask(10, drop=0.3, generator=torch.Generator().manual_seed(0))
        >>> mask.shape, int(mask.sum())
        (torch.Size([10]), 7)
    """
    return _draw_mask(torch.ones(count, dtype=torch.float64), drop, generator)


def remaining_edges(count: int, drop: float) -> int:
    """How many of `count` pairs stay when the share `drop` is dropped.

    Raises:
        RecipeError: `drop` is out of range, or so near to 1 that no pair stays.

    Example:
        >>> remaining_edges(1000, 0.8)
        200
    """
    if not 0 <= drop < 1:
        raise RecipeError("a share of edges to drop is out of range", expected="0 <= drop < 1", got=drop)
    remaining = round((1 - drop) * count)
    if count and not remaining:
        raise RecipeError(
            "dropping edges leaves a graph without any",
            expected=f"a share that leaves at least 1 of {count} training pairs",
            got=drop,
            where="backbone",
            next_step="lower backbone.drop or backbone.edge_dropout",
        )
    return remaining


def _draw_mask(rate: Tensor, drop: float, generator: Generator) -> Tensor:
    # Weighted sampling without replacement as a race: pair e arrives after an exponential time with rate `rate[e]`,
    # and the first arrivals stay. The exponential distribution has no memory, so the law is that of drawing one pair
    # after the other. `torch.multinomial` draws from the same law but takes at most 2^24 pairs.
    arrival = torch.empty_like(rate).exponential_(generator=generator) / rate
    first = arrival.topk(remaining_edges(len(rate), drop), largest=False, sorted=False).indices
    mask = torch.zeros(len(rate), dtype=torch.bool)
    mask[first] = True
    return mask
