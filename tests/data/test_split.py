"""Splits: what lands in which split, and that nothing leaks."""

import json
import warnings

import numpy as np
import pytest
from pydantic import ValidationError

from graphrec.checks.leaks import audit_leaks
from graphrec.data.split import SplitConfig, left_out, make_split, splitters
from graphrec.errors import SplitError, UnknownNameError

SPLITTERS = list(splitters)


def external(split, pairs):
    ids = split.dataset
    return [(ids.user_ids[user], ids.item_ids[item]) for user, item in pairs]


def test_chronological_cuts_clicks_at_one_moment_and_halves_later_likes(dataset_of):
    # ten click pairs; the first seven are at times 1..7
    early = [("a", "p", "click", 1), ("a", "p", "like", 2), ("a", "q", "click", 2), ("b", "r", "click", 3)]
    early += [("b", "s", "click", 4), ("a", "t", "click", 5), ("b", "u", "click", 6), ("b", "p", "click", 7)]
    late = [("a", "r", "click", 8), ("a", "r", "like", 9), ("a", "s", "like", 11), ("a", "u", "like", 12)]
    split = make_split(dataset_of(early + late), SplitConfig())
    assert external(split, split.train_pairs("click")) == [
        ("a", "p"), ("a", "q"), ("a", "t"), ("b", "p"), ("b", "r"), ("b", "s"), ("b", "u")
    ]  # fmt: skip
    assert external(split, split.train_pairs("like")) == [("a", "p")]
    # three later likes of user a in time order: the first two (half, rounded up) are valid
    assert external(split, split.valid) == [("a", "r"), ("a", "s")]
    assert external(split, split.open_test("a test of the split")) == [("a", "u")]


def test_chronological_leaves_out_late_likes_of_pairs_clicked_early(dataset_of):
    events = [("a", item, "click", time) for time, item in enumerate("pqrstuv")]
    events += [("b", "p", "click", 0), ("b", "q", "click", 0), ("b", "r", "click", 0), ("b", "s", "click", 0)]
    events += [("b", "t", "like", 20), ("b", "u", "like", 21), ("a", "p", "like", 22)]
    split = make_split(dataset_of(events), SplitConfig(train=0.8))
    assert ("a", "p") in external(split, split.train_pairs("click"))
    assert len(split.train_pairs("like")) == 0, "a like later than the cut is not known at training time"
    assert ("a", "p") not in external(split, [*split.valid, *split.open_test("audit")])
    assert split.counts["dropped_likes_clicked_before_cut"] == 1


def test_chronological_never_separates_clicks_of_the_same_moment(random_dataset):
    dataset = random_dataset(0, moments=8)
    split = make_split(dataset, SplitConfig())
    last = split.train["timestamp"].max()
    held = {*external(split, split.valid), *external(split, split.open_test("audit"))}
    firsts = dataset.pairs("click")
    for user, item, time in zip(firsts["user"], firsts["item"], firsts["timestamp"]):
        if (dataset.user_ids[user], dataset.item_ids[item]) in held:
            assert time > last


def test_chronological_drops_what_train_does_not_know(dataset_of):
    events = [("a", item, "click", 1) for item in "pqrstuv"] + [
        ("b", "p", "click", 1),
        ("b", "q", "click", 1),
    ]
    events += [
        ("b", "r", "like", 5),
        ("b", "new", "like", 6),
        ("b", "s", "like", 7),
        ("stranger", "p", "like", 8),
    ]
    split = make_split(dataset_of(events), SplitConfig())
    assert external(split, split.valid) == [("b", "r")]
    assert external(split, split.open_test("audit")) == [("b", "s")]
    assert split.counts["dropped_valid_unknown_item"] == 1
    assert split.counts["dropped_valid_unknown_user"] == 1
    assert (split.counts["dropped_users"], split.counts["dropped_items"]) == (1, 1)
    assert "new" not in split.dataset.item_ids and "stranger" not in split.dataset.user_ids


def test_global_time_cuts_everything_at_two_moments(dataset_of):
    events = [("a", item, "click", time) for time, item in enumerate("pqrstuv")] + [("b", "p", "click", 6)]
    events += [("b", "q", "click", 6), ("b", "r", "like", 8), ("a", "q", "like", 8), ("b", "s", "click", 9)]
    events += [("b", "s", "like", 12), ("b", "t", "like", 13), ("b", "u", "like", 10)]
    dataset = dataset_of(events)
    split = make_split(dataset, SplitConfig(name="global_time", until=(6, 10)))
    assert split.train["timestamp"].max() == 6 and len(split.train_pairs("like")) == 0
    assert external(split, split.valid) == [("b", "r"), ("b", "u")]
    assert external(split, split.open_test("audit")) == [("b", "s"), ("b", "t")]
    assert split.counts["dropped_likes_clicked_before_cut"] == 1, "a clicked q in train"


