"""What can be wrong, or surprising, with who clicked how much."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from graphrec.checks.findings import Finding, checks
from graphrec.data.dataset import InteractionDataset

FEW_EVENTS = 3
TOP_SHARE = 0.01
"""Share of the most active users whose share of all clicks is looked at."""


@checks.register("activity")
def check_activity(dataset: InteractionDataset) -> Iterator[Finding]:
    """Findings about the numbers of clicks of users and items."""
    clicks = dataset.pairs("click")
    users, items = clicks["user"].to_numpy(), clicks["item"].to_numpy()
    per_user = np.bincount(users, minlength=dataset.num_users)
    per_item = np.bincount(items, minlength=dataset.num_items)
    for kind, ids, none in (("user", dataset.user_ids, per_user == 0), ("item", dataset.item_ids, per_item == 0)):
        if none.any():
            code = "users_without_clicks" if kind == "user" else "items_never_clicked"
            message = "users have no click" if kind == "user" else "items were never clicked"
            step = f"nothing: a split keeps the {kind}s that train knows"
            yield Finding(code, "info", int(none.sum()), message, str(ids[np.argmax(none)]), step)
    few = per_user < FEW_EVENTS
    if few.any():
        message = f"users have fewer than {FEW_EVENTS} clicked items"
        step = "consider data.filter in the recipe"
        example = str(dataset.user_ids[np.argmax(few)])
        yield Finding("users_with_few_events", "info", int(few.sum()), message, example, step)
    shared = np.zeros(dataset.num_users, dtype=bool)
    shared[users[per_item[items] > 1]] = True
    alone = ~shared & (per_user > 0)
    if alone.any():
        message = "users clicked only items that nobody else clicked: in the graph they are dead ends"
        step = "consider data.filter; only features distinguish such a user's items from others"
        yield Finding("dead_ends", "info", int(alone.sum()), message, str(dataset.user_ids[np.argmax(alone)]), step)
    top = int(TOP_SHARE * dataset.num_users)
    held = np.sort(per_user)[::-1][:top].sum() / max(1, len(clicks))
    if held > 0.5:
        message = f"users, {TOP_SHARE:.0%} of all, hold {held:.1%} of the clicks"
        step = "read metrics as means over users: training is about other users than evaluation"
        example = str(dataset.user_ids[np.argmax(per_user)])
        yield Finding("few_users_hold_most", "warning", top, message, example, step)
