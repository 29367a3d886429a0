"""The splitters that graphrec brings, and the keys of pairs that they and others count by."""

from __future__ import annotations

import numpy as np
import pandas as pd

from graphrec.data.dataset import InteractionDataset
from graphrec.data.splitter import RawSplit, SplitConfig, Splitter, splitters
from graphrec.errors import SplitError


@splitters.register("chronological")
class Chronological(Splitter):
    """The earliest share of the clicks is train; each user's later likes are halved in time order (HCR).

    The cut is one moment for all users: the time of the last of the first `train` share of click pairs.
    Everything up to and including that moment is train, so that clicks with equal times are never parted by
    the order of their ids; with coarse times (days) train can be larger than its share. A like is in train if
    it, and thus the click of its pair, is not later than the cut. A like after the cut of a pair clicked
    before it is in no split: the pair is a training click already, and full ranking leaves it out.

    Half of the clicked pairs are train. Of Ann's two later likes the first is valid, the second test.

    >>> from graphrec.testing.small_log import small_log
    >>> dataset = small_log("ann w click 1, ann x click 2, ann y like 3, ann z like 4")
    >>> divided = Chronological.divide(dataset, SplitConfig(train=0.5))
    >>> divided.train["item"].tolist(), divided.valid.tolist(), divided.test.tolist()
    ([0, 1], [[0, 2]], [[0, 3]])
    """

    uses = frozenset({"train"})
    if_empty = "use the split `random`, a smaller split.train, or data with denser likes"

    @classmethod
    def divide(cls, dataset: InteractionDataset, config: SplitConfig) -> RawSplit:
        _need_times(dataset, cls.name)
        clicks = dataset.pairs("click")
        train, later, dropped = _cut(dataset, clicks, _moment(clicks, config.train))
        rank, size = _position_in_user(later)
        # Of an odd number of likes the middle one is valid.
        return _in_two(train, later, rank < (size + 1) // 2, dropped)


@splitters.register("global_time")
class GlobalTime(Splitter):
    """Two moments cut all events: up to the first is train, likes up to the second are valid, later ones test.

    The moments are `until`, or else those by which the shares `train` and `train + valid` of the click pairs have come.
    As in `chronological`, a later like of a pair clicked in train is in no split, and nor are later clicks. A user may
    have likes in one split only; a model that is to serve tomorrow meets the same.

    >>> from graphrec.testing.small_log import small_log
    >>> dataset = small_log("ann w click 1, ann x click 2, ben y like 3, ann z like 4")
    >>> divided = GlobalTime.divide(dataset, SplitConfig(name="global_time", until=(2, 3)))
    >>> divided.train["item"].tolist(), divided.valid.tolist(), divided.test.tolist()
    ([0, 1], [[1, 2]], [[0, 3]])
    """

    uses = frozenset({"train", "valid", "until"})
    if_empty = "use other moments or shares, or the split `chronological`, which cuts the clicks alone"

    @classmethod
    def divide(cls, dataset: InteractionDataset, config: SplitConfig) -> RawSplit:
        _need_times(dataset, cls.name)
        clicks = dataset.pairs("click")
        if config.until is None:
            first, second = _moment(clicks, config.train), _moment(clicks, config.train + config.valid)
        else:
            first, second = config.until
        train, later, dropped = _cut(dataset, clicks, first)
        return _in_two(train, later, (later["timestamp"] <= second).to_numpy(), dropped)


@splitters.register("random")
class Random(Splitter):
    """Shares of every user's likes, drawn at random, are valid and test; all else is train.

    A user with n likes keeps round(n train) of them in train, up to round(n (train + valid)) go to valid, the
    rest to test; every event of a held-out pair leaves train.

    >>> from graphrec.testing.small_log import small_log
    >>> dataset = small_log("ann v click, ann w like, ann x like, ann y like, ann z like", last=None)
    >>> divided = Random.divide(dataset, SplitConfig(name="random", train=0.5, valid=0.25))
    >>> len(divided.train), len(divided.valid), len(divided.test)
    (3, 1, 1)
    """

    uses = frozenset({"train", "valid", "seed"})
    if_empty = "use larger shares, or data with more likes a user"

    @classmethod
    def divide(cls, dataset: InteractionDataset, config: SplitConfig) -> RawSplit:
        events = dataset.interactions
        liked = events[events["behaviour"].isin(dataset.feedback["like"])]
        # `distinct` sorts: the draw does not depend on the order of the rows.
        shuffled = np.random.default_rng(config.seed).permutation(distinct(keys(dataset, liked)))
        likes = pd.DataFrame({"user": shuffled // dataset.num_items, "item": shuffled % dataset.num_items})
        rank, size = _position_in_user(likes)
        # The tiny term keeps halves that binary fractions miss (0.7 + 0.1 < 0.8) rounding up on every machine.
        train_end = np.floor(size * config.train + 0.5 + 1e-9)
        valid_end = np.floor(size * (config.train + config.valid) + 0.5 + 1e-9)
        return _hold_out(dataset, likes, (rank >= train_end) & (rank < valid_end), rank >= valid_end)


@splitters.register("leave_one_out")
class LeaveOneOut(Splitter):
    """Every user's last like is test and the one before it valid, if there are three or more.

    Train holds events later than other users' held-out likes: this split does not respect time across users.

    >>> from graphrec.testing.small_log import small_log
    >>> dataset = small_log("ann x like 1, ann y like 2, ann z like 3, ben x like 4")
    >>> divided = LeaveOneOut.divide(dataset, SplitConfig(name="leave_one_out"))
    >>> divided.train["item"].tolist(), divided.valid.tolist(), divided.test.tolist()
    ([0, 0], [[0, 1]], [[0, 2]])
    """

    if_empty = "use the split `random`: no user has three likes of known items"

    @classmethod
    def divide(cls, dataset: InteractionDataset, config: SplitConfig) -> RawSplit:
        _need_times(dataset, cls.name)
        likes = dataset.pairs("like")
        rank, size = _position_in_user(likes)
        enough = size >= 3
        return _hold_out(dataset, likes, enough & (rank == size - 2), enough & (rank == size - 1))


@splitters.register("given")
class Given(Splitter):
    """The splits that the source names, such as a published split.

    A pair that the source puts into several splits stays in train before test before valid; the others are
    counted. Clicks in valid and test that are no likes are left out.

    >>> from graphrec.testing.small_log import small_log
    >>> dataset = small_log("ann x like train, ann y like valid, ann z like test, ann x like test", last="part")
    >>> divided = Given.divide(dataset, SplitConfig(name="given"))
    >>> divided.valid.tolist(), divided.test.tolist(), divided.dropped["dropped_test_pairs_in_another_part"]
    ([[0, 1]], [[0, 2]], 1)
    """

    if_empty = "use another split: the source's own division does not serve"

    @classmethod
    def divide(cls, dataset: InteractionDataset, config: SplitConfig) -> RawSplit:
        if "part" not in dataset.interactions:
            raise SplitError(
                f"dataset `{dataset.name}` has no splits of its own",
                expected="a column `part` with train, valid and test",
                got=f"columns {', '.join(dataset.interactions.columns)}",
                where="split.name",
                next_step="choose another split, such as `chronological` or `random`",
            )
        events = role_events(dataset)
        unnamed = int(events["part"].isna().sum())
        if unnamed:
            raise SplitError(
                "events are in no split of the source",
                expected="train, valid or test in the column `part`",
                got=f"{unnamed} events with none",
                where=f"dataset `{dataset.name}`",
                next_step="choose another split, such as `random`",
            )
        train = events[events["part"] == "train"]
        liked = events[events["behaviour"].isin(dataset.feedback["like"])]
        taken = keys(dataset, train)
        pairs: dict[str, np.ndarray] = {}
        dropped = {}
        for name in ("test", "valid"):
            in_split = distinct(keys(dataset, liked[liked["part"] == name]))
            all_pairs = distinct(keys(dataset, events[events["part"] == name]))
            fresh = in_split[~np.isin(in_split, taken)]
            dropped[f"dropped_{name}_pairs_in_another_part"] = len(in_split) - len(fresh)
            dropped[f"dropped_{name}_clicks_without_like"] = len(all_pairs) - len(in_split)
            taken = np.concatenate([taken, fresh])
            pairs[name] = np.stack([fresh // dataset.num_items, fresh % dataset.num_items], axis=1)
        return RawSplit(train, pairs["valid"], pairs["test"], dropped)


def role_events(dataset: InteractionDataset) -> pd.DataFrame:
    """The events whose behaviour plays a role.

    >>> from graphrec.testing.small_log import small_log
    >>> role_events(small_log("ann x click 1, ann x share 2, ann x like 3"))["timestamp"].tolist()
    [1, 3]
    """
    names = set(dataset.feedback["click"]) | set(dataset.feedback["like"])
    return dataset.interactions[dataset.interactions["behaviour"].isin(names)]


def keys(dataset: InteractionDataset, table: pd.DataFrame) -> np.ndarray:
    """One int64 for each row's (user, item) pair.

    >>> from graphrec.testing.small_log import small_log
    >>> dataset = small_log("ann x click 1, ben x click 2, ben y click 3")
    >>> keys(dataset, dataset.interactions), dataset.num_items
    (array([0, 2, 3]), 2)
    """
    return table["user"].to_numpy(np.int64) * dataset.num_items + table["item"].to_numpy(np.int64)


def distinct(values: np.ndarray) -> np.ndarray:
    """The distinct integers in order; sorts, as numpy's hashing is slow for millions of keys.

    >>> distinct(np.array([3, 1, 3]))
    array([1, 3])
    """
    ordered = np.sort(values)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered


def _moment(clicks: pd.DataFrame, share: float) -> int:
    """The time of the last of the first `share` of the click pairs, which are in order of time."""
    return int(clicks["timestamp"].iloc[max(1, round(share * len(clicks))) - 1])


def _cut(
    dataset: InteractionDataset, clicks: pd.DataFrame, cut: int
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int]]:
    """The events up to `cut`, the later likes of pairs that were not clicked by then, and what is in neither."""
    events, likes = role_events(dataset), dataset.pairs("like")
    seen = keys(dataset, clicks[clicks["timestamp"] <= cut])
    later = likes[likes["timestamp"] > cut]
    fresh = ~np.isin(keys(dataset, later), seen)
    dropped = {
        "dropped_likes_clicked_before_cut": int((~fresh).sum()),
        "dropped_clicks_after_cut": len(clicks) - len(seen) - int(fresh.sum()),
    }
    return events[events["timestamp"] <= cut], later[fresh], dropped


def _in_two(train: pd.DataFrame, likes: pd.DataFrame, in_valid: np.ndarray, dropped: dict[str, int]) -> RawSplit:
    held = likes[["user", "item"]].to_numpy(np.int64)
    return RawSplit(train, held[in_valid], held[~in_valid], dropped)


def _position_in_user(pairs: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """For each row its position (from 0) among its user's rows, and the number of that user's rows."""
    groups = pairs.groupby("user", sort=False)["item"]
    return groups.cumcount().to_numpy(), groups.transform("size").to_numpy(dtype=np.int64)


def _hold_out(dataset: InteractionDataset, likes: pd.DataFrame, valid: np.ndarray, test: np.ndarray) -> RawSplit:
    events = role_events(dataset)
    held = keys(dataset, likes[valid | test])
    pairs = likes[["user", "item"]].to_numpy(np.int64)
    return RawSplit(events[~np.isin(keys(dataset, events), held)], pairs[valid], pairs[test])


def _need_times(dataset: InteractionDataset, name: str) -> None:
    if not dataset.has_times:
        raise SplitError(
            f"the split `{name}` needs the times of the events",
            expected="a column `timestamp`",
            got=f"dataset `{dataset.name}` without times",
            where="split.name",
            next_step="use the split `random`",
        )