def test_global_time_finds_its_moments_from_shares(random_dataset):
    dataset = random_dataset(0)
    firsts = dataset.pairs("click")["timestamp"]
    split = make_split(dataset, SplitConfig(name="global_time", train=0.6, valid=0.2))
    for moment, share in ((split.train["timestamp"].max(), 0.6), (dataset.pairs("like")["timestamp"].max(), 1.0)):
        assert abs((firsts <= moment).mean() - share) < 0.03
    liked = dataset.pairs("like").set_index(["user", "item"])["timestamp"]
    users, items = (dict(zip(ids, range(len(ids)))) for ids in (dataset.user_ids, dataset.item_ids))
    latest = max(liked[users[user], items[item]] for user, item in external(split, split.valid))
    earliest = min(liked[users[user], items[item]] for user, item in external(split, split.open_test("audit")))
    assert split.train["timestamp"].max() < latest < earliest


def test_leave_one_out_takes_the_last_two_likes(dataset_of):
    events = [("a", "p", "like", 9), ("a", "q", "like", 3), ("a", "r", "like", 5), ("a", "q", "click", 8)]
    events += [("b", "p", "like", 1), ("b", "r", "like", 2), ("b", "q", "click", 2)]
    split = make_split(dataset_of(events), SplitConfig(name="leave_one_out"))
    assert external(split, split.open_test("audit")) == [("a", "p")]
    assert external(split, split.valid) == [("a", "r")]
    assert external(split, split.train_pairs("like")) == [("a", "q"), ("b", "p"), ("b", "r")]


def test_random_takes_the_stated_shares_of_every_user(dataset_of):
    events = [(user, item, "like") for user in range(20) for item in range(10)]
    split = make_split(dataset_of(events, last=None, click=("like",)), SplitConfig(name="random"))
    for pairs, share in ((split.train_pairs("like"), 7), (split.valid, 1), (split.open_test("audit"), 2)):
        assert np.bincount(pairs[:, 0]).tolist() == [share] * 20


def test_random_depends_on_its_seed_alone(random_dataset):
    splits = [make_split(random_dataset(0), SplitConfig(name="random", seed=seed)) for seed in (1, 1, 2)]
    assert splits[0].hash == splits[1].hash != splits[2].hash


def test_given_follows_the_source_and_prefers_train_to_test_to_valid(dataset_of):
    events = [("a", item, "like", "train") for item in "pqr"] + [("b", item, "like", "train") for item in "pqs"]
    events += [("a", "s", "like", "valid"), ("a", "p", "like", "valid"), ("b", "r", "like", "test")]
    events += [("b", "r", "like", "valid"), ("a", "s", "click", "valid")]
    split = make_split(dataset_of(events, last="part"), SplitConfig(name="given"))
    assert external(split, split.valid) == [("a", "s")]
    assert external(split, split.open_test("audit")) == [("b", "r")]
    assert split.counts["dropped_valid_pairs_in_another_part"] == 2


@pytest.mark.parametrize("name", SPLITTERS)
@pytest.mark.parametrize("seed", range(3))
def test_no_splitter_leaks(name, seed, random_dataset):
    split = make_split(random_dataset(seed), SplitConfig(name=name))
    test = split.open_test("audit")
    assert audit_leaks(split) == []
    seen = set(map(tuple, split.train[["user", "item"]].to_numpy()))
    held = list(map(tuple, [*split.valid, *test]))
    assert len(held) == len(set(held)) > 0
    assert not seen & set(held)
    assert split.valid[:, 0].max() < split.dataset.num_users
    assert test[:, 1].max() < split.dataset.num_items
    assert {item for _, item in held} <= {item for _, item in seen}


@pytest.mark.parametrize("name", SPLITTERS)
def test_the_training_dataset_knows_nothing_of_the_held_out_splits(name, random_dataset):
    split = make_split(random_dataset(4), SplitConfig(name=name))
    assert "part" not in split.dataset.interactions
    assert split.dataset.behaviours == ("click", "like"), "a behaviour without a role is in no split"
    assert split.counts["dropped_events_without_role"] > 0
    assert len(split.train_pairs("click")) == split.counts["train_clicks"]
    likes = set(map(tuple, split.train_pairs("like")))
    assert likes and likes < set(map(tuple, split.train_pairs("click")))


