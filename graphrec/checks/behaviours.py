"""What can be wrong, or surprising, with the behaviours that count as click and like."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from graphrec.checks.findings import Finding, checks
from graphrec.data.dataset import InteractionDataset, example_pair
from graphrec.data.splitters import keys


@checks.register("behaviours")
def check_behaviours(dataset: InteractionDataset) -> Iterator[Finding]:
    """Findings about the behaviours that count as click and like, and events that are repeated.

    >>> from graphrec.checks.behaviours import check_behaviours
    >>> from graphrec.testing.planted import planted_world
    >>> [finding.code for finding in check_behaviours(planted_world(single_behaviour=True))]
    ['single_behaviour']
    """
    events = dataset.interactions
    if dataset.single_behaviour:
        message = "click and like are the same behaviour, so methods that compare the two have nothing to compare"
        step = "choose another like (data.feedback.like), or a method of one behaviour"
        yield Finding("single_behaviour", "info", 1, message, ", ".join(dataset.feedback["click"]), step)
    for role in ("click", "like"):
        if len(dataset.pairs(role)) == 0:
            names = ", ".join(dataset.feedback[role])
            step = f"name behaviours that occur in the log by data.feedback.{role}"
            yield Finding(f"no_{role}s", "error", 0, f"no event counts as a {role}", names, step)
    clicked = keys(dataset, events[events["behaviour"].isin(dataset.feedback["click"])])
    likes = dataset.pairs("like")
    unclicked = ~np.isin(keys(dataset, likes), clicked)
    if unclicked.any():
        step = "nothing: a like counts as a click"
        message = "liked pairs of user and item have no click event"
        example = example_pair(dataset, likes, unclicked)
        yield Finding("likes_without_click", "warning", int(unclicked.sum()), message, example, step)
    repeated = events.duplicated().to_numpy()
    if repeated.any():
        step = "nothing: each pair of user and item counts once"
        example = example_pair(dataset, events, repeated)
        yield Finding(
            "duplicate_events", "info", int(repeated.sum()), "events repeat an earlier one exactly", example, step
        )
