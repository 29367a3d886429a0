"""What `graphrec.runs.analyses` found besides the ranking: for whom, when, of which items, what lists hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from graphrec.errors import GraphrecError
from graphrec.evaluation.metrics import better
from graphrec.evaluation.result_sets import ACTIVITY, DROP, LISTS, OFF_POLICY, RATIOS, SUBSETS
from graphrec.report.primitives.plots import Estimate, curve_plot
from graphrec.report.primitives.tables import clear_best, metric_label, metric_names
from graphrec.report.sections.ranking import about, cell, estimate, headline, result_table, results
from graphrec.report.trained_method import Trained
from graphrec.runs.compare import Comparison


@dataclass(frozen=True)
class Slice:
    """Parts that belong together, by their name in a run and in words."""

    key: str
    title: str
    text: str
    parts: Mapping[str, str]


SLICES = (
    Slice(
        "activity",
        "Active and less active users",
        "Active are the users with the most training clicks, the recipe's active_share of all.",
        dict(zip(ACTIVITY, ("active users", "less active users"))),
    ),
    Slice(
        "time",
        "Over time",
        "Each user's held-out likes, of validation and test together, in four parts in order of time; users with at "
        "least four. The drop is 1 less the mean of the last three over the first.",
        dict(zip((*SUBSETS, DROP), ("time 1", "time 2", "time 3", "time 4", "drop"))),
    ),
    Slice(
        "like-ratio",
        "Items that are liked once clicked, and others",
        "Items by likes over clicks in training, the first third high, the others low. Normalised recall is the recall "
        "in a group over the share of the lists that the group takes up.",
        dict(zip(RATIOS, ("high like/click ratio", "low like/click ratio"))),
    ),
    Slice(
        "lists",
        "What the lists are made of",
        "Over all users, liked or not; no held-out part is read, and no value is better in itself.",
        {LISTS: "lists"},
    ),
    Slice(
        "off-policy",
        "Off-policy estimates",
        "The share of listed items that would be liked, estimated from what was shown at random.",
        {OFF_POLICY: "off-policy"},
    ),
)


def slices(methods: Sequence[Trained]) -> list[dict[str, Any]]:
    """Each analysis that any method was given: its parts' headline metric side by side, and every metric of each part.

    Methods that were not given an analysis, for every seed, are named in `missing`. Parts that cannot be compared say
    why in `error`.
    """
    found = []
    for one in SLICES:
        judged = [method for method in methods if all(map(method.has, one.parts))]
        if not judged:
            continue
        shown: dict[str, Any] = {"key": one.key, "title": one.title, "text": one.text, "error": None}
        shown["missing"] = [method.name for method in methods if method not in judged]
        try:
            parts = {part: results(judged, part) for part in one.parts}
        except GraphrecError as error:
            found.append(shown | {"error": str(error)})
            continue
        tables = [(one.parts[part], result_table(result)) for part, result in parts.items()]
        overview = _overview(one, parts) if len(parts) > 1 else None
        found.append(shown | {"overview": overview, "tables": tables, "plot": _time_plot(parts)})
    return found


def _overview(one: Slice, parts: Mapping[str, Comparison]) -> dict[str, Any]:
    """The headline metric alone, a column a part."""
    metric = headline(metric_names(next(iter(parts.values())).table))[0]
    measured = {part: f"drop_{metric}" if part == DROP else metric for part in parts}
    winners = {part: clear_best(result.table, measured[part], result.tests) for part, result in parts.items()}
    rows: dict[str, dict[str, Any]] = {}
    for part, result in parts.items():
        for index, row in result.table.iterrows():
            shown = rows.setdefault(row["row"], {"method": row["method"], "about": about(row), "cells": {}})
            shown["cells"][part] = cell(row, measured[part], best=winners[part] == index)
    nan = float("nan")
    absent = {"mean": nan, "low": nan, "high": nan, "best": False}
    return {
        "metric": metric_label(metric),
        "headers": [(one.parts[part], better(measured[part])) for part in parts],
        "rows": [row | {"cells": [row["cells"].get(part, absent) for part in parts]} for row in rows.values()],
    }


def _time_plot(parts: Mapping[str, Comparison]) -> Markup | None:
    """The headline metric over the four subsets."""
    if SUBSETS[0] not in parts:
        return None
    metric = headline(metric_names(parts[SUBSETS[0]].table))[0]
    curves: dict[str, list[tuple[float, Estimate]]] = {}
    for place, part in enumerate(SUBSETS, start=1):
        for _, row in parts[part].table.iterrows():
            curves.setdefault(row["row"], []).append((float(place), estimate(row, metric)))
    return Markup(curve_plot(curves, metric, "quarter of each user's held-out likes", "slice-time"))
