"""Every way a dataset or a split can be wrong: what, how often, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from graphrec.data.dataset import InteractionDataset
from graphrec.data.feature_checks import check_features
from graphrec.data.findings import Finding, Severity
from graphrec.data.split import Split
from graphrec.data.split_strategies import distinct, keys

FEW_EVENTS = 3


def check(dataset: InteractionDataset) -> list[Finding]:
    """All findings about a dataset, errors first."""
    found = [*_tables(dataset)]
    if any(finding.severity == "error" for finding in found):
        return found  # the other checks index by what is already known to be wrong
    found += [*_behaviours(dataset), *_times(dataset), *_activity(dataset), *check_features(dataset)]
    return sorted(found, key=lambda finding: ("error", "warning", "info").index(finding.severity))


def audit_leaks(split: Split) -> list[Finding]:
    """What leaks: none if no pair is in two parts and train knows every held-out user and item."""
    dataset = split.dataset
    train = distinct(keys(dataset, dataset.interactions))
    seen_users, seen_items = (distinct(dataset.interactions[kind].to_numpy()) for kind in ("user", "item"))
    # The audit counts; it hands no test pair on and is therefore no opening of the test part.
    parts = {"valid": split.valid, "test": split._test}
    found: list[Finding] = []

    def add(code: str, wrong: np.ndarray, message: str) -> None:
        if wrong.any():
            step = "make the split again; do not evaluate on this one"
            found.append(Finding(code, "error", int(wrong.sum()), message, next_step=step))

    keyed = {}
    for part, pairs in parts.items():
        keyed[part] = pairs[:, 0] * dataset.num_items + pairs[:, 1]
        repeated = np.ones(len(pairs), dtype=bool)
        repeated[np.unique(keyed[part], return_index=True)[1]] = False
        in_train = np.isin(keyed[part], train)
        add(f"{part}_pair_in_train", in_train, f"{part} pairs are among the training pairs")
        add(f"{part}_pair_repeated", repeated, f"{part} pairs occur more than once")
        for kind, column, seen in (("user", 0, seen_users), ("item", 1, seen_items)):
            if split.config.unseen == "keep":
                continue
            unknown = ~np.isin(pairs[:, column], seen)
            add(f"{part}_{kind}_unknown", unknown, f"{part} pairs name a {kind} that train does not know")
    add("pair_in_valid_and_test", np.isin(keyed["valid"], keyed["test"]), "pairs are in valid and in test")
    return found


def statistics(dataset: InteractionDataset) -> dict[str, Any]:
    """The numbers of a dataset's card; density is clicks over users times items."""
    clicks, likes = len(dataset.pairs("click")), len(dataset.pairs("like"))
    events = dataset.interactions["behaviour"].value_counts()
    cells = dataset.num_users * dataset.num_items
    return {
        "users": dataset.num_users,
        "items": dataset.num_items,
        "clicks": clicks,
        "likes": likes,
        "density": clicks / cells if cells else 0.0,
        "events": {name: int(events.get(name, 0)) for name in dataset.behaviours},
        "times": dataset.has_times,
        "modalities": {
            name: {
                "width": feature.width,
                "kind": "sparse" if feature.is_sparse else "dense",
                "role": dataset.roles.get(name),
                "share_missing": float(1 - feature.mask.mean()) if len(feature.mask) else 0.0,
            }
            for name, feature in dataset.features.items()
        },
    }


def _tables(dataset: InteractionDataset) -> Iterator[Finding]:
    events = dataset.interactions
    for what, size in (
        ("users", dataset.num_users),
        ("items", dataset.num_items),
        ("interactions", len(events)),
    ):
        if size == 0:
            yield Finding("empty", "error", 0, f"the dataset has no {what}", next_step="check the raw files")
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
        yield Finding("single_behaviour", "info", 1, message, ", ".join(dataset.feedback["click"]))
    for role in ("click", "like"):
        if len(dataset.pairs(role)) == 0:
            yield Finding(f"no_{role}s", "error", 0, f"no event plays the {role}", next_step="set feedback")
    clicked = keys(dataset, events[events["behaviour"].isin(dataset.feedback["click"])])
    likes = dataset.pairs("like")
    unclicked = ~np.isin(keys(dataset, likes), clicked)
    if unclicked.any():
        step = "nothing: a like counts as a click"
        message = "likes come without a click event of their pair"
        example = _pair(dataset, likes, unclicked)
        yield Finding("likes_without_click", "warning", int(unclicked.sum()), message, example, step)
    repeated = events.duplicated().to_numpy()
    if repeated.any():
        step = "nothing, if the log repeats them; pairs are counted once"
        example = _pair(dataset, events, repeated)
        yield Finding("duplicate_events", "info", int(repeated.sum()), "events are repeated exactly", example, step)


def _times(dataset: InteractionDataset) -> Iterator[Finding]:
    if not dataset.has_times:
        step = "use the split `random`, or `given` where the source names the parts"
        yield Finding("no_times", "info", 0, "the events have no times", next_step=step)
        return
    column = dataset.interactions["timestamp"]
    for code, wrong, message in (
        ("missing_times", column.isna().to_numpy(), "events have no time"),
        ("negative_times", (column < 0).to_numpy(), "times are negative"),
    ):
        if wrong.any():
            example = _pair(dataset, dataset.interactions, wrong)
            severity: Severity = "error" if code == "missing_times" else "warning"
            yield Finding(code, severity, int(wrong.sum()), message, example, "check the time column of the raw files")
    if column.nunique() == 1:
        message = "all events have the same time, so no split by time is possible"
        yield Finding("constant_times", "warning", len(column), message, str(column.iloc[0]), "use the split `random`")


def _activity(dataset: InteractionDataset) -> Iterator[Finding]:
    clicks = dataset.pairs("click")
    per_user = np.bincount(clicks["user"], minlength=dataset.num_users)
    few = per_user < FEW_EVENTS
    if few.any():
        message = f"users have fewer than {FEW_EVENTS} clicked items"
        step = "consider min_pairs, where the source has it"
        example = str(dataset.user_ids[np.argmax(few)])
        yield Finding("users_with_few_events", "info", int(few.sum()), message, example, step)
    never = np.bincount(clicks["item"], minlength=dataset.num_items) == 0
    if never.any():
        message = "items were never clicked"
        step = "nothing: a split keeps the items that train knows"
        example = str(dataset.item_ids[np.argmax(never)])
        yield Finding("items_never_clicked", "info", int(never.sum()), message, example, step)


def _pair(dataset: InteractionDataset, table: Any, wrong: np.ndarray) -> str:
    row = table.iloc[int(np.argmax(wrong))]
    return f"user {dataset.user_ids[row['user']]}, item {dataset.item_ids[row['item']]}"
