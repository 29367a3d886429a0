"""HCR's analyses: for whom, when, and of items that are liked once clicked or not (Zhu et al., TKDE 2024, section 4).

    activity    the share of the users with the most training clicks is active, the others are less active; the metrics
                are those of the ranking, averaged over each group
    time        each user's held-out likes, of valid and test together, in order of time and divided into four as equal
                in size as can be; the metrics are those of the ranking with one subset as the positives
    like ratio  items in order of likes / clicks in training, the first third high and the others low; for each group

        normalised Recall@K  mean_u (hits in the group / positives in the group)  /  mean_u (share of the list in it)

The paper takes 40 % of the users as active on Tiktok and Kwai and 20 % on Taobao. It leaves open what follows, our
interpretation:

- Clicks and likes are counted in training.
- Ties in a ranking of users or items go to the lower number.
- Time subsets are of users with four held-out likes or more, so that all four means are over the same users.
- The high group is the smaller one of the ratio 1:2.
- Both means of normalised recall are over the users with a positive in the group.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from graphrec.data.dataset import InteractionDataset
from graphrec.data.split import Split
from graphrec.errors import DataError
from graphrec.evaluation.collect import Collected
from graphrec.evaluation.metrics import ABOUT_USERS, DEFAULT_K, Drop, GroupBlock, Metric, MetricNames, select
from graphrec.evaluation.metrics.columns import block_terms
from graphrec.evaluation.ranking import PairIndex, rank_all
from graphrec.evaluation.scorer import Scorer

SUBSETS = 4


def active_users(clicks: np.ndarray, num_users: int, share: float) -> np.ndarray:
    """`[U]` bool, the `share` of users with the most click pairs, rounded to whole users.

    Args:
        clicks: `[E, 2]` training pairs.

    Example:
        >>> active_users(np.array([[0, 1], [1, 0], [1, 2]]), num_users=2, share=0.5).tolist()
        [False, True]
    """
    counts = np.bincount(clicks[:, 0], minlength=num_users)
    return _first(-counts, round(share * num_users))


def high_ratio_items(clicks: np.ndarray, likes: np.ndarray, num_items: int) -> np.ndarray:
    """`[I]` bool, the third of the items with the highest likes / clicks; an item without clicks has 0.

    Args:
        clicks, likes: `[E, 2]` training pairs.

    Example:
        >>> clicks = np.array([[0, 0], [1, 0], [0, 1], [0, 2]])  # item 0 has two clicks
        >>> high_ratio_items(clicks, likes=np.array([[0, 0], [0, 2]]), num_items=3).tolist()
        [False, False, True]
    """
    clicked, liked = (np.bincount(pairs[:, 1], minlength=num_items) for pairs in (clicks, likes))
    return _first(-liked / np.maximum(clicked, 1), round(num_items / 3))


def time_subsets(likes: np.ndarray, times: np.ndarray) -> list[np.ndarray]:
    """Four `[n, 2]` subsets of each user's likes, earliest first; users with fewer than four likes are in none.

    Args:
        likes: `[n, 2]` pairs.
        times: `[n]`; equal times are put in order of items.

    Raises:
        DataError: no user has four likes.

    Example:
        >>> likes = np.array([[0, 7], [0, 5], [0, 9], [0, 1]])
        >>> [subset.tolist() for subset in time_subsets(likes, times=np.array([30, 10, 40, 20]))]
        [[[0, 5]], [[0, 1]], [[0, 7]], [[0, 9]]]
    """
    order = np.lexsort((likes[:, 1], times, likes[:, 0]))
    likes = likes[order]
    _, first, counts = np.unique(likes[:, 0], return_index=True, return_counts=True)
    size, position = np.repeat(counts, counts), np.arange(len(likes)) - np.repeat(first, counts)
    if not (size >= SUBSETS).any():
        raise DataError(
            "no user's held-out likes can be divided by time",
            expected=f"a user with {SUBSETS} held-out likes or more",
            got=f"at most {counts.max(initial=0)}",
            next_step="use a split that holds out more likes",
        )
    subset = np.where(size >= SUBSETS, SUBSETS * position // size, -1)
    return [likes[subset == number] for number in range(SUBSETS)]


def drop(subsets: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """`drop_METRIC` for each metric; see `graphrec.evaluation.metrics.Drop`.

    Args:
        subsets: per-user tables of the same users, in order of time.

    Example:
        >>> quarters = [pd.DataFrame({"user": [0, 1], "recall@5": [0.6, 1.0]})]
        >>> quarters += [pd.DataFrame({"user": [0, 1], "recall@5": [0.3, 0.5]})] * 3
        >>> round(float(drop(quarters)["drop_recall@5"].mean()), 3)
        0.5
    """
    first = subsets[0]
    columns = [column for column in first.columns if column not in ABOUT_USERS]
    drops = {
        f"{Drop.name}_{column}": Drop().values([table[column].to_numpy() for table in subsets], k=0)
        for column in columns
    }
    return first[["user"]].assign(**drops)


def like_times(dataset: InteractionDataset, split: Split, pairs: np.ndarray) -> np.ndarray:
    """`[n]` the first like of each of the split's `[n, 2]` held-out pairs.

    Args:
        dataset: the dataset that was split.

    Raises:
        DataError: the dataset has no times.

    Example:
        >>> split = run.split()
        >>> times = like_times(gr.load(data), split, split.valid)
        >>> len(times) == len(split.valid), bool(times.min() > split.train["timestamp"].min())
        (True, True)
    """
    if not dataset.has_times:
        raise DataError(
            "likes cannot be put in order of time",
            expected="a column `timestamp`",
            got=f"dataset `{dataset.name}` without times",
        )
    likes = dataset.pairs("like")
    user_of, item_of = (
        pd.Index(of_split).get_indexer(of_dataset)
        for of_split, of_dataset in (
            (split.dataset.user_ids, dataset.user_ids),
            (split.dataset.item_ids, dataset.item_ids),
        )
    )
    users, items, width = user_of[likes["user"]], item_of[likes["item"]], split.dataset.num_items
    # The split may have left out users or items; what remains is looked up by one number a pair.
    in_split = (users >= 0) & (items >= 0)
    keys, times = users[in_split] * width + items[in_split], likes["timestamp"].to_numpy()[in_split]
    order = np.argsort(keys)
    # Each held-out pair is a like of the dataset, so that every search hits.
    return times[order][np.searchsorted(keys[order], pairs[:, 0] * width + pairs[:, 1])]


def normalised_recall(
    scorer: Scorer,
    positives: np.ndarray,
    excluded: np.ndarray,
    high: np.ndarray,
    cutoffs: tuple[int, ...] = DEFAULT_K,
    metrics: MetricNames = None,
) -> list[pd.DataFrame]:
    """Per-user values, for the high group and the low one, whose means are the normalised recall.

    The values are `linearised`: normalised recall is a ratio of means, not a mean of users' ratios.

    Args:
        scorer, positives, excluded, cutoffs, metrics: as for `evaluate`.
        high: `[I]` bool, which items are in the high group.

    Returns:
        For each group a row a user with a positive in it: `user`, `positives`, `normalised_recall@K`. NaN where no
        list holds an item of the group.

    Example:
        >>> from graphrec.evaluation.scorer import TableScorer
        >>> scorer, nothing = TableScorer([[0.9, 0.4, 0.7, 0.1]]), np.empty((0, 2), dtype=int)
        >>> is_high = np.array([True, False, False, True])
        >>> high, low = normalised_recall(scorer, np.array([[0, 0], [0, 1]]), nothing, is_high, (2,))
        >>> high["normalised_recall@2"].tolist(), low["normalised_recall@2"].tolist()
        ([2.0], [0.0])
    """
    num_users = scorer.num_users
    chosen: list[Metric[GroupBlock]] = select(metrics, "item_groups")
    indices = [PairIndex(positives[high[positives[:, 1]] == in_group], num_users) for in_group in (True, False)]
    users = np.flatnonzero(np.bincount(positives[:, 0], minlength=num_users))
    collected = [Collected(int(np.count_nonzero(index.counts))) for index in indices]
    is_high = torch.from_numpy(high)
    for block, scores, best in rank_all(scorer, users, max(cutoffs), PairIndex(excluded, num_users)):
        # Where candidates run out, the list's last ranks hold excluded items, which are in neither group.
        listed = scores.gather(1, best).isfinite().numpy()
        in_high = is_high[best].numpy()
        for table, index, inside in zip(collected, indices, (in_high & listed, ~in_high & listed)):
            rows, items = (torch.from_numpy(numbers) for numbers in index.of(block))
            is_positive = torch.zeros(scores.shape, dtype=torch.bool)
            is_positive[rows, items] = True
            hits, count = is_positive.gather(1, best).numpy() & listed, index.counts[block]
            has = count > 0
            group = GroupBlock(hits[has], inside[has], listed[has], count[has])
            about = {"user": block[has], "positives": count[has]}
            table.add(about | block_terms(chosen, group, cutoffs))
    return [table.metrics(chosen, cutoffs) for table in collected]


def _first(keys: np.ndarray, count: int) -> np.ndarray:
    """bool, the `count` smallest keys, ties by the lower number."""
    chosen = np.zeros(len(keys), dtype=bool)
    chosen[np.argsort(keys, kind="stable")[:count]] = True
    return chosen
