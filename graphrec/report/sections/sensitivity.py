"""How results depend on one setting: the strength of an effect at test time, or a setting that runs differ in alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from graphrec.causal import TotalIndirectEffect, label, parse_estimand
from graphrec.report.compared_methods import method_rows
from graphrec.report.page import RunPage
from graphrec.report.primitives.plots import Estimate, curve_plot
from graphrec.report.primitives.tables import metric_names
from graphrec.report.result_table import estimate, headline
from graphrec.report.section import Section
from graphrec.runs.run import Run

Curves = dict[str, list[tuple[float, Estimate]]]


class SensitivitySection(Section):
    """Plots over the strength of the total indirect effect, and over settings that runs differ in alone.

    >>> from graphrec.testing.small_run import small_page
    >>> SensitivitySection().context(small_page()) is None  # nothing was varied
    True
    """

    id = "sensitivity"
    title = "Sensitivity"
    template = "sensitivity.html"

    def context(self, page: RunPage) -> Mapping[str, Any] | None:
        evaluated = {page.split: page.methods} | {truth.result_set: truth.methods for truth in page.truths}
        of_strengths = strengths(
            [method_rows(methods, name, all_estimands=True).table for name, methods in evaluated.items()]
        )
        compared = [page.comparison.table, *(truth.comparison.table for truth in page.truths)]
        of_settings = settings(page.first_runs, page.method_names, compared)
        return {"strengths": of_strengths, "settings": of_settings} if of_strengths or of_settings else None


def strengths(tables: Sequence[pd.DataFrame]) -> list[Markup]:
    """A plot for each headline metric over the strengths of the total indirect effect, if several.

    Args:
        tables: of every estimand on each result set, see `method_rows`.

    >>> labels = ["total_indirect_effect:strength=0.5", "total_indirect_effect"]
    >>> rows = {"run": "a", "row": labels, "estimand": labels, "mrr": [0.3, 0.4], "mrr_low": 0.2, "mrr_high": 0.5}
    >>> (plot,) = strengths([pd.DataFrame(rows)])
    >>> print(plot.partition("<desc")[2].partition(">")[2].partition("<")[0])
    a: 0.5: .3000 [.2000, .5000], 1: .4000 [.2000, .5000]
    """
    plots: list[Markup] = []
    for table in tables:
        for metric in headline(metric_names(table)):
            curves: Curves = {}
            for _, row in table.iterrows():
                effect = parse_estimand(row["estimand"])[0]
                if isinstance(effect, TotalIndirectEffect):
                    # A label leaves out the default strength, 1. What remains are the other options, which tell the
                    # curves apart.
                    options = label(effect.model_copy(update={"strength": 1.0})).partition(":")[2]
                    name = row["run"] + (f", {options}" if options else "")
                    curves.setdefault(name, []).append((effect.strength, estimate(row, metric)))
            plots += _drawn(curves, metric, "strength (lambda2)", f"strength{len(plots)}")
    return plots


def settings(runs: Sequence[Run], names: Mapping[Path, str], tables: Sequence[pd.DataFrame]) -> list[dict[str, Any]]:
    """For each number in the recipes that runs differ in alone, such as `decoder.beta`, the headline metrics over it.

    Args:
        names: of the runs, as in the tables' column `run`.
        tables: of the compared rows on each result set.

    >>> from graphrec.testing.small_run import small_page
    >>> page = small_page()
    >>> settings(page.first_runs, page.method_names, [page.comparison.table])  # a run alone differs from no other
    []
    """
    recipes = {names[run.folder]: _recipe_of(run) for run in runs}
    shown: list[dict[str, Any]] = []
    for key in dict.fromkeys(key for leaves in recipes.values() for key in leaves if key != "seed"):
        groups: dict[str, dict[str, float]] = {}
        for name, leaves in recipes.items():
            if _is_number(leaves.get(key)):
                # Runs that agree in all other settings are one group.
                others = json.dumps({other: value for other, value in leaves.items() if other != key})
                groups.setdefault(others, {})[name] = leaves[key]
        varied = [runs_at for runs_at in groups.values() if len(set(runs_at.values())) > 1]
        if varied:
            plots = _over_setting(key, varied, recipes, tables, f"setting{len(shown)}-")
            shown.append({"key": key, "plots": plots})
    return shown


def _over_setting(
    key: str,
    groups: Sequence[Mapping[str, float]],
    recipes: Mapping[str, Mapping[str, Any]],
    tables: Sequence[pd.DataFrame],
    prefix: str,
) -> list[Markup]:
    """Plots whose curves are the methods of each group; what else groups differ in is in their names."""
    first = [recipes[next(iter(group))] for group in groups]
    differing = [
        other
        for other in first[0]
        if other not in (key, "decoder.name")
        and all(other in leaves for leaves in first)
        and len({json.dumps(leaves[other]) for leaves in first}) > 1
    ]
    plots: list[Markup] = []
    for table in tables:
        for metric in headline(metric_names(table)):
            curves: Curves = {}
            for group, leaves in zip(groups, first):
                apart = "".join(f", {other.rpartition('.')[2]} {leaves[other]}" for other in differing)
                for _, row in table[table["run"].isin(list(group))].iterrows():
                    curves.setdefault(row["variant"] + apart, []).append((group[row["run"]], estimate(row, metric)))
            plots += _drawn(curves, metric, key, f"{prefix}{len(plots)}")
    return plots


def _drawn(curves: Curves, metric: str, x_label: str, key: str) -> list[Markup]:
    """A plot of the curves that have more than one point; none where there is no such curve."""
    several = {name: sorted(points, key=lambda point: point[0]) for name, points in curves.items() if len(points) > 1}
    return [Markup(curve_plot(several, metric, x_label, key))] if several else []


def _recipe_of(run: Run) -> dict[str, Any]:
    """What a run was made of, by recipe key; its data by what it is, not by where it is."""
    leaves = _leaves(run.recipe.model_dump(mode="json"))
    leaves.pop("data.path", None)
    return leaves | {"data": run.manifest["dataset_fingerprint"][:12]}


def _leaves(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`decoder.beta`: 2.0 and the like; without the run's name, and without the evaluation, which trains nothing."""
    leaves: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            leaves |= _leaves(value, f"{prefix}{key}.")
        elif prefix + key != "name" and not prefix.startswith("evaluation."):
            leaves[prefix + key] = value
    return leaves


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
