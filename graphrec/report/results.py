"""Result tables of the page: a row a run and estimand, and what the numbers say in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from graphrec.comparison import Comparison, paired_tests
from graphrec.evaluation.metrics import better
from graphrec.evaluation.significance import LEVEL
from graphrec.report.plots import Estimate, dot_plot
from graphrec.report.tables import (
    best_row,
    clear_best,
    metric_label,
    metric_names,
    number,
    pair_rows,
    rivals,
    row_names,
)
from graphrec.run import Run, compare, run_labels

PRIMARY = "ndcg@50"

Table = tuple[list[str], Sequence[tuple[str, ...]]]
"""Headers and rows, as the macro `cells` shows them."""


def evaluated(runs: Sequence[Run], part: str) -> list[Run]:
    """The runs of which something is known on `part`."""
    return [run for run in runs if any(entry["part"] == part for entry in run.metrics().values())]


def results(runs: Sequence[Run], names: Mapping[Path, str], part: str) -> Comparison:
    """The comparison, each row with `run` unique to its run and `row`, a name unique to the row.

    Of an ablation only its own estimand is compared, as `method` under the run's name; `variant` keeps the decoder's
    name of it.
    """
    table, by_label = compare(runs, part), dict(zip(run_labels(runs), runs))
    table["variant"] = table["method"]
    for shown in _ablations(runs):
        rows = table["run"] == shown
        own = rows & (table["variant"] == next(iter(by_label[shown].variants())))
        if own.any():
            table.loc[own, "method"] = names[by_label[shown].folder]
            table = table[own | ~rows]
    table = table.reset_index(drop=True)
    kept = [[by_label[shown].per_user(one, part)] for shown, one in zip(table["run"], table["estimand"])]
    table["run"] = [names[by_label[shown].folder] for shown in table["run"]]
    return Comparison(table.assign(row=row_names(table)), paired_tests(dict(enumerate(kept))))


def _ablations(runs: Sequence[Run]) -> list[str]:
    """Labels of the runs that stand beside the method they alter: another run is called as their decoder's own."""
    called = [run.name.casefold() for run in runs]
    own = [next(iter(run.variants())).casefold() for run in runs]
    return [shown for shown, name, one in zip(run_labels(runs), called, own) if name != one and one in called]


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
    best = best_row(table, metric)
    if best is None:
        return f"{metric_label(metric)} could not be measured."
    name, value = table.loc[best, "row"], number(table.loc[best, metric])
    if len(table) == 1:
        return f"{metric_label(metric)} of {name} is {value}."
    extreme = {"higher": "highest", "lower": "lowest", "nearer 0": "smallest"}[better(metric)]
    said = f"{name} has the {extreme} {metric_label(metric)}, {value}"
    _, against = rivals(table, metric, tests)
    near = int((against["p"] >= LEVEL).sum())
    if len(against) and not near:
        return f"{said}, significantly better than the {len(against)} others in the table."
    return f"{said}, but it does not differ significantly from {near} of the {len(table) - 1} others."
