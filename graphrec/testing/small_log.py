"""A dataset of a few events, written as one text: for examples and tests of splitters, filters and checks."""

from __future__ import annotations

import pandas as pd

from graphrec.data.dataset import InteractionDataset, dataset_from_events


def small_log(events: str, last: str | None = "timestamp") -> InteractionDataset:
    """A dataset without features; the behaviour `click` is the click, and `like` the like.

    Args:
        events: `user item behaviour time`, with commas between events.
        last: what the fourth word is: `timestamp`, `part`, or None where there are three words.

    >>> dataset = small_log("ann x click 1, ben x like 3")
    >>> dataset.user_ids.tolist(), dataset.interactions["timestamp"].tolist()
    (['ann', 'ben'], [1, 3])
    """
    columns = ["user", "item", "behaviour", *([last] if last else [])]
    table = pd.DataFrame([event.split() for event in events.split(",")], columns=columns)
    if last == "timestamp":
        table["timestamp"] = table["timestamp"].astype("int64")
    feedback = {"click": ("click",), "like": ("like",)}
    return dataset_from_events("small log", table, feedback=feedback, provenance={})
