"""Each alteration changes what it says and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from graphrec.data.split import Split
from graphrec.data.splitters import keys
from graphrec.errors import SplitError
from graphrec.refutation.alterations import (
    MARK_NORM,
    exchange_items,
    keep_share,
    mark_items,
    raise_likes,
    shuffle_modality,
)
from graphrec.testing.planted import ITEMS_EACH, NUM_ITEMS, NUM_USERS, planted_split

MARKED = np.arange(NUM_ITEMS) % 5 == 0


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def split() -> Split:
    return planted_split()


def pairs(split: Split, role: str) -> set[tuple[int, int]]:
    return set(map(tuple, split.train_pairs(role).tolist()))


EVERY: list[Callable[[Split], Split]] = [
    lambda split: shuffle_modality(split, "visual", rng()),
    lambda split: exchange_items(split, rng()),
    lambda split: mark_items(split, ("visual", "title"), MARKED, rng()),
    lambda split: raise_likes(split, MARKED, 0.5, rng()),
    lambda split: keep_share(split, 0.8, rng()),
]


@pytest.mark.parametrize("alter", EVERY)
def test_the_validation_split_stays_and_the_test_split_is_gone(split: Split, alter: Callable[[Split], Split]) -> None:
    before = split.train.copy(), split.dataset.features["visual"].values.copy()
    altered = alter(split)
    assert np.array_equal(altered.valid, split.valid)
    assert len(altered.open_test("to see that it is empty")) == 0
    assert not pairs(altered, "click") & set(map(tuple, split.valid.tolist()))
    assert (altered.dataset.num_users, altered.dataset.num_items) == (NUM_USERS, NUM_ITEMS)
    pd.testing.assert_frame_equal(split.train, before[0])
    assert np.array_equal(split.dataset.features["visual"].values, before[1])


@pytest.mark.parametrize("alter", EVERY)
def test_the_same_chance_gives_the_same_data(split: Split, alter: Callable[[Split], Split]) -> None:
    first, second = alter(split), alter(split)
    pd.testing.assert_frame_equal(first.train, second.train)
    for name, feature in first.dataset.features.items():
        difference = abs(feature.values - second.dataset.features[name].values)
        assert difference.sum() == 0


def test_shuffling_moves_rows_with_their_mask_and_leaves_other_modalities(split: Split) -> None:
    altered = shuffle_modality(split, "visual", rng())
    old, new = split.dataset.features["visual"], altered.dataset.features["visual"]
    rows = {row.tobytes() for row in np.column_stack([old.values, old.mask])}
    assert {row.tobytes() for row in np.column_stack([new.values, new.mask])} == rows
    assert not np.array_equal(new.values, old.values)
    assert not new.values[~new.mask].any()
    assert altered.dataset.features["title"] is split.dataset.features["title"]
    assert altered.train is split.train


def test_exchanging_keeps_the_degrees_and_loses_the_groups(split: Split) -> None:
    altered = exchange_items(split, rng())
    for role in ("click", "like"):
        old, new = split.train_pairs(role), altered.train_pairs(role)
        assert len(new) == len(old)
        assert np.array_equal(np.bincount(new[:, 0]), np.bincount(old[:, 0]))
    old, new = (np.bincount(version.train_pairs("click")[:, 1], minlength=NUM_ITEMS) for version in (split, altered))
    assert np.array_equal(new, old)
    likes = altered.train_pairs("like")
    own_group = (likes[:, 0] // 10 == likes[:, 1] // ITEMS_EACH).mean()
    assert 0.15 < own_group < 0.35
    events = altered.train
    liked = set(keys(altered.dataset, events[events["behaviour"] == "like"]))
    assert liked <= set(keys(altered.dataset, events[events["behaviour"] == "click"]))


def test_data_that_is_full_cannot_be_exchanged(split: Split) -> None:
    held = set(map(tuple, split.valid.tolist()))
    full = [(user, item) for user in range(NUM_USERS) for item in range(NUM_ITEMS) if (user, item) not in held]
    events = pd.DataFrame(full, columns=["user", "item"]).assign(behaviour="click")
    events["behaviour"] = pd.Categorical(events["behaviour"], categories=list(split.dataset.behaviours))
    dense = replace(split, dataset=replace(split.dataset, interactions=events))
    with pytest.raises(SplitError, match="cannot be exchanged"):
        exchange_items(dense, rng())


def test_a_dense_mark_is_one_direction_of_known_length(split: Split) -> None:
    altered = mark_items(split, ("visual",), MARKED, rng())
    old, new = split.dataset.features["visual"], altered.dataset.features["visual"]
    moves = new.values - old.values
    shown = MARKED & old.mask
    assert not moves[~shown].any()
    move = moves[shown].mean(0)
    assert np.allclose(moves[shown], move, atol=1e-5)
    along = old.values[old.mask] @ (move / np.linalg.norm(move))
    assert np.linalg.norm(move) == pytest.approx(MARK_NORM * along.std(), rel=1e-4)


def test_a_marked_title_has_one_more_word(split: Split) -> None:
    altered = mark_items(split, ("title",), MARKED, rng())
    old, new = split.dataset.features["title"], altered.dataset.features["title"]
    assert new.columns is not None and new.columns[-1] == "mark"
    old_words, new_words = old.values.toarray(), new.values.toarray()
    assert np.allclose(new_words.sum(1), 1)
    assert np.array_equal(new_words[:, -1] > 0, MARKED)
    assert np.array_equal(new_words[~MARKED, :-1], old_words[~MARKED])
    words = (old_words > 0).sum(1)
    assert np.allclose(new_words[MARKED, -1], 1 / (words[MARKED] + 1))


@pytest.mark.parametrize("strength", [0.0, 0.25, 1.0])
def test_likes_are_raised_on_clicks_of_marked_items_alone(split: Split, strength: float) -> None:
    altered = raise_likes(split, MARKED, strength, rng())
    assert pairs(altered, "click") == pairs(split, "click")
    raised = pairs(altered, "like") - pairs(split, "like")
    assert pairs(split, "like") <= pairs(altered, "like")
    open_clicks = {pair for pair in pairs(split, "click") - pairs(split, "like") if MARKED[pair[1]]}
    assert raised <= open_clicks
    assert len(raised) == pytest.approx(strength * len(open_clicks), abs=8)
    assert altered.train["behaviour"].cat.categories.equals(split.train["behaviour"].cat.categories)


def test_a_stronger_confounder_raises_the_same_likes_and_more(split: Split) -> None:
    weak, strong = (pairs(raise_likes(split, MARKED, p, rng()), "like") for p in (0.25, 0.5))
    assert weak < strong


def test_a_subset_keeps_the_share_of_each_user_with_the_likes(split: Split) -> None:
    altered = keep_share(split, 0.8, rng())
    old, new = (np.bincount(version.train_pairs("click")[:, 0]) for version in (split, altered))
    assert np.array_equal(new, np.ceil(0.8 * old))
    assert pairs(altered, "like") == pairs(split, "like") & pairs(altered, "click")
    other = keep_share(split, 0.8, rng(1))
    assert pairs(other, "click") != pairs(altered, "click")
    assert len(pairs(keep_share(split, 0.01, rng()), "click")) == NUM_USERS
