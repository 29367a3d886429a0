"""Filtering by activity: keep only users and items with enough distinct pairs, in one pass or until nothing changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from graphrec.data.dataset import InteractionDataset
from graphrec.errors import DataError


class FilterConfig(BaseModel):
    """Which users and items a recipe keeps, by their distinct pairs of click or like.

    >>> FilterConfig(kind="k_core", users=10)
    FilterConfig(kind='k_core', users=10, items=5)
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["single_pass", "k_core"]
    """`single_pass` counts once, on the unfiltered data (CausalRec), so that some may end below the minimum; `k_core`
    repeats until all that are left have enough."""
    users: int = Field(5, ge=1)
    """Least number of items of a user."""
    items: int = Field(5, ge=1)
    """Least number of users of an item."""


def k_core(users: np.ndarray, items: np.ndarray, k: int, items_k: int | None = None) -> np.ndarray:
    """Mark the events that stay when users and items with too few distinct pairs go, repeatedly.

    Args:
        users, items: `[N]` dense ids of the events; repeated pairs count once.
        k: least number of pairs of every user that stays; 0 and 1 keep everything.
        items_k: that of every item; by default `k`.

    Returns:
        `[N]` bool, True where the event stays.

    User 2 has a single item; without that user, item 1 has a single user, and then user 1 a single item.

    >>> k_core(np.array([0, 0, 1, 1, 2, 3, 3]), np.array([0, 2, 0, 1, 1, 0, 2]), k=2)
    array([ True,  True, False, False, False,  True,  True])
    """
    return _enough(users, items, k, k if items_k is None else items_k, repeat=True)


def single_pass(users: np.ndarray, items: np.ndarray, k: int, items_k: int | None = None) -> np.ndarray:
    """As `k_core`, but users and items are counted once, before anything is removed.

    >>> single_pass(np.array([0, 0, 1, 1, 2, 3, 3]), np.array([0, 2, 0, 1, 1, 0, 2]), k=2)
    array([ True,  True,  True,  True, False,  True,  True])
    """
    return _enough(users, items, k, k if items_k is None else items_k, repeat=False)


def keep_active(dataset: InteractionDataset, k: int) -> InteractionDataset:
    """The k-core of a dataset over pairs of any behaviour; what was removed is recorded in its provenance.

    Raises:
        DataError: nothing would be left.

    >>> dataset = gr.load(data)
    >>> active = keep_active(dataset, 6)
    >>> dataset.num_items, active.num_items, active.provenance["filter"]
    (40, 34, {'min_pairs': 6, 'users_removed': 19, 'items_removed': 6, 'events_removed': 135})
    """
    if k <= 0:
        return dataset
    events = dataset.interactions
    stays = k_core(events["user"].to_numpy(), events["item"].to_numpy(), k)
    if not stays.any():
        raise _nothing_left(dataset, "option min_pairs", f"min_pairs={k}", "lower min_pairs")
    active = events[stays]
    smaller = dataset.subset(active, np.unique(active["user"]), np.unique(active["item"]))
    return _recorded(dataset, smaller, "filter", {"min_pairs": k})


def filtered(dataset: InteractionDataset, config: FilterConfig) -> InteractionDataset:
    """The users and items that a recipe's filter keeps, with all events between them; recorded in the provenance.

    Pairs are those of the click, likes included; behaviours without a role count for nothing.

    Raises:
        DataError: nothing would be left.

    >>> dataset = gr.load(data)
    >>> smaller = filtered(dataset, FilterConfig(kind="single_pass", users=10, items=10))
    >>> dataset.num_items, smaller.num_items, smaller.provenance["recipe_filter"]["kind"]
    (40, 13, 'single_pass')
    """
    pairs = dataset.pairs("click")
    rule = k_core if config.kind == "k_core" else single_pass
    stays = rule(pairs["user"].to_numpy(), pairs["item"].to_numpy(), config.users, config.items)
    if not stays.any():
        got = f"users={config.users}, items={config.items} ({config.kind})"
        raise _nothing_left(dataset, "data.filter", got, "lower data.filter.users or data.filter.items")
    active = pairs[stays]
    smaller = dataset.subset(dataset.interactions, np.unique(active["user"]), np.unique(active["item"]))
    return _recorded(dataset, smaller, "recipe_filter", config.model_dump())


def _enough(users: np.ndarray, items: np.ndarray, per_user: int, per_item: int, *, repeat: bool) -> np.ndarray:
    if len(users) == 0:
        return np.zeros(0, dtype=bool)
    width = int(items.max()) + 1
    keys, pair_of = np.unique(users.astype(np.int64) * width + items, return_inverse=True)
    pair_users, pair_items = keys // width, keys % width
    alive = np.ones(len(keys), dtype=bool)
    while True:
        of_user = np.bincount(pair_users[alive], minlength=int(pair_users.max()) + 1)
        of_item = np.bincount(pair_items[alive], minlength=width)
        stays = alive & (of_user[pair_users] >= per_user) & (of_item[pair_items] >= per_item)
        if not repeat or stays.sum() == alive.sum():
            return stays[pair_of]
        alive = stays


def _recorded(
    dataset: InteractionDataset, smaller: InteractionDataset, key: str, rule: dict[str, Any]
) -> InteractionDataset:
    record = {
        **rule,
        "users_removed": dataset.num_users - smaller.num_users,
        "items_removed": dataset.num_items - smaller.num_items,
        "events_removed": len(dataset.interactions) - len(smaller.interactions),
    }
    return replace(smaller, provenance={**dataset.provenance, key: record})


def _nothing_left(dataset: InteractionDataset, where: str, got: str, next_step: str) -> DataError:
    return DataError(
        f"no user and item with enough pairs is left in dataset `{dataset.name}`",
        expected="fewer pairs that a user or an item must have",
        got=f"{got} on {dataset.num_users} users and {dataset.num_items} items",
        where=where,
        next_step=next_step,
    )
