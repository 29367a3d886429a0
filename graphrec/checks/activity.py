"""What can be wrong, or surprising, with who clicked how much."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from graphrec.checks.findings import Finding, checks
from graphrec.data.dataset import InteractionDataset

FEW_CLICKS = 3
TOP_SHARE = 0.01
"""The most active users are these many of all; reported is where they made most clicks."""


@checks.register("activity")
def check_activity(dataset: InteractionDataset) -> Iterator[Finding]:
    """Findings about the numbers of clicks of users and items.

    >>> import pandas as pd
    >>> from graphrec.checks.activity import check_activity
    >>> from graphrec.data.dataset import dataset_from_events
    >>> events = pd.DataFrame({"user": ["ann", "ben", "eve"], "item": ["x", "x", "y"], "behaviour": "click"})
    >>> feedback = {"click": ("click",), "like": ("click",)}
    >>> dataset = dataset_from_events("films", events, feedback=feedback, provenance={})
    >>> [(finding.code, finding.count, finding.example) for finding in check_activity(dataset)]
    [('users_with_few_clicks', 3, 'ann'), ('isolated_users', 1, 'eve')]
    """
    clicks = dataset.pairs("click")
    users, items = clicks["user"].to_numpy(), clicks["item"].to_numpy()
    per_user = np.bincount(users, minlength=dataset.num_users)
    per_item = np.bincount(items, minlength=dataset.num_items)
    for kind, ids, inactive in (("user", dataset.user_ids, per_user == 0), ("item", dataset.item_ids, per_item == 0)):
        if inactive.any():
            code = "users_without_clicks" if kind == "user" else "items_never_clicked"
            message = "users have no click" if kind == "user" else "items were never clicked"
            step = f"nothing: a split leaves out {kind}s without training clicks (split.unseen = `keep` keeps them)"
            yield Finding(code, "info", int(inactive.sum()), message, str(ids[np.argmax(inactive)]), step)
    few = per_user < FEW_CLICKS
    if few.any():
        message = f"users clicked fewer than {FEW_CLICKS} different items"
        step = "nothing, or leave them out by data.filter in the recipe"
        example = str(dataset.user_ids[np.argmax(few)])
        yield Finding("users_with_few_clicks", "info", int(few.sum()), message, example, step)
    shared = np.zeros(dataset.num_users, dtype=bool)
    shared[users[per_item[items] > 1]] = True
    alone = ~shared & (per_user > 0)
    if alone.any():
        message = "users clicked only items that nobody else clicked: the graph links them to no other user"
        step = "nothing, or leave them out by data.filter in the recipe: models learn of them by item features alone"
        example = str(dataset.user_ids[np.argmax(alone)])
        yield Finding("isolated_users", "info", int(alone.sum()), message, example, step)
    top = int(TOP_SHARE * dataset.num_users)
    share = np.sort(per_user)[::-1][:top].sum() / max(1, len(clicks))
    if share > 0.5:
        message = f"the most active {TOP_SHARE:.0%} of the users made {share:.1%} of the clicks"
        step = "mind it in the metrics: training follows the most active users, evaluation counts all users alike"
        example = str(dataset.user_ids[np.argmax(per_user)])
        yield Finding("few_users_made_most_clicks", "warning", top, message, example, step)
