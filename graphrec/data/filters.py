"""Iterated filtering: keep only users and items with enough pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from graphrec.data.dataset import InteractionDataset
from graphrec.errors import DataError


def k_core(users: np.ndarray, items: np.ndarray, k: int) -> np.ndarray:
    """Mark the events that stay when users and items with fewer than `k` distinct pairs go, repeatedly.

    Args:
        users, items: `[N]` dense ids of the events; repeated pairs count once.
        k: least number of pairs of every user and every item that stays; 0 and 1 keep everything.

    Returns:
        `[N]` bool, True where the event stays.
    """
    if len(users) == 0:
        return np.zeros(0, dtype=bool)
    width = int(items.max()) + 1
    keys, pair_of = np.unique(users.astype(np.int64) * width + items, return_inverse=True)
    pair_users, pair_items = keys // width, keys % width
    alive = np.ones(len(keys), dtype=bool)
    while True:
        per_user = np.bincount(pair_users[alive], minlength=int(pair_users.max()) + 1)
        per_item = np.bincount(pair_items[alive], minlength=width)
        stays = alive & (per_user[pair_users] >= k) & (per_item[pair_items] >= k)
        if stays.sum() == alive.sum():
            return stays[pair_of]
        alive = stays


def keep_active(dataset: InteractionDataset, k: int) -> InteractionDataset:
    """The k-core of a dataset; what was removed is recorded in its provenance.

    Raises:
        DataError: nothing would be left.
    """
    if k <= 0:
        return dataset
    events = dataset.interactions
    stays = k_core(events["user"].to_numpy(), events["item"].to_numpy(), k)
    if not stays.any():
        raise DataError(
            f"no user and item with at least {k} pairs is left in dataset `{dataset.name}`",
            expected="a smaller min_pairs",
            got=f"min_pairs={k} on {dataset.num_users} users and {dataset.num_items} items",
            next_step="lower min_pairs",
        )
    kept = events[stays]
    smaller = dataset.subset(kept, np.unique(kept["user"]), np.unique(kept["item"]))
    record = {
        "min_pairs": k,
        "users_removed": dataset.num_users - smaller.num_users,
        "items_removed": dataset.num_items - smaller.num_items,
        "events_removed": int((~stays).sum()),
    }
    return replace(smaller, provenance={**dataset.provenance, "filter": record})
