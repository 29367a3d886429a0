"""Every way a dataset can be wrong: what, how often, where, and what to do; and its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from graphrec.checks.activity import check_activity
from graphrec.checks.features import check_features
from graphrec.checks.findings import Finding
from graphrec.checks.times import check_times
from graphrec.data.dataset import InteractionDataset, example_pair
from graphrec.data.splitters import keys


def check(dataset: InteractionDataset) -> list[Finding]:
    """All findings about a dataset, errors first."""
    found = [*_tables(dataset)]
    if any(finding.severity == "error" for finding in found):
        return found  # the other checks index by what is already known to be wrong
    found += [*_behaviours(dataset), *check_times(dataset), *check_activity(dataset), *check_features(dataset)]
    return sorted(found, key=lambda finding: ("error", "warning", "info").index(finding.severity))


def statistics(dataset: InteractionDataset) -> dict[str, Any]:
    """The numbers of a dataset, as papers print them; density is clicks over users times items."""
    clicks, likes = len(dataset.pairs("click")), len(dataset.pairs("like"))
    events = dataset.interactions["behaviour"].value_counts()
    cells = dataset.num_users * dataset.num_items
    return {
        "users": dataset.num_users,
        "items": dataset.num_items,
        "clicks": clicks,
        "likes": likes,
        "density": clicks / cells if cells else 0.0,
        "clicks_per_user": clicks / max(1, dataset.num_users),
        "clicks_per_item": clicks / max(1, dataset.num_items),
        "likes_per_click": likes / max(1, clicks),
        "events": {name: int(events.get(name, 0)) for name in dataset.behaviours},
        "times": dataset.has_times,
        "span": _span(dataset),
        "modalities": {
            name: {
                "width": feature.width,
                "kind": "sparse" if feature.is_sparse else "dense",
                "encoder": feature.encoder,
                "layer": feature.layer,
                "role": dataset.roles.get(name),
                "share_missing": float(1 - feature.mask.mean()) if len(feature.mask) else 0.0,
            }
            for name, feature in dataset.features.items()
        },
    }


def _span(dataset: InteractionDataset) -> list[int] | None:
    """The first and the last time, in the dataset's unit."""
    if not dataset.has_times or not len(dataset.interactions) or dataset.interactions["timestamp"].isna().any():
        return None
    return [int(dataset.interactions["timestamp"].min()), int(dataset.interactions["timestamp"].max())]


def _tables(dataset: InteractionDataset) -> Iterator[Finding]:
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
            step = f"merge the rows of this {kind}"
            yield Finding(f"duplicate_{kind}_ids", "error", count, f"{kind} ids occur more than once", example, step)
        dense = events[kind].to_numpy()
        outside = (dense < 0) | (dense >= len(ids))
        if outside.any():
            row = int(np.argmax(outside))
            example = f"row {row}: {kind} {dense[row]}, {len(ids)} {kind}s"
            message = f"events name a dense {kind} out of range"
            yield Finding(f"{kind}_out_of_range", "error", int(outside.sum()), message, example, "number the ids anew")
    for name, feature in dataset.features.items():
        rows = feature.values.shape[0]
        if rows != dataset.num_items or len(feature.mask) != dataset.num_items:
            message = f"feature `{name}` has {rows} rows and {len(feature.mask)} mask entries"
            yield Finding("feature_rows", "error", rows, message, f"{dataset.num_items} items", "align it to the items")
    unknown = {name for names in dataset.feedback.values() for name in names} - set(dataset.behaviours)
    if unknown or set(dataset.feedback) != {"click", "like"}:
        message = "the feedback names behaviours that do not occur, or not both of click and like"
        example = ", ".join(sorted(unknown)) or ", ".join(dataset.feedback)
        step = f"choose among {', '.join(dataset.behaviours)}"
        yield Finding("unknown_feedback", "error", len(unknown), message, example, step)


def _behaviours(dataset: InteractionDataset) -> Iterator[Finding]:
    events = dataset.interactions
    if dataset.single_behaviour:
        message = "the like is nothing but the click, so methods that compare the two have nothing to compare"
        step = "choose another like (data.feedback.like), or a method of one behaviour"
        yield Finding("single_behaviour", "info", 1, message, ", ".join(dataset.feedback["click"]), step)
    for role in ("click", "like"):
        if len(dataset.pairs(role)) == 0:
            played = ", ".join(dataset.feedback[role])
            yield Finding(f"no_{role}s", "error", 0, f"no event plays the {role}", played, "set data.feedback")
    clicked = keys(dataset, events[events["behaviour"].isin(dataset.feedback["click"])])
    likes = dataset.pairs("like")
    unclicked = ~np.isin(keys(dataset, likes), clicked)
    if unclicked.any():
        step = "nothing: a like counts as a click"
        message = "likes come without a click event of their pair"
        example = example_pair(dataset, likes, unclicked)
        yield Finding("likes_without_click", "warning", int(unclicked.sum()), message, example, step)
    repeated = events.duplicated().to_numpy()
    if repeated.any():
        step = "nothing, if the log repeats them; pairs are counted once"
        example = example_pair(dataset, events, repeated)
        yield Finding("duplicate_events", "info", int(repeated.sum()), "events are repeated exactly", example, step)
