"""Result tables of the page: a row a method and estimand, and what the numbers say in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from graphrec.errors import Call, Phrase, RunError
from graphrec.evaluation.baselines import Baseline
from graphrec.evaluation.metrics import better
from graphrec.evaluation.significance import LEVEL
from graphrec.evaluation.summary import summarise, table_row
from graphrec.report.primitives.plots import Estimate, dot_plot
from graphrec.report.primitives.tables import (
    clear_best,
    metric_label,
    metric_names,
    number,
    pair_rows,
    rivals,
    row_names,
)
from graphrec.report.trained_method import Trained
from graphrec.runs.compare import Comparison, compare, paired_tests, summarise_seeds

PRIMARY = "ndcg@50"

Table = tuple[list[str], Sequence[tuple[str, ...]]]
"""Headers and rows, as the macro `cells` shows them."""


def results(methods: Sequence[Trained], result_set: str, baselines: Sequence[Baseline] = ()) -> Comparison:
    """The rows of all methods that are compared, and their tests.

    Args:
        baselines: their rows come first, where they were judged on the result set; those that compete are in the tests.

    Raises:
        RunError: as `rows`.
    """
    table, kept, trainings = rows(methods, result_set)
    beside = [one for one in baselines if result_set in one.per_user]
    if beside:
        table = pd.concat([pd.DataFrame([_beside(one, result_set) for one in beside]), table], ignore_index=True)
    tested = {place: [one.per_user[result_set]] for place, one in enumerate(beside) if one.competes}
    tested |= dict(enumerate(kept, start=len(beside)))
    return Comparison(table, paired_tests(tested, dict(enumerate(trainings, start=len(beside)))))


def _beside(baseline: Baseline, result_set: str) -> dict[str, Any]:
    """A row as `rows` gives it; `run` says what the baseline ranks by."""
    name, row = baseline.name, table_row(baseline.name, baseline.name, summarise(baseline.per_user[result_set]))
    return {"run": baseline.about, **row, "variant": name, "row": name}


def methods_in_order(table: pd.DataFrame) -> list[str]:
    """The methods of what `results` found, what matters most first: each training's first row before its others."""
    return table.assign(more=table["run"].duplicated()).sort_values("more", kind="stable")["method"].tolist()


def rows(
    methods: Sequence[Trained], result_set: str, *, every: bool = False
) -> tuple[pd.DataFrame, list[list[pd.DataFrame]], list[str]]:
    """A row a method and estimand, over the method's seeds.

    Args:
        every: all estimands, not those alone that are compared.

    Returns:
        The table, as `compare` gives it, with `run`, the method's name on the page, `row`, a name unique to the
        row, and `variant`, the decoder's name of the estimand; for each row the per-user table of each seed, and the
        method. An estimand under which not all seeds were evaluated is left out.

    Raises:
        RunError: a run was not evaluated on `result_set`, the runs do not share their split, or a method's seeds share
            no estimand that is compared.
    """
    compare([run for method in methods for run in method.runs], result_set)  # refuses what cannot be compared
    found, kept = [], []
    for method in methods:
        names = None if every else method.compared
        for entries in _shared(method, result_set, names):
            name, estimand = entries[0]["method"], entries[0]["estimand"]
            kept.append([run.per_user(estimand, result_set) for run in method.runs])
            shown = table_row(name if names is None else names[estimand], estimand, summarise_seeds(entries, kept[-1]))
            found.append({"run": method.name, **shown, "variant": name})
    table = pd.DataFrame(found)
    return table.assign(row=row_names(table)), kept, table["run"].tolist()


def _shared(method: Trained, result_set: str, names: Mapping[str, str] | None) -> list[list[dict[str, Any]]]:
    """What was found under each estimand that is shown: an entry a run."""
    of_runs = [
        {one["estimand"]: one for one in run.metrics().values() if one["result_set"] == result_set}
        for run in method.runs
    ]
    labels = of_runs[0] if names is None else names
    shared = [[found[one] for found in of_runs] for one in labels if all(one in found for found in of_runs)]
    if not shared:
        raise RunError(
            f"no estimand to show {method.name} under on {result_set}",
            expected="every seed evaluated under " + ("the same" if names is None else ", ".join(names)),
            got="; ".join(", ".join(found) for found in of_runs),
            where=method.first.folder,
            next_step=Phrase("{} for each seed", Call("run.evaluate([estimand])", "evaluate", "RUN", estimands="NAME")),
        )
    return shared


