"""Every way a dataset can be wrong: what, how often, where, and what to do; and its numbers."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from typing import Any

from graphrec.arguments import items_argument, require_type, wrong_type
from graphrec.checks import activity, behaviours, features, times  # noqa: F401  (importing them registers their checks)
from graphrec.checks.findings import SEVERITIES, Check, Finding, checks
from graphrec.checks.tables import check_tables
from graphrec.data.dataset import InteractionDataset
from graphrec.errors import ComponentError

FIRST = ("behaviours", "times", "activity", "features")
"""The order in which findings of equal severity are listed; those of other checks follow by name."""
CHECKS = "functions from a dataset to findings"


def check(dataset: InteractionDataset, more: Iterable[Check] = ()) -> list[Finding]:
    """All findings about a dataset, errors first.

    Runs every registered check and those that installed packages offer (`graphrec.checks.findings.checks`).

    Args:
        more: further checks to run, functions from a dataset to findings.

    Raises:
        ComponentError: one of `more` fails, or does not give findings. One that a package offers is a warning then.

    >>> import pandas as pd
    >>> from graphrec.data.dataset import dataset_from_events
    >>> events = pd.DataFrame({"user": ["a", "b"], "item": ["x", "y"], "behaviour": "view"})
    >>> dataset = dataset_from_events("tiny", events, feedback={"click": ("view",), "like": ("view",)}, provenance={})
    >>> [finding.code for finding in check(dataset)]
    ['single_behaviour', 'no_times', 'users_with_few_clicks', 'isolated_users']
    """
    require_type("dataset", dataset, InteractionDataset, "an InteractionDataset, such as gr.load('prepared')")
    findings = [*check_tables(dataset)]
    if any(finding.severity == "error" for finding in findings):
        return findings  # the other checks index by what is already known to be wrong
    for name in (*FIRST, *(name for name in checks if name not in FIRST)):
        try:
            findings += _findings(checks.get(name), dataset)
        except ComponentError as error:
            step = str(error.next_step)
            findings.append(Finding("unusable_check", "warning", 1, error.problem, name, step))
    for function in items_argument("more", more, CHECKS):
        if not callable(function):
            raise wrong_type("more", function, CHECKS)
        findings += _findings(function, dataset)
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def _findings(function: Check, dataset: InteractionDataset) -> list[Finding]:
    """What a check finds; a ComponentError where it fails, or gives something else."""
    module = getattr(function, "__module__", "") or ""
    name = f"{module}:{getattr(function, '__qualname__', function)}"
    try:
        findings = list(function(dataset))
    except Exception as error:
        if module.startswith("graphrec."):
            raise  # a bug of ours keeps its traceback
        frame = traceback.extract_tb(error.__traceback__)[-1]
        raise ComponentError(
            f"the check `{name}` failed with {type(error).__name__}: {error}",
            expected="a function from a dataset to findings",
            where=f"{frame.filename}:{frame.lineno}",
            next_step=f"fix `{name}`, or leave it out",
        ) from error
    wrong = [row for row in findings if not isinstance(row, Finding) or row.severity not in SEVERITIES]
    if wrong:
        raise ComponentError(
            f"the check `{name}` gives something else than findings",
            expected=f"instances of graphrec.checks.findings:Finding, severity {', '.join(SEVERITIES)}",
            got=repr(wrong[0]),
            where=name,
            next_step=f"fix `{name}`, or leave it out",
        )
    return findings


def statistics(dataset: InteractionDataset) -> dict[str, Any]:
    """The numbers of a dataset, as papers print them; density is clicks over users times items.

    >>> from graphrec.checks.dataset import statistics
    >>> from graphrec.testing.planted import planted_world
    >>> numbers = statistics(planted_world())
    >>> numbers["users"], numbers["clicks"], numbers["clicks_per_user"], numbers["modalities"]["visual"]["width"]
    (40, 640, 16.0, 6)
    """
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
