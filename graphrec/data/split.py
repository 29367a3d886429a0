"""Train, valid, and a test split that stays locked until it is opened for a stated reason."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from graphrec.data.dataset import InteractionDataset
from graphrec.data.splitter import RawSplit, SplitConfig, Splitter, splitters
from graphrec.data.splitters import distinct, keys, role_events
from graphrec.errors import ComponentError, SplitError, UnknownNameError
from graphrec.system.owned_folder import append_own_line

_REASONS = {
    "events_without_role": "events that are neither click nor like",
    "likes_clicked_before_cut": "likes after the end of train, of pairs that were clicked in train",
    "clicks_after_cut": "pairs that were first clicked after the end of train and not liked",
    "users": "users without an event in train",
    "items": "items without an event in train",
}
_REASONS_OF_EACH = {
    "unknown_user": "likes of users without an event in train",
    "unknown_item": "likes of items without an event in train",
    "pairs_in_another_part": "likes that another of the source's splits has as well",
    "clicks_without_like": "clicks that are not likes",
}
_REASONS |= {
    f"{key}_{reason}": f"{name} {meaning}"
    for key, name in (("valid", "validation"), ("test", "test"))
    for reason, meaning in _REASONS_OF_EACH.items()
}
"""By the key of a count, without `dropped_`, what it counts."""


@dataclass(frozen=True, eq=False)
class Split:
    """A dataset divided into train, validation and test, with users and items renumbered to those that occur in train.

    Args:
        config: how it was made.
        dataset: the training split alone, its users, items and features; every number below is dense in it.
        valid: `[n, 2]` int64 like pairs, unique, sorted by user and item.
        counts: sizes of the three, and how many pairs, users and items were left out and why.
        hash: hex digest over the ids and the three sets of pairs.

    >>> split = make_split(gr.load(data), SplitConfig())
    >>> split.train_pairs("click").shape, split.valid.shape
    ((289, 2), (24, 2))
    >>> split.open_test("final numbers of the paper", ledger=Path("ledger.jsonl")).shape
    (6, 2)
    >>> json.loads(Path("ledger.jsonl").read_text())["reason"]
    'final numbers of the paper'
    """

    config: SplitConfig
    dataset: InteractionDataset
    valid: np.ndarray
    counts: dict[str, int]
    hash: str
    _test: np.ndarray = field(repr=False)

    @property
    def train(self) -> pd.DataFrame:
        """The training events: `user`, `item`, `behaviour` and, where the source has times, `timestamp`."""
        return self.dataset.interactions

    def train_pairs(self, role: str) -> np.ndarray:
        """Unique training pairs of a role, `[E, 2]` int64 sorted by user and item; clicks include likes.

        Raises:
            UnknownNameError: the role is neither `click` nor `like`.
        """
        if role not in ("click", "like"):
            raise UnknownNameError("feedback role", role, ("click", "like"))
        return _sorted(self.dataset.pairs(role)[["user", "item"]].to_numpy(np.int64))

    def open_test(self, reason: str, ledger: Path | None = None) -> np.ndarray:
        """The test pairs, `[n, 2]` int64 sorted like `valid`. Choose nothing by them.

        Args:
            reason: why the test split is opened now.
            ledger: JSONL file to which this opening is appended (time, reason, pairs, split hash).

        Raises:
            SplitError: no reason given.
        """
        if not reason.strip():
            raise SplitError(
                "the test split opens only for a stated reason", got="an empty reason", next_step="say what it is for"
            )
        if ledger is not None:
            entry = {
                "time": datetime.now(UTC).isoformat(timespec="seconds"),
                "reason": reason,
                "pairs": len(self._test),
                "split": self.hash,
            }
            # Written before the pairs are handed out: no opening goes unrecorded.
            append_own_line(Path(ledger), json.dumps(entry))
        # A copy, so that no caller can change what the next opening gives.
        return self._test.copy()


def make_split(dataset: InteractionDataset, config: SplitConfig) -> Split:
    """Divide a dataset.

    Held-out pairs whose user or item does not occur in train are dropped and counted, unless the configuration
    keeps them.

    Raises:
        UnknownNameError: no such splitter.
        ComponentError: a custom splitter does not give a `RawSplit`.
        SplitError: a split would be empty, or the splitter needs times or splits that the dataset lacks.

    >>> split = make_split(gr.load(data), SplitConfig(name="random", train=0.6, valid=0.2))
    >>> {key: split.counts[key] for key in ("train_clicks", "train_likes", "valid", "test")}
    {'train_clicks': 384, 'train_likes': 55, 'valid': 21, 'test': 8}
    """
    splitter = splitters.get(config.name)
    used = _used_settings(splitter, config)
    _warn_of_ignored(config, used)
    if {"train", "valid"} <= used and config.train + config.valid >= 1:
        raise SplitError(
            "the shares leave nothing for test",
            expected="train + valid < 1",
            got=f"train={config.train}, valid={config.valid}",
            where="split.train, split.valid",
        )
    divided = splitter.divide(dataset, config)
    if not isinstance(divided, RawSplit):
        raise ComponentError(
            f"the splitter `{config.name}` does not give a split",
            expected="a graphrec.data.splitter:RawSplit from `divide`",
            got=repr(divided),
            where="split.name",
            next_step="return one, or name one of " + ", ".join(splitters),
        )
    if len(divided.train) == 0:
        raise _empty("train", dataset, config, divided)
    if config.unseen == "keep":
        users, items = np.arange(dataset.num_users), np.arange(dataset.num_items)
    else:
        users, items = distinct(divided.train["user"].to_numpy()), distinct(divided.train["item"].to_numpy())
    counts = dict(divided.dropped)
    counts["dropped_events_without_role"] = len(dataset.interactions) - len(role_events(dataset))
    held = {}
    for name, pairs in (("valid", divided.valid), ("test", divided.test)):
        known_user, known_item = np.isin(pairs[:, 0], users), np.isin(pairs[:, 1], items)
        counts[f"dropped_{name}_unknown_user"] = int((~known_user).sum())
        # A pair that lacks both counts once, as one of an unknown user.
        counts[f"dropped_{name}_unknown_item"] = int((known_user & ~known_item).sum())
        inside = pairs[known_user & known_item]
        if len(inside) == 0:
            raise _empty(name, dataset, config, divided)
        # `users` and `items` are in order, so the position of an old number is its new number.
        held[name] = _sorted(
            np.stack([np.searchsorted(users, inside[:, 0]), np.searchsorted(items, inside[:, 1])], axis=1)
        )
    counts["dropped_users"] = dataset.num_users - len(users)
    counts["dropped_items"] = dataset.num_items - len(items)
    train = dataset.subset(_clean(dataset, divided.train), users, items)
    liked = train.interactions[train.interactions["behaviour"].isin(dataset.feedback["like"])]
    sizes = {
        "train_clicks": len(distinct(keys(train, train.interactions))),
        "train_likes": len(distinct(keys(train, liked))),
        "valid": len(held["valid"]),
        "test": len(held["test"]),
        "users": train.num_users,
        "items": train.num_items,
    }
    digest = _hash(train, held["valid"], held["test"])
    return Split(config, train, held["valid"], {**sizes, **counts}, digest, held["test"])


def left_out(counts: Mapping[str, int]) -> str:
    """What a split left out and how much of it, as a text; empty where it left nothing out.

    Args:
        counts: `Split.counts`; a custom splitter's own reasons are worded by their keys.

    >>> left_out({"train_clicks": 90, "dropped_clicks_after_cut": 1200, "dropped_users": 3, "dropped_items": 0})
    'pairs that were first clicked after the end of train and not liked (1,200), users without an event in train (3)'
    """
    dropped = {key.removeprefix("dropped_"): n for key, n in counts.items() if key.startswith("dropped_") and n}
    return ", ".join(f"{_REASONS.get(key, key.replace('_', ' '))} ({n:,})" for key, n in dropped.items())


def _clean(dataset: InteractionDataset, train: pd.DataFrame) -> pd.DataFrame:
    """The training events without the column `part` and without the names of behaviours that play no role."""
    roles = {*dataset.feedback["click"], *dataset.feedback["like"]}
    order = [name for name in dataset.behaviours if name in roles]
    events = train.drop(columns="part", errors="ignore")
    return events.assign(behaviour=events["behaviour"].cat.set_categories(order)).reset_index(drop=True)


def _sorted(pairs: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))], dtype=np.int64)


def _hash(dataset: InteractionDataset, valid: np.ndarray, test: np.ndarray) -> str:
    digest = hashlib.sha256()
    for ids in (dataset.user_ids, dataset.item_ids):
        digest.update(json.dumps(ids.tolist()).encode())
    events = dataset.interactions
    # Features are not in the hash: the fingerprint of the data covers them.
    digest.update(json.dumps(dataset.behaviours).encode())
    digest.update(events["behaviour"].cat.codes.to_numpy(np.int64).tobytes())
    for column in ("user", "item", "timestamp"):
        if column in events:
            digest.update(events[column].to_numpy(np.int64).tobytes())
    digest.update(b"valid" + valid.tobytes() + b"test" + test.tobytes())
    return digest.hexdigest()


def _empty(name: str, dataset: InteractionDataset, config: SplitConfig, divided: RawSplit) -> SplitError:
    dropped = left_out(divided.dropped)
    return SplitError(
        f"the {name} split of `{config.name}` is empty",
        expected="at least one pair whose user and item occur in train",
        got=f"{len(divided.train)} train events, {len(divided.valid)} valid and {len(divided.test)} test pairs "
        "before unknown users and items are dropped" + (f"; left out: {dropped}" if dropped else ""),
        where=f"dataset `{dataset.name}`",
        next_step=splitters.get(config.name).if_empty,
    )


def _used_settings(splitter: type[Splitter], config: SplitConfig) -> frozenset[str]:
    """The settings that this division reads: two moments take the place of the shares."""
    moments = "until" in splitter.uses and config.until is not None
    return splitter.uses - {"train", "valid"} if moments else splitter.uses


def _warn_of_ignored(config: SplitConfig, used: frozenset[str]) -> None:
    defaults = SplitConfig()
    for key in ("train", "valid", "until", "seed"):
        if key not in used and getattr(config, key) != getattr(defaults, key):
            warnings.warn(f"split.{key} is ignored by the split `{config.name}`", stacklevel=3)