def result_table(found: Comparison) -> dict[str, Any]:
    """All metrics of all rows, for the macro `results`."""
    table = found.table
    metrics = metric_names(table)
    winners = {metric: clear_best(table, metric, found.tests) for metric in metrics}
    rows = []
    for index, row in table.iterrows():
        cells = [cell(row, metric, best=winners[metric] == index) for metric in metrics]
        rows.append({"method": row["method"], "about": about(row), "cells": cells})
    users = sorted({int(n) for n in table["users"]})
    return {
        "headers": [(metric_label(metric), better(metric)) for metric in metrics],
        "rows": rows,
        "users": f"{users[0]:,}" + (f" to {users[-1]:,}" if len(users) > 1 else ""),
    }


def ranking(found: Comparison, key: str) -> dict[str, Any]:
    """`result_table` with a plot, a sentence and the tests of each headline metric.

    Args:
        key: prefix of the plots' ids, unique on the page.
    """
    table, tests = found.table, found.tests
    shown = headline(metric_names(table))
    return result_table(found) | {
        "plots": [Markup(dot_plot(estimates(table, m), m, f"{key}{n}")) for n, m in enumerate(shown)],
        "verdicts": [_verdict(table, metric, tests) for metric in shown],
        "tests": pair_rows(table["row"].tolist(), table, tests[tests["metric"].isin(shown)]),
    }


def cell(row: pd.Series, metric: str, *, best: bool) -> dict[str, Any]:
    """A mean with its interval, for the macro `results`."""
    return {"mean": row[metric], "low": row[f"{metric}_low"], "high": row[f"{metric}_high"], "best": best}


def about(row: pd.Series) -> str:
    """The run of a row and, where the method's name does not say it, the estimand."""
    return row["run"] if row["estimand"] == row["method"] else f"{row['run']}, {row['estimand']}"


def headline(metrics: Sequence[str]) -> list[str]:
    """The metrics that are drawn: all of the truth, else NDCG@50 or what comes nearest to it."""
    if any("_do" in metric for metric in metrics):
        return list(metrics)
    ndcg = [metric for metric in metrics if metric.startswith("ndcg")]
    return [PRIMARY] if PRIMARY in metrics else (ndcg or list(metrics))[:1]


def estimate(row: pd.Series, metric: str) -> Estimate:
    return Estimate(row["row"], row[metric], row[f"{metric}_low"], row[f"{metric}_high"])


def estimates(table: pd.DataFrame, metric: str) -> list[Estimate]:
    return [estimate(row, metric) for _, row in table.iterrows()]


def _verdict(table: pd.DataFrame, metric: str, tests: pd.DataFrame) -> str:
    if better(metric) == "neither":
        low, high = (number(end) for end in (table[metric].min(), table[metric].max()))
        return f"{metric_label(metric)} is {low} to {high}; neither end is better in itself."
    if len(table) == 1:
        return f"{metric_label(metric)} of {table['row'][0]} is {number(table[metric][0])}."
    best, against = rivals(table, metric, tests)
    measured = int(table[metric].notna().sum())
    if best is None:
        untested = "was not tested: fewer than two users, or rows, have it" if measured else "could not be measured"
        return f"{metric_label(metric)} {untested}."
    name, value = table.loc[best, "row"], number(table.loc[best, metric])
    extreme = {"higher": "highest", "lower": "lowest", "nearer 0": "smallest"}[better(metric)]
    aside = ", oracles aside," if len(against) + 1 < measured else ""
    said = f"{name} has{aside} the {extreme} {metric_label(metric)}, {value}"
    near = int((against["p"] >= LEVEL).sum())
    others = "other" if len(against) == 1 else f"{len(against)} others"
    if len(against) and not near:
        return f"{said}, significantly better than the {others}."
    some = "" if len(against) == 1 else f"{near} of "
    return f"{said}, but it does not differ significantly from {some}the {others}."
