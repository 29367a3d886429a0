"""Filtering by activity, once or until nothing changes."""

import numpy as np
import pytest

from graphrec.data.filters import FilterConfig, filtered, k_core, keep_active, single_pass
from graphrec.data.split import SplitConfig, make_split
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
    active = keep_active(dataset, k)
    pairs = active.interactions[["user", "item"]].drop_duplicates()
    for column, size in (("user", active.num_users), ("item", active.num_items)):
        counts = np.bincount(pairs[column], minlength=size)
        assert counts.min() >= k
    assert active.provenance["filter"]["users_removed"] == dataset.num_users - active.num_users


def test_nothing_left_is_an_error(random_dataset):
    with pytest.raises(DataError, match="lower min_pairs"):
        keep_active(random_dataset(0), 1000)
    unfiltered = random_dataset(0)
    assert keep_active(unfiltered, 0) is unfiltered


def test_a_single_pass_counts_the_unfiltered_pairs():
    users = np.array([0, 0, 1, 1, 0, 2])
    items = np.array([0, 2, 0, 2, 1, 1])
    # user 2 leaves, and item 1, which had two pairs with it, stays with one
    assert single_pass(users, items, 2).tolist() == [True, True, True, True, True, False]
    assert k_core(users, items, 2, 1).tolist() == [True, True, True, True, True, False]


@pytest.mark.parametrize("kind", ["single_pass", "k_core"])
def test_a_recipe_filter_counts_pairs_that_play_a_role(kind, dataset_of):
    events = [(user, item, "click", 1) for user in "ab" for item in "pq"]
    events += [("a", "p", "share", 2), ("c", "p", "share", 2), ("c", "q", "share", 2), ("d", "p", "like", 3)]
    active = filtered(dataset_of(events), FilterConfig(kind=kind, users=2, items=2))
    assert active.user_ids.tolist() == ["a", "b"], "c only shared, and d has one pair"
    assert active.item_ids.tolist() == ["p", "q"]
    assert len(active.interactions) == 5, "what the others did besides clicking stays"
    assert active.provenance["recipe_filter"] == {
        "kind": kind, "users": 2, "items": 2, "users_removed": 2, "items_removed": 0, "events_removed": 3
    }  # fmt: skip


def test_a_filter_that_removes_something_is_another_split(random_dataset):
    dataset = random_dataset(0)
    hashes = {make_split(dataset, SplitConfig()).hash}
    for users in (1, 18, 20):
        rule = FilterConfig(kind="k_core", users=users, items=1)
        hashes.add(make_split(filtered(dataset, rule), SplitConfig()).hash)
    assert len(hashes) == 3, "one that removes nothing is the same split"


def test_a_recipe_filter_that_leaves_nothing_is_an_error(random_dataset):
    with pytest.raises(DataError, match=r"lower data\.filter"):
        filtered(random_dataset(0), FilterConfig(kind="single_pass", users=1000))