def test_every_opening_of_the_test_split_is_recorded(random_dataset, tmp_path):
    split = make_split(random_dataset(0), SplitConfig())
    ledger = tmp_path / "run" / "ledger.jsonl"
    split.open_test("final table", ledger)
    pairs = split.open_test("final table, again", ledger)
    entries = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert [entry["reason"] for entry in entries] == ["final table", "final table, again"]
    assert {(entry["pairs"], entry["split"]) for entry in entries} == {(len(pairs), split.hash)}
    assert "_test=" not in repr(split)
    pairs[:] = 0
    assert split.open_test("unchanged by what others do to their copy").any()
    with pytest.raises(SplitError, match="reason"):
        split.open_test("  ")


def test_the_hash_changes_with_any_split(random_dataset):
    dataset = random_dataset(0)
    hashes = {make_split(dataset, SplitConfig(name=name)).hash for name in SPLITTERS}
    hashes |= {make_split(dataset, SplitConfig(train=share)).hash for share in (0.5, 0.6)}
    assert len(hashes) == len(SPLITTERS) + 2
    assert make_split(dataset, SplitConfig()).hash == make_split(random_dataset(0), SplitConfig()).hash


def test_mistakes_are_typed_and_say_what_to_do(dataset_of, random_dataset):
    with pytest.raises(UnknownNameError, match="did you mean `chronological`"):
        make_split(random_dataset(0), SplitConfig(name="cronological"))
    timeless = dataset_of([("a", "p", "click"), ("a", "p", "like")], last=None)
    for name in ("chronological", "leave_one_out", "global_time"):
        with pytest.raises(SplitError, match="random"):
            make_split(timeless, SplitConfig(name=name))
    with pytest.raises(SplitError, match="no splits of its own"):
        make_split(timeless, SplitConfig(name="given"))
    with pytest.raises(SplitError, match="nothing for test"):
        make_split(random_dataset(0), SplitConfig(name="random", train=0.9, valid=0.2))
    with pytest.raises(UnknownNameError):
        make_split(random_dataset(0), SplitConfig()).train_pairs("share")
    with pytest.raises(SplitError, match="nothing for test"):
        make_split(random_dataset(0), SplitConfig(name="global_time", train=0.9, valid=0.1))
    with pytest.raises(ValidationError):
        SplitConfig(ratio=0.5)
    with pytest.raises(ValidationError, match="last moment of train first"):
        SplitConfig(name="global_time", until=(5, 5))


def test_times_that_are_all_equal_leave_an_empty_split(dataset_of):
    events = [(user, item, "like", 5) for user in "abc" for item in "pqrs"]
    with pytest.raises(SplitError, match=r"valid split .* is empty"):
        make_split(dataset_of(events, click=("like",)), SplitConfig())


@pytest.mark.parametrize("name", SPLITTERS)
def test_whatever_a_split_leaves_out_is_said_in_words(name, random_dataset):
    counts = make_split(random_dataset(0), SplitConfig(name=name)).counts
    keys = [key for key in counts if key.startswith("dropped_")]
    assert len(keys) >= 7
    for key in keys:
        text = left_out({"train_clicks": 3, key: 1200})
        assert text.endswith(" (1,200)") and text.split(" (")[0] != key.removeprefix("dropped_").replace("_", " ")
        assert left_out({key: 0}) == ""


def test_an_empty_split_says_what_was_left_out_in_words(dataset_of):
    events = [("a", item, "click", time) for time, item in enumerate("pqrstuv")] + [("a", "p", "like", 22)]
    with pytest.raises(SplitError, match=r"left out: likes after the end of train, of pairs .* \(1\)"):
        make_split(dataset_of(events), SplitConfig())


def test_a_setting_that_the_strategy_ignores_is_announced(random_dataset):
    with pytest.warns(UserWarning, match=r"split\.seed is ignored"):
        make_split(random_dataset(0), SplitConfig(seed=3))
    with pytest.warns(UserWarning, match=r"split\.until is ignored"):
        make_split(random_dataset(0), SplitConfig(until=(3, 4)))
    with pytest.warns(UserWarning, match=r"split\.train is ignored"):
        make_split(random_dataset(0), SplitConfig(name="global_time", until=(100, 150), train=0.5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_split(random_dataset(0), SplitConfig(name="random", seed=3))
