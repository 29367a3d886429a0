"""Deliberate changes of the training data, each a pure function from split to split.

Users, items and the validation likes stay as they are. An altered split has no test likes, so that nothing can be
measured on it there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import sparse

from graphrec.data.dataset import Feature, InteractionDataset
from graphrec.data.split import Split
from graphrec.data.splitters import distinct, keys
from graphrec.errors import SplitError

MARK_NORM = 3.0
"""Length of a dense mark, in standard deviations of the feature along the mark's direction."""
ROUNDS = 500
"""Attempts at exchanging the last items that a user would have twice."""


def shuffle_modality(split: Split, modality: str, rng: np.random.Generator) -> Split:
    """The rows of one modality, with their mask, permuted over the items.

    >>> import numpy as np
    >>> from graphrec.refutation.alterations import shuffle_modality
    >>> from graphrec.testing.planted import planted_split
    >>> split = planted_split()
    >>> altered = shuffle_modality(split, "visual", np.random.default_rng(0))
    >>> before, after = (which.dataset.features["visual"].values[:, 0] for which in (split, altered))
    >>> np.array_equal(before, after), np.array_equal(np.sort(before), np.sort(after))
    (False, True)
    """
    features = dict(split.dataset.features)
    features[modality] = features[modality].take(rng.permutation(split.dataset.num_items))
    return _altered(split, replace(split.dataset, features=features))


def exchange_items(split: Split, rng: np.random.Generator) -> Split:
    """Every user's training items exchanged for random ones; users and items keep their numbers of pairs.

    The items of all pairs are permuted, then exchanged again wherever a user would have an item twice, or one of their
    validation likes. Behaviours and times stay with the user.

    Raises:
        SplitError: users have so many of the items that no permutation works.

    >>> import numpy as np
    >>> from graphrec.refutation.alterations import exchange_items
    >>> from graphrec.testing.planted import planted_split
    >>> split = planted_split()
    >>> altered = exchange_items(split, np.random.default_rng(0))
    >>> before, after = (which.train_pairs("click") for which in (split, altered))
    >>> np.array_equal(before, after)
    False
    >>> [np.array_equal(np.bincount(before[:, side]), np.bincount(after[:, side])) for side in (0, 1)]
    [True, True]
    """
    dataset = split.dataset
    # Pairs are exchanged, not events: all events of a pair stay together.
    pairs, pair_of_event = np.unique(keys(dataset, dataset.interactions), return_inverse=True)
    users, items = pairs // dataset.num_items, rng.permutation(pairs % dataset.num_items)
    forbidden = split.valid[:, 0] * dataset.num_items + split.valid[:, 1]
    wrong = _clashes(users * dataset.num_items + items, forbidden)
    for _ in range(ROUNDS):
        if not wrong.any():
            events = dataset.interactions.assign(item=items[pair_of_event])
            return _altered(split, replace(dataset, interactions=events))
        # The wrong pairs may have no valid exchange among themselves, so as many others take part.
        others = rng.integers(len(items), size=int(wrong.sum()))
        moved = distinct(np.concatenate([np.flatnonzero(wrong), others]))
        tried = items.copy()
        tried[moved] = items[rng.permutation(moved)]
        still = _clashes(users * dataset.num_items + tried, forbidden)
        # An equal number counts as progress: other pairs may clash now, which are easier to exchange.
        if still.sum() <= wrong.sum():
            items, wrong = tried, still
    raise SplitError(
        "the training items cannot be exchanged at random",
        expected="users who have few of the items",
        got=f"{len(pairs)} pairs of {dataset.num_users} users and {dataset.num_items} items",
        next_step="use data with more items, or users with fewer",
    )


def mark_items(split: Split, modalities: tuple[str, ...], marked: np.ndarray, rng: np.random.Generator) -> Split:
    """A mark in some modalities of some items: what an eye or a reader would see of a hidden cause.

    A dense feature moves along one random direction by `MARK_NORM` standard deviations; a bag gets one more word. An
    item that lacks the modality shows nothing.

    Args:
        marked: `[I]` bool.

    >>> import numpy as np
    >>> from graphrec.refutation.alterations import mark_items
    >>> from graphrec.testing.planted import planted_split
    >>> split = planted_split()
    >>> marked = np.arange(split.dataset.num_items) < 2
    >>> altered = mark_items(split, ("visual",), marked, np.random.default_rng(0))
    >>> moved = altered.dataset.features["visual"].values != split.dataset.features["visual"].values
    >>> np.flatnonzero(moved.any(axis=1)).tolist()
    [0, 1]
    """
    features = dict(split.dataset.features)
    for name in modalities:
        marking = _mark_bag if features[name].is_sparse else _mark_dense
        features[name] = marking(features[name], marked & features[name].mask, rng)
    return _altered(split, replace(split.dataset, features=features))


