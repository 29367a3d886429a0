"""HCR's analyses on small examples whose answer is worked out by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch

from graphrec.errors import DataError
from graphrec.evaluation.scorer import TableScorer
from graphrec.evaluation.slices import active_users, drop, high_ratio_items, normalised_recall, time_subsets

NOTHING = np.empty((0, 2), dtype=np.int64)


def test_the_most_clicking_share_is_active_and_ties_go_to_the_lower_number() -> None:
    counts = [3, 1, 5, 3, 2]
    clicks = np.array([(user, item) for user, count in enumerate(counts) for item in range(count)])
    assert np.flatnonzero(active_users(clicks, 5, 0.4)).tolist() == [0, 2]
    assert np.flatnonzero(active_users(clicks, 5, 0.2)).tolist() == [2]
    assert active_users(clicks, 5, 0.6).sum() == 3


def test_a_third_of_the_items_has_the_high_ratio() -> None:
    clicks = np.array([(user, item) for item, count in enumerate((4, 2, 3, 1, 0, 2)) for user in range(count)])
    likes = np.array([(0, 0), (0, 1), (0, 2), (1, 2), (0, 3)])  # ratios 1/4, 1/2, 2/3, 1, none, 0
    assert np.flatnonzero(high_ratio_items(clicks, likes, 6)).tolist() == [2, 3]


def test_likes_are_divided_by_time_within_each_user() -> None:
    rng = np.random.default_rng(0)
    sizes = {0: 4, 1: 3, 2: 9, 3: 6}
    likes = np.array([(user, 10 * user + n) for user, size in sizes.items() for n in range(size)])
    times = rng.permutation(len(likes))
    shuffled = rng.permutation(len(likes))
    subsets = time_subsets(likes[shuffled], times[shuffled])
    time_of = {tuple(pair): time for pair, time in zip(likes.tolist(), times)}
    for user, size in sizes.items():
        own = [[time_of[tuple(pair)] for pair in subset.tolist() if pair[0] == user] for subset in subsets]
        if size < 4:
            assert own == [[]] * 4, "a user who has not one like for each subset is in none"
            continue
        assert {time for subset in own for time in subset} == {time_of[(user, 10 * user + n)] for n in range(size)}
        assert sum(map(len, own)) == size and max(map(len, own)) - min(map(len, own)) <= 1
        assert all(max(early) < min(late) for early, late in pairwise(own))


def test_too_few_likes_to_divide_are_reported() -> None:
    with pytest.raises(DataError, match="can be divided by time") as caught:
        time_subsets(np.array([[0, 1], [0, 2], [1, 1]]), np.arange(3))
    assert caught.value.got == "at most 2"


def test_the_drop_compares_the_later_subsets_with_the_first() -> None:
    tables = [
        pd.DataFrame({"user": [0, 1], "positives": 1, "mrr": values})
        for values in ([1, 0.6], [0.8, 0.4], [0.4, 0.4], [0.2, 0.2])
    ]
    drops = drop(tables)
    assert list(drops.columns) == ["user", "drop_mrr"]
    assert drops["drop_mrr"].mean() == pytest.approx(1 - 0.4 / 0.8)


def test_normalised_recall_by_hand() -> None:
    """Items 0, 1 are high. Lists of two: user 0 [0, 2], user 1 [2, 1], user 2 [3, 4].

    High: positives 0 and 1 of user 0 (one found), 1 of user 1 (found); their lists are half high: (.5 + 1) / 2 / .5.
    Low: positive 3 of user 1 (not found; list half low), 3 of user 2 (found; all low): (0 + 1) / 2 / .75.
    """
    lists = [[0, 2, 1, 3, 4], [2, 1, 0, 3, 4], [3, 4, 0, 1, 2]]
    scores = torch.zeros(3, 5)
    for user, items in enumerate(lists):
        scores[user, items] = torch.arange(5.0, 0.0, -1.0)
    positives = np.array([(0, 0), (0, 1), (1, 1), (1, 3), (2, 3)])
    high = np.array([True, True, False, False, False])
    tables = normalised_recall(TableScorer(scores, bytes_per_user=2**28), positives, NOTHING, high, (2,))
    assert [table["user"].tolist() for table in tables] == [[0, 1], [1, 2]]
    assert [table["positives"].tolist() for table in tables] == [[2, 1], [1, 1]]
    assert [table["normalised_recall@2"].mean() for table in tables] == pytest.approx([0.75 / 0.5, 0.5 / 0.75])


def test_the_share_of_a_list_that_ends_early_is_of_what_it_holds() -> None:
    """One user has item 0 of two high ones and one low item left to list: half of the list of three is high."""
    excluded = np.array([(0, 1), (0, 3)])
    tables = normalised_recall(
        TableScorer([[4.0, 3.0, 2.0, 1.0]]), np.array([(0, 0)]), excluded, np.array([True, True, False, False]), (3,)
    )
    assert tables[0]["normalised_recall@3"].tolist() == pytest.approx([1 / 0.5]) and tables[1].empty


def test_the_normalised_recall_of_a_ranking_at_random_is_known() -> None:
    """Recall of a group is K / I at random whichever it is, and the list's share of it is its share of the items."""
    rng = np.random.default_rng(0)
    scores = torch.from_numpy(rng.random((400, 60)))
    positives = np.argwhere(rng.random((400, 60)) < 0.2)
    high = np.arange(60) < 20
    tables = normalised_recall(TableScorer(scores), positives, NOTHING, high, (15,))
    means = [table["normalised_recall@15"].mean() for table in tables]
    assert means == pytest.approx([0.25 / (1 / 3), 0.25 / (2 / 3)], rel=0.07)
