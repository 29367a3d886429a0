"""Iterated filtering."""

import numpy as np
import pytest

from graphrec.data.filters import k_core, keep_active
from graphrec.errors import DataError


def test_removal_cascades():
    # user 2 leaves with one pair; item 1 then has only one, and leaves; users 0 and 1 keep two items
    users = np.array([0, 0, 1, 1, 0, 2])
    items = np.array([0, 2, 0, 2, 1, 1])
    assert k_core(users, items, 2).tolist() == [True, True, True, True, False, False]


def test_repeated_events_count_as_one_pair():
    assert not k_core(np.array([0, 0, 0]), np.array([1, 1, 1]), 2).any()


@pytest.mark.parametrize("k", [2, 3, 5])
def test_everyone_left_has_enough(k, random_dataset):
    dataset = random_dataset(0, events=400)
    kept = keep_active(dataset, k)
    pairs = kept.interactions[["user", "item"]].drop_duplicates()
    for column, size in (("user", kept.num_users), ("item", kept.num_items)):
        counts = np.bincount(pairs[column], minlength=size)
        assert counts.min() >= k
    assert kept.provenance["filter"]["users_removed"] == dataset.num_users - kept.num_users


def test_nothing_left_is_an_error(random_dataset):
    with pytest.raises(DataError, match="lower min_pairs"):
        keep_active(random_dataset(0), 1000)
    unfiltered = random_dataset(0)
    assert keep_active(unfiltered, 0) is unfiltered