def raise_likes(split: Split, marked: np.ndarray, strength: float, rng: np.random.Generator) -> Split:
    """Each training click of a marked item that is no like becomes one with probability `strength`.

    With the same `rng` state the likes of a smaller strength are among those of a larger.

    Args:
        marked: `[I]` bool.

    >>> import numpy as np
    >>> from graphrec.refutation.alterations import raise_likes
    >>> from graphrec.testing.planted import planted_split
    >>> split = planted_split()
    >>> marked = np.ones(split.dataset.num_items, dtype=bool)
    >>> [len(raise_likes(split, marked, p, np.random.default_rng(0)).train_pairs("like")) for p in (0.0, 0.5, 1.0)]
    [320, 393, 480]
    """
    dataset = split.dataset
    clicks = dataset.pairs("click")
    plain = clicks[~np.isin(keys(dataset, clicks), keys(dataset, dataset.pairs("like")))]
    raised = plain[marked[plain["item"]] & (rng.random(len(plain)) < strength)]
    like = pd.Categorical([dataset.feedback["like"][0]] * len(raised), categories=list(dataset.behaviours))
    # A raised like has the time of its click.
    events = pd.concat([dataset.interactions, raised.assign(behaviour=like)], ignore_index=True)
    return _altered(split, replace(dataset, interactions=events[dataset.interactions.columns]))


def keep_share(split: Split, share: float, rng: np.random.Generator) -> Split:
    """A random share of each user's training clicks, rounded up, with all events of those pairs.

    >>> import numpy as np
    >>> from graphrec.refutation.alterations import keep_share
    >>> from graphrec.testing.planted import planted_split
    >>> split = planted_split()
    >>> altered = keep_share(split, 0.5, np.random.default_rng(0))
    >>> len(split.train_pairs("click")), len(altered.train_pairs("click"))
    (480, 240)
    """
    dataset = split.dataset
    pairs, pair_of_event = np.unique(keys(dataset, dataset.interactions), return_inverse=True)
    users = pairs // dataset.num_items
    # A stable sort by user keeps the random order within each user, without a loop over users.
    shuffled = rng.permutation(len(pairs))
    order = shuffled[np.argsort(users[shuffled], kind="stable")]
    sizes = np.bincount(users, minlength=dataset.num_users)
    starts = np.cumsum(sizes) - sizes
    rank = np.empty(len(pairs), dtype=np.int64)
    rank[order] = np.arange(len(pairs)) - starts[users[order]]
    # 0.07 * 100 is a little above 7 in binary, and would be rounded up to 8.
    chosen = rank < np.ceil(share * sizes[users] - 1e-9)
    events = dataset.interactions[chosen[pair_of_event]].reset_index(drop=True)
    return _altered(split, replace(dataset, interactions=events))


def _altered(split: Split, dataset: InteractionDataset) -> Split:
    # The counts and the hash were those of the unaltered split.
    return replace(split, dataset=dataset, counts={}, hash="", _test=np.empty((0, 2), dtype=np.int64))


def _clashes(pairs: np.ndarray, forbidden: np.ndarray) -> np.ndarray:
    """`[E]` bool: pairs that repeat an earlier one, or are forbidden."""
    order = np.argsort(pairs, kind="stable")
    repeated = np.zeros(len(pairs), dtype=bool)
    repeated[order[1:]] = pairs[order[1:]] == pairs[order[:-1]]
    return repeated | np.isin(pairs, forbidden)


def _mark_dense(feature: Feature, marked: np.ndarray, rng: np.random.Generator) -> Feature:
    values = np.asarray(feature.values)
    direction = rng.standard_normal(feature.width)
    direction /= np.linalg.norm(direction)
    spread = float((values[feature.mask] @ direction).std())
    return replace(feature, values=(values + np.outer(marked, MARK_NORM * spread * direction)).astype(np.float32))


def _mark_bag(feature: Feature, marked: np.ndarray, rng: np.random.Generator) -> Feature:
    """The new word weighs as much as each of the item's words does on average."""
    values = sparse.csr_array(feature.values)
    words = np.diff(values.indptr)
    weight = np.where(marked, 1.0 / (words + 1), 0.0)
    marks = sparse.csr_array(weight[:, None])
    shrunk = sparse.csr_array(values.multiply((1 - weight)[:, None]))
    columns = None if feature.columns is None else (*feature.columns, "mark")
    return replace(feature, values=sparse.csr_array(sparse.hstack([shrunk, marks])).astype(np.float32), columns=columns)
