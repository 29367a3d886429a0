"""What `graphrec.runs.analyses` found besides the ranking: for whom, when, of which items, what lists hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from graphrec.errors import GraphrecError
from graphrec.evaluation.metrics import better
from graphrec.evaluation.result_sets import ACTIVITY, DROP, LISTS, OFF_POLICY, RATIOS, SUBSETS
from graphrec.report.compared_methods import compare_methods
from graphrec.report.page import RunPage
from graphrec.report.primitives.plots import Estimate, curve_plot
from graphrec.report.primitives.tables import clear_best, metric_label, metric_names
from graphrec.report.result_table import about, cell, estimate, headline, result_table
from graphrec.report.section import Section
from graphrec.report.trained_method import TrainedMethod
from graphrec.runs.compare import RunComparison


@dataclass(frozen=True)
class _Slice:
    """Result sets that belong together, by their name in a run and in words."""

    key: str
    title: str
    text: str
    result_sets: Mapping[str, str]


SLICES = (
    _Slice(
        "activity",
        "Active and less active users",
        "Active users have the most training clicks; the recipe's `active_share` is their share of all users.",
        dict(zip(ACTIVITY, ("active users", "less active users"))),
    ),
    _Slice(
        "time",
        "Over time",
        "Each user's held-out likes, of validation and test together, divided in order of time into four subsets, for "
        "users with at least four. The drop is 1 minus the ratio of the mean of the last three to the first.",
        dict(zip((*SUBSETS, DROP), ("time 1", "time 2", "time 3", "time 4", "drop"))),
    ),
    _Slice(
        "like-ratio",
        "Items that are liked once clicked, and others",
        "Items in order of likes per click in training: the first third has a high ratio, the others a low one. "
        "Normalised recall is the recall in a group, divided by the share of the lists that the group takes up.",
        dict(zip(RATIOS, ("high like/click ratio", "low like/click ratio"))),
    ),
    _Slice(
        "lists",
        "What the lists are made of",
        "Over all users, with or without held-out likes: no held-out split is read. No value is better in itself.",
        {LISTS: "lists"},
    ),
    _Slice(
        "off-policy",
        "Off-policy estimates",
        "The share of listed items that would be liked, estimated from what was shown at random.",
        {OFF_POLICY: "off-policy"},
    ),
)


class SlicesSection(Section):
    """Each analysis that any method has, on a page of the test split.

    >>> import shutil
    >>> from pathlib import Path
    >>> from graphrec.report.trained_method import methods_of
    >>> from graphrec.runs import analyses
    >>> from graphrec.testing.small_run import small_run
    >>> run = type(small_run())(shutil.copytree(small_run().folder, "run"))
    >>> _ = analyses.of_lists(run)
    >>> page = RunPage(tuple(methods_of([run])), "test", Path("page.html"))
    >>> [shown["title"] for shown in SlicesSection().context(page)["slices"]]
    ['What the lists are made of']
    """

    id = "slices"
    title = "Slices"
    template = "slices.html"

    def context(self, page: RunPage) -> Mapping[str, Any] | None:
        shown = slices(page.methods) if page.split == "test" else []
        return {"slices": shown} if shown else None


def slices(methods: Sequence[TrainedMethod]) -> list[dict[str, Any]]:
    """Each analysis that any method was given: the headline metric of its result sets side by side, and all metrics.

    Methods that were not given an analysis, for every seed, are named in `missing`. Where result sets cannot be
    compared, `error` says why.

    >>> from graphrec.testing.small_run import small_page
    >>> slices(small_page().methods)  # nothing was analysed
    []
    """
    sections = []
    for analysis in SLICES:
        analysed = [method for method in methods if all(map(method.has, analysis.result_sets))]
        if not analysed:
            continue
        shown: dict[str, Any] = {"key": analysis.key, "title": analysis.title, "text": analysis.text, "error": None}
        shown["missing"] = [method.name for method in methods if method not in analysed]
        try:
            result_sets = {result_set: compare_methods(analysed, result_set) for result_set in analysis.result_sets}
        except GraphrecError as error:
            sections.append(shown | {"error": str(error)})
            continue
        tables = [
            (analysis.result_sets[result_set], result_table(result)) for result_set, result in result_sets.items()
        ]
        overview = _overview(analysis, result_sets) if len(result_sets) > 1 else None
        sections.append(shown | {"overview": overview, "tables": tables, "plot": _time_plot(result_sets)})
    return sections


def _overview(analysis: _Slice, result_sets: Mapping[str, RunComparison]) -> dict[str, Any]:
    """The headline metric alone, a column a result set."""
    metric = headline(metric_names(next(iter(result_sets.values())).table))[0]
    measured = {result_set: f"drop_{metric}" if result_set == DROP else metric for result_set in result_sets}
    winners = {
        result_set: clear_best(result.table, measured[result_set], result.tests)
        for result_set, result in result_sets.items()
    }
    rows: dict[str, dict[str, Any]] = {}
    for result_set, result in result_sets.items():
        for index, row in result.table.iterrows():
            shown = rows.setdefault(row["row"], {"method": row["method"], "about": about(row), "cells": {}})
            shown["cells"][result_set] = cell(row, measured[result_set], best=winners[result_set] == index)
    nan = float("nan")
    absent = {"mean": nan, "low": nan, "high": nan, "best": False}
    return {
        "metric": metric_label(metric),
        "headers": [(analysis.result_sets[result_set], better(measured[result_set])) for result_set in result_sets],
        "rows": [
            row | {"cells": [row["cells"].get(result_set, absent) for result_set in result_sets]}
            for row in rows.values()
        ],
    }


def _time_plot(result_sets: Mapping[str, RunComparison]) -> Markup | None:
    """The headline metric over the four subsets."""
    if SUBSETS[0] not in result_sets:
        return None
    metric = headline(metric_names(result_sets[SUBSETS[0]].table))[0]
    curves: dict[str, list[tuple[float, Estimate]]] = {}
    for quarter, result_set in enumerate(SUBSETS, start=1):
        for _, row in result_sets[result_set].table.iterrows():
            curves.setdefault(row["row"], []).append((float(quarter), estimate(row, metric)))
    return Markup(curve_plot(curves, metric, "quarter of each user's held-out likes", "slice-time"))
