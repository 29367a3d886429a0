"""Ranking every item for every user, a block of users at a time.

One rule holds everywhere: the higher score first, ties by the lower item number, excluded items at minus infinity. No
more than the scores of a block of users is in memory at a time.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from graphrec.errors import DataError
from graphrec.evaluation.collect import Collected
from graphrec.evaluation.metrics import DEFAULT_K, MetricNames, RankedHits, RankingMetric, select
from graphrec.evaluation.metrics.columns import block_terms
from graphrec.evaluation.scorer import Scorer
from graphrec.system.failures import bytes_of_failure, out_of_memory
from graphrec.top_k import top_k

logger = logging.getLogger(__name__)

MEMORY_BUDGET = 256 * 2**20
"""Bytes of scores that a block may take."""
CACHE_BUDGET = 32 * 2**20
"""Bytes of scores that stay in or near the processor's cache."""
SHARING = 64
"""Users that share one pass over the item tables even where their scores exceed the cache, if memory allows."""
COUNTED_EACH = 24
"""Up to this number of pairs in a row, the rank of each is counted; of more, only that of pairs within rank K."""


class PairIndex:
    """The items of each user, from `[E, 2]` pairs.

    Args:
        pairs: (user, item) rows in any order.
        num_users: U.

    Example:
        >>> rows, items = PairIndex(np.array([[2, 5], [0, 3], [2, 4]]), num_users=3).of(np.array([2, 0]))
        >>> rows.tolist(), items.tolist()
        ([0, 0, 1], [4, 5, 3])
    """

    def __init__(self, pairs: np.ndarray, num_users: int) -> None:
        order = np.lexsort((pairs[:, 1], pairs[:, 0]))
        self.items = pairs[order, 1]
        self.counts = np.bincount(pairs[:, 0], minlength=num_users)
        self.start = np.concatenate([[0], np.cumsum(self.counts)])

    def of(self, users: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(row in the block, item) of every pair of the block's users."""
        counts = self.counts[users]
        rows = np.repeat(np.arange(len(users)), counts)
        # 0, 1, 2, ... within each user's pairs, without a loop over users.
        offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return rows, self.items[np.repeat(self.start[users], counts) + offset]


def blocks(users: np.ndarray, bytes_per_user: int, budget: int = MEMORY_BUDGET) -> Iterator[np.ndarray]:
    """Cut users into blocks whose scores fit the budget, and the processor's cache where that leaves enough users.

    Example:
        >>> [block.tolist() for block in blocks(np.arange(5), bytes_per_user=100, budget=250)]
        [[0, 1], [2, 3], [4]]
    """
    bytes_per_user = max(bytes_per_user, 1)
    size = max(1, min(budget // bytes_per_user, max(CACHE_BUDGET // bytes_per_user, SHARING), 1024))
    for start in range(0, len(users), size):
        yield users[start : start + size]


def rank_all(
    scorer: Scorer, users: np.ndarray, k: int, excluded: PairIndex, *, extra_bytes: int = 0
) -> Iterator[tuple[np.ndarray, Tensor, Tensor]]:
    """Yield (users, scores `[b, I]` with excluded items at minus infinity, best items `[b, k]`) block by block.

    Args:
        scorer: scores blocks of users.
        users: `[n]` user numbers.
        k: K, the list length.
        excluded: pairs that cannot be recommended.
        extra_bytes: the memory that the caller needs for each user of a block besides the scores.

    Raises:
        DataError: a score is not a number.

    Example:
        >>> from graphrec.evaluation.scorer import TableScorer
        >>> scorer = TableScorer([[0.9, 0.4, 0.7], [0.1, 0.9, 0.5]])
        >>> excluded = PairIndex(np.array([[0, 0]]), num_users=2)
        >>> for users, scores, best in rank_all(scorer, np.arange(2), 2, excluded):
        ...     print(users.tolist(), best.tolist())
        [0, 1] [[2, 1], [1, 2]]
    """
    for block, scores in _scored(scorer, users, excluded, extra_bytes):
        yield block, scores, top_k(scores, k)


def _scored(
    scorer: Scorer, users: np.ndarray, excluded: PairIndex, extra_bytes: int = 0
) -> Iterator[tuple[np.ndarray, Tensor]]:
    """(users, scores `[b, I]` with excluded items at minus infinity) block by block."""
    for block, scores in _in_blocks(scorer, blocks(users, scorer.bytes_per_user + extra_bytes)):
        # The maximum is nan if any score is, and needs no mask of the block's size.
        if bool(scores.amax().isnan()):
            raise DataError(
                "the model's scores are not numbers",
                got=f"{int(scores.isnan().sum())} NaN scores in a block of {len(block)} users",
                next_step="training diverged; lower training.learning_rate",
            )
        rows, items = excluded.of(block)
        # In place: `Scorer` lets the caller write into its result.
        scores[torch.from_numpy(rows), torch.from_numpy(items)] = -torch.inf
        yield block, scores


def _in_blocks(scorer: Scorer, chosen: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, Tensor]]:
    """(users, scores `[b, I]`) of each block; one that does not fit into memory is cut into halves.

    Raises:
        OutOfMemoryError: the scores of a single user do not fit.
    """
    waiting = deque(chosen)
    while waiting:
        block = waiting.popleft()
        try:
            scores = scorer(torch.from_numpy(block)).cpu()
        except (MemoryError, RuntimeError) as error:
            size = bytes_of_failure(error)
            if size is None:
                raise
            if len(block) == 1:
                step = "free memory, or rank on a machine with more of it"
                raise out_of_memory("the scores of one user", size, "the number of items", step) from error
            logger.info("a block of %d users does not fit into memory: it is ranked in two halves", len(block))
            waiting.extendleft(reversed(np.array_split(block, 2)))
            continue
        yield block, scores


def evaluate(
    scorer: Scorer,
    positives: np.ndarray,
    excluded: np.ndarray,
    cutoffs: tuple[int, ...] = DEFAULT_K,
    metrics: MetricNames = None,
) -> pd.DataFrame:
    """Per-user metrics of an all-items ranking.

    All of them follow from the ranks of the positives, which are counted; no list is made.

    Args:
        scorer: scores of all items, such as `FrozenModel.scorer(estimand)`.
        positives: `[n, 2]` (user, item) pairs that should be at the top; users without any are left out.
        excluded: `[E, 2]` pairs that cannot be recommended (the training pairs).
        cutoffs: the list lengths K.
        metrics: which are computed, by name, import path or class; see `graphrec.evaluation.metrics.select`.

    Returns:
        One row a user with at least one positive: `user`, `positives`, then the metrics.

    Example:
        >>> from graphrec.evaluation.scorer import TableScorer
        >>> scorer = TableScorer([[0.9, 0.4, 0.7, 0.6], [0.1, 0.9, 0.5, 0.4]])
        >>> positives, train = np.array([[0, 3], [1, 1], [1, 2]]), np.array([[0, 0]])
        >>> evaluate(scorer, positives, train, cutoffs=(1,), metrics=["recall", "mrr"])
           user  positives  recall@1  mrr
        0     0          1       0.0  0.5
        1     1          2       0.5  1.0
    """
    (table,) = evaluate_sets(scorer, [positives], excluded, cutoffs, metrics)
    return table


def evaluate_sets(
    scorer: Scorer,
    sets: Sequence[np.ndarray],
    excluded: np.ndarray,
    cutoffs: tuple[int, ...] = DEFAULT_K,
    metrics: MetricNames = None,
) -> list[pd.DataFrame]:
    """`evaluate` for several sets of positives on one ranking. In each set, the other sets' pairs are misses.

    Args:
        sets: the positives of each, `[n, 2]`; the other arguments are those of `evaluate`.

    Returns:
        A table for each set.

    Example:
        >>> from graphrec.evaluation.scorer import TableScorer
        >>> scorer, nothing = TableScorer([[0.9, 0.4, 0.7]]), np.empty((0, 2), dtype=int)
        >>> early, late = np.array([[0, 0]]), np.array([[0, 1]])
        >>> tables = evaluate_sets(scorer, [early, late], nothing, (1,), ["recall"])
        >>> [table["recall@1"].tolist() for table in tables]
        [[1.0], [0.0]]
    """
    indices = [PairIndex(positives, scorer.num_users) for positives in sets]
    chosen: list[RankingMetric] = select(metrics, "ranking")
    users = np.flatnonzero(sum(index.counts for index in indices))
    collected = [Collected(int(np.count_nonzero(index.counts))) for index in indices]
    for block, scores in _scored(scorer, users, PairIndex(excluded, scorer.num_users)):
        for rows, index in zip(collected, indices):
            if index.counts[block].any():
                users_with, ranked = _ranked_hits(block, scores.numpy(), index, max(cutoffs))
                about = {"user": users_with, "positives": ranked.positives}
                rows.add(about | block_terms(chosen, ranked, cutoffs))
    return [rows.metrics(chosen, cutoffs) for rows in collected]


def _ranked_hits(
    block: np.ndarray, scores: np.ndarray, positive_of: PairIndex, longest: int
) -> tuple[np.ndarray, RankedHits]:
    """The block's users that have a positive, and where their positives stand down to rank `longest`."""
    rows, items = positive_of.of(block)
    longest = min(longest, scores.shape[1])
    ranks = ranks_of(scores, rows, items, longest)
    counts = positive_of.counts[block]
    has, within = counts > 0, ranks <= longest
    hits = np.zeros((len(block), longest), dtype=bool)
    hits[rows[within], ranks[within] - 1] = True
    # Only users with a positive: of an empty segment `reduceat` returns the element at its start.
    first = np.minimum.reduceat(ranks, np.cumsum(counts[has]) - counts[has])
    return block[has], RankedHits(hits[has], counts[has], first)


def ranks_of(scores: np.ndarray, rows: np.ndarray, items: np.ndarray, k: int) -> np.ndarray:
    """`[N]` ranks, from 1, of some pairs in the ranking of all items, ties by the lower item number.

    A pair's rank is one more than the number of items before it, which one pass over its row counts. For a few pairs a
    row that is much less work than finding the best items.

    Args:
        scores: `[b, I]`.
        rows, items: `[N]` pairs, those of a row together.
        k: a rank above it that is not the first of its row may come out as I + 1; no metric reads it.

    Example:
        >>> ranks_of(np.array([[0.5, 0.9, 0.5]]), rows=np.array([0, 0]), items=np.array([0, 2]), k=3).tolist()
        [2, 3]
    """
    ranks = np.empty(len(rows), dtype=np.int64)
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(rows)]):
        row, some = scores[rows[start]], items[start:end]
        if len(some) <= COUNTED_EACH:
            ranks[start:end] = [_rank(row, item) for item in some.tolist()]
            continue
        # Many pairs: only those that reach the score of rank K, or the row's best, are counted.
        values, cut = row[some], len(row) - min(k, len(row))
        # The row's best is counted even beyond rank K, as MRR reads it.
        listed = values >= min(np.partition(row, cut)[cut], values.max())
        ranks[start:end] = len(row) + 1
        ranks[start:end][listed] = [_rank(row, item) for item in some[listed].tolist()]
    return ranks


def _rank(row: np.ndarray, item: int) -> int:
    """The rank of an item among `[I]` scores, ties by the lower item number."""
    return 1 + int(np.count_nonzero(row[:item] >= row[item]) + np.count_nonzero(row[item:] > row[item]))
