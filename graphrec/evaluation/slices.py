"""HCR's analyses: for whom, when, and of items that are liked once clicked or not (Zhu et al., TKDE 2024, section 4).

    activity    the share of the users with the most training clicks is active, the others are less active; the metrics
                are those of the ranking, averaged over each group
    time        each user's held-out likes, of valid and test together, in order of time and divided into four as equal
                in size as can be; the metrics are those of the ranking with one subset as the positives
    like ratio  items in order of likes / clicks in training, the first third high and the others low; for each group

        normalised Recall@K  mean_u (hits in the group / positives in the group)  /  mean_u (share of the list in it)

The paper takes 40 % of the users as active on Tiktok and Kwai and 20 % on Taobao. It leaves open what follows, which
is our reading: clicks and likes are counted in training; ties in a ranking of users or items go to the lower number;
time subsets are of users with four held-out likes or more, so that all four means are over the same users; the third
with the highest ratios is the smaller part of 1:2; both means of normalised recall are over the users with a positive
in the group.
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
from graphrec.evaluation.metrics.columns import block_terms, combined
from graphrec.evaluation.ranking import PairIndex, rank_all
from graphrec.evaluation.scorer import Scorer

SUBSETS = 4


def active_users(clicks: np.ndarray, num_users: int, share: float) -> np.ndarray:
    """`[U]` bool, the `share` of users with the most click pairs, rounded to whole users.

    Args:
        clicks: `[E, 2]` training pairs.
    """
    counts = np.bincount(clicks[:, 0], minlength=num_users)
    return _first(-counts, round(share * num_users))


def high_ratio_items(clicks: np.ndarray, likes: np.ndarray, num_items: int) -> np.ndarray:
    """`[I]` bool, the third of the items with the highest likes / clicks; an item without clicks has 0.

    Args:
        clicks, likes: `[E, 2]` training pairs.
    """
    clicked, liked = (np.bincount(pairs[:, 1], minlength=num_items) for pairs in (clicks, likes))
    return _first(-liked / np.maximum(clicked, 1), round(num_items / 3))


def time_subsets(likes: np.ndarray, times: np.ndarray) -> list[np.ndarray]:
    """Four `[n, 2]` parts of each user's likes, earliest first; users with fewer than four likes are in none.

    Args:
        likes: `[n, 2]` pairs.
        times: `[n]`; equal times are put in order of items.

    Raises:
        DataError: no user has four likes.
    """
    order = np.lexsort((likes[:, 1], times, likes[:, 0]))
    likes = likes[order]
    _, first, counts = np.unique(likes[:, 0], return_index=True, return_counts=True)
    size, place = np.repeat(counts, counts), np.arange(len(likes)) - np.repeat(first, counts)
    if not (size >= SUBSETS).any():
        raise DataError(
            "no user's held-out likes can be divided by time",
            expected=f"a user with {SUBSETS} held-out likes or more",
            got=f"at most {counts.max(initial=0)}",
            next_step="use a split that holds out more likes",
        )
    subset = np.where(size >= SUBSETS, SUBSETS * place // size, -1)
    return [likes[subset == one] for one in range(SUBSETS)]


def drop(subsets: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """`drop_METRIC` for each metric: 1 - the mean over the later subsets / the mean of the first, `linearised`.

    Args:
        subsets: per-user tables of the same users.
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
        dataset: what the split was made of.

    Raises:
        DataError: the dataset has no times.
    """
    if not dataset.has_times:
        raise DataError(
            "likes cannot be put in order of time",
            expected="a column `timestamp`",
            got=f"dataset `{dataset.name}` without times",
        )
    likes = dataset.pairs("like")
    user_of, item_of = (
        pd.Index(ids).get_indexer(known)
        for ids, known in ((split.dataset.user_ids, dataset.user_ids), (split.dataset.item_ids, dataset.item_ids))
    )
    users, items, width = user_of[likes["user"]], item_of[likes["item"]], split.dataset.num_items
    known = (users >= 0) & (items >= 0)
    keys, times = users[known] * width + items[known], likes["timestamp"].to_numpy()[known]
    order = np.argsort(keys)
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
        scorer, positives, excluded, cutoffs: as for `evaluate`.
        high: `[I]` bool, which items are in the high group.

    Returns:
        For each group a row a user with a positive in it: `user`, `positives`, `normalised_recall@K`. NaN where no
        list holds an item of the group.
    """
    num_users = scorer.num_users
    chosen: list[Metric[GroupBlock]] = select(metrics, "item_groups")
    indices = [PairIndex(positives[high[positives[:, 1]] == in_group], num_users) for in_group in (True, False)]
    users = np.flatnonzero(np.bincount(positives[:, 0], minlength=num_users))
    collected = [Collected(int(np.count_nonzero(index.counts))) for index in indices]
    is_high = torch.from_numpy(high)
    for block, scores, best in rank_all(scorer, users, max(cutoffs), PairIndex(excluded, num_users)):
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
    return [_finished(table.table(), chosen, cutoffs) for table in collected]


def _finished(table: pd.DataFrame, chosen: Sequence[Metric[GroupBlock]], cutoffs: tuple[int, ...]) -> pd.DataFrame:
    """The users' terms of the metrics made their values."""
    terms = {str(name): table[name].to_numpy() for name in table.columns[2:]}
    return table[["user", "positives"]].assign(**combined(chosen, terms, cutoffs))


def _first(keys: np.ndarray, count: int) -> np.ndarray:
    """bool, the `count` smallest keys, ties by the lower number."""
    chosen = np.zeros(len(keys), dtype=bool)
    chosen[np.argsort(keys, kind="stable")[:count]] = True
    return chosen
