"""What makes a dataset's tables contradict each other; the checks of the registry rely on its absence."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from graphrec.checks.findings import Finding
from graphrec.data.dataset import InteractionDataset


def check_tables(dataset: InteractionDataset) -> Iterator[Finding]:
    """Findings about empty tables, ids, row numbers, and the numbers of rows of features.

    >>> from graphrec.checks.tables import check_tables
    >>> from graphrec.testing.planted import planted_world
    >>> dataset = planted_world()
    >>> dataset.item_ids[1] = dataset.item_ids[0]
    >>> [(finding.code, finding.example) for finding in check_tables(dataset)]
    [('duplicate_item_ids', '0')]
    """
    events = dataset.interactions
    for what, size in (
        ("users", dataset.num_users),
        ("items", dataset.num_items),
        ("interactions", len(events)),
    ):
        if size == 0:
            yield Finding("empty", "error", 0, f"the dataset has no {what}", dataset.name, "check the raw files")
    for kind, ids in (("user", dataset.user_ids), ("item", dataset.item_ids)):
        names, times = np.unique(ids.astype(str), return_counts=True)
        if (times > 1).any():
            count, example = int((times - 1).sum()), str(names[np.argmax(times > 1)])
            step = f"give each {kind} one row"
            yield Finding(f"duplicate_{kind}_ids", "error", count, f"{kind} ids occur more than once", example, step)
        dense = events[kind].to_numpy()
        outside = (dense < 0) | (dense >= len(ids))
        if outside.any():
            row = int(np.argmax(outside))
            example = f"row {row}: {kind} number {dense[row]}, where there are {len(ids)} {kind}s"
            message = f"events have a {kind} number that no {kind} has"
            step = f"number {kind}s by their rows in `{kind}_ids`, from 0"
            yield Finding(f"{kind}_out_of_range", "error", int(outside.sum()), message, example, step)
    for name, feature in dataset.features.items():
        rows = feature.values.shape[0]
        if rows != dataset.num_items or len(feature.mask) != dataset.num_items:
            message = f"feature `{name}` has {rows} rows and {len(feature.mask)} mask entries"
            step = "give each a row an item, in the order of `item_ids`"
            yield Finding("feature_rows", "error", rows, message, f"{dataset.num_items} items", step)
    unknown = {name for names in dataset.feedback.values() for name in names} - set(dataset.behaviours)
    if unknown or set(dataset.feedback) != {"click", "like"}:
        message = "`feedback` names behaviours that do not occur, or lacks click or like"
        example = ", ".join(sorted(unknown)) or ", ".join(dataset.feedback)
        step = f"name behaviours for both click and like, of {', '.join(dataset.behaviours)}"
        yield Finding("unknown_feedback", "error", len(unknown), message, example, step)
