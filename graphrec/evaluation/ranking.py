"""Ranking every item for every user, a block of users at a time.

One rule everywhere: the higher score first, ties by the lower item number, excluded items at minus infinity. Nothing
wider than a block of users is ever held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from graphrec.errors import DataError
from graphrec.evaluation.collect import Collected
from graphrec.evaluation.metrics import DEFAULT_K, metrics_at

MEMORY_BUDGET = 256 * 2**20
"""Bytes of scores that a block may take."""


class PairIndex:
    """The items of each user, from `[E, 2]` pairs.

    Args:
        pairs: (user, item) rows in any order.
        num_users: U.
    """

    def __init__(self, pairs: np.ndarray, num_users: int) -> None:
        order = np.lexsort((pairs[:, 1], pairs[:, 0]))
        self.items = pairs[order, 1]
        self.counts = np.bincount(pairs[:, 0], minlength=num_users)
        self.start = np.concatenate([[0], np.cumsum(self.counts)])

    def of(self, users: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(row in the block, item) of every pair of the given users."""
        counts = self.counts[users]
        rows = np.repeat(np.arange(len(users)), counts)
        offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return rows, self.items[np.repeat(self.start[users], counts) + offset]


def blocks(users: np.ndarray, bytes_per_user: int, budget: int = MEMORY_BUDGET) -> Iterator[np.ndarray]:
    """Cut users into blocks whose scores fit the budget."""
    size = int(np.clip(budget // max(bytes_per_user, 1), 1, 1024))
    for start in range(0, len(users), size):
        yield users[start : start + size]


def top_k(scores: Tensor, k: int) -> Tensor:
    """`[b, I]` scores to the `[b, k]` best items, best first, ties by the lower item number.

    `torch.topk` leaves the order of ties open. Here the chosen are sorted again, and rows whose last place is tied with
    an item left out are ranked by a stable sort of the whole row.
    """
    k = min(k, scores.shape[1])
    values, items = scores.topk(k, dim=1)
    items, order = items.sort(dim=1)
    values, order = values.gather(1, order).sort(dim=1, descending=True, stable=True)
    items = items.gather(1, order)
    last = values[:, -1:]
    tied = torch.from_numpy(_count(scores == last) > _count(values == last))
    if bool(tied.any()):
        items[tied] = scores[tied].sort(dim=1, descending=True, stable=True).indices[:, :k]
    return items


def rank_all(
    score: Callable[[Tensor], Tensor],
    users: np.ndarray,
    k: int,
    excluded: PairIndex,
    *,
    bytes_per_user: int,
) -> Iterator[tuple[np.ndarray, Tensor, Tensor]]:
    """Yield (users, scores `[b, I]` with excluded items at minus infinity, best items `[b, k]`) block by block.

    Raises:
        DataError: a score is not a number.
    """
    for block in blocks(users, bytes_per_user):
        scores = score(torch.from_numpy(block)).cpu()
        if bool(scores.isnan().any()):
            raise DataError(
                "the model's scores are not numbers",
                got=f"{int(scores.isnan().sum())} NaN scores in a block of {len(block)} users",
                next_step="training diverged; lower training.learning_rate",
            )
        rows, items = excluded.of(block)
        scores[torch.from_numpy(rows), torch.from_numpy(items)] = -torch.inf
        yield block, scores, top_k(scores, k)


def evaluate(
    score: Callable[[Tensor], Tensor],
    positives: np.ndarray,
    excluded: np.ndarray,
    *,
    num_users: int,
    bytes_per_user: int,
    cutoffs: tuple[int, ...] = DEFAULT_K,
) -> pd.DataFrame:
    """Per-user metrics of an all-items ranking.

    Args:
        score: `[b]` users to `[b, I]` scores.
        positives: `[n, 2]` pairs to be found; users without any are left out.
        excluded: `[E, 2]` pairs that cannot be recommended (the training pairs).

    Returns:
        One row a user with at least one positive: `user`, `positives`, then the metrics.
    """
    (table,) = evaluate_sets(
        score, [positives], excluded, num_users=num_users, bytes_per_user=bytes_per_user, cutoffs=cutoffs
    )
    return table


def evaluate_sets(
    score: Callable[[Tensor], Tensor],
    sets: Sequence[np.ndarray],
    excluded: np.ndarray,
    *,
    num_users: int,
    bytes_per_user: int,
    cutoffs: tuple[int, ...] = DEFAULT_K,
) -> list[pd.DataFrame]:
    """`evaluate` for several sets of positives on one ranking; in each, the other sets' pairs are misses."""
    indices = [PairIndex(positives, num_users) for positives in sets]
    users = np.flatnonzero(sum(index.counts for index in indices))
    collected = [Collected(int(np.count_nonzero(index.counts))) for index in indices]
    ranked = rank_all(score, users, max(cutoffs), PairIndex(excluded, num_users), bytes_per_user=bytes_per_user)
    for block, scores, best in ranked:
        for found, index in zip(collected, indices):
            has = index.counts[block] > 0
            if not has.any():
                continue
            some = slice(None) if has.all() else torch.from_numpy(has)
            found.add(_block_metrics(block[has], scores[some], best[some], index, cutoffs))
    return [found.table() for found in collected]


def _block_metrics(
    block: np.ndarray, scores: Tensor, best: Tensor, positive_of: PairIndex, cutoffs: tuple[int, ...]
) -> dict[str, np.ndarray]:
    rows, items = (torch.from_numpy(part) for part in positive_of.of(block))
    is_positive = torch.zeros(scores.shape, dtype=torch.bool)
    is_positive[rows, items] = True
    values = metrics_at(is_positive.gather(1, best).numpy(), positive_of.counts[block], cutoffs)
    values["mrr"] = _reciprocal_rank(scores, rows, items)
    return {"user": block, "positives": positive_of.counts[block], **values}


def _reciprocal_rank(scores: Tensor, rows: Tensor, items: Tensor) -> np.ndarray:
    """1 / rank of each row's best positive over the full list, by the same rule for ties."""
    found = scores[rows, items]
    best = torch.full((len(scores),), -torch.inf, dtype=scores.dtype).scatter_reduce(0, rows, found, "amax")
    among = torch.where(found == best[rows], items, scores.shape[1])
    where = torch.full((len(scores),), scores.shape[1]).scatter_reduce(0, rows, among, "amin")
    best, where = best[:, None], where[:, None]
    before = _count(scores > best) + _count((scores == best) & (torch.arange(scores.shape[1]) < where))
    return 1.0 / (1 + before)


def _count(marks: Tensor) -> np.ndarray:
    """How many of each row of `[b, I]` bool are marked; torch's sum would first make the whole block an int64."""
    return np.array([np.count_nonzero(row) for row in marks.cpu().numpy()])
