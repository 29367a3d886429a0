"""Result tables of the page: a row a method and estimand, and what the numbers say in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from graphrec.evaluation.metrics import better, describe
from graphrec.evaluation.significance import LEVEL
from graphrec.report.primitives.plots import Estimate, dot_plot
from graphrec.report.primitives.tables import (
    clear_best,
    metric_label,
    metric_names,
    number,
    pair_rows,
    primary_metric,
    rivals,
)
from graphrec.runs.compare import RunComparison

PRIMARY = "ndcg@50"


def result_table(comparison: RunComparison) -> dict[str, Any]:
    """All metrics of all rows, for the macro `results`.

    >>> from graphrec.testing.small_run import small_page
    >>> table = result_table(small_page().comparison)
    >>> table["headers"][:2], table["rows"][0]["about"]
    ([('Recall@10', 'higher'), ('NDCG@10', 'higher')], 'ct, observational')
    """
    table = comparison.table
    metrics = metric_names(table)
    winners = {metric: clear_best(table, metric, comparison.tests) for metric in metrics}
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


def ranking(comparison: RunComparison, key: str) -> dict[str, Any]:
    """`result_table` with a plot, a sentence and the tests of each headline metric.

    Args:
        key: prefix of the plots' ids, unique on the page.

    >>> from graphrec.testing.small_run import small_page
    >>> shown = ranking(small_page().comparison, "rank")
    >>> shown["verdicts"], len(shown["plots"])
    (['NDCG@10 of CT is .0000.'], 1)
    """
    table, tests = comparison.table, comparison.tests
    shown = headline(metric_names(table))
    return result_table(comparison) | {
        "plots": [
            Markup(dot_plot([estimate(row, m) for _, row in table.iterrows()], m, f"{key}{n}"))
            for n, m in enumerate(shown)
        ],
        "verdicts": verdicts(comparison),
        "tests": pair_rows(table["row"].tolist(), table, tests[tests["metric"].isin(shown)]),
    }


def verdicts(comparison: RunComparison) -> list[str]:
    """What the numbers say of each headline metric, in a sentence: the best row, and whether it is clearly so.

    >>> rows = {"row": ["CT", "HCR"], "mrr": [0.2, 0.4], "mrr_low": [0.1, 0.3], "mrr_high": [0.3, 0.5]}
    >>> tests = pd.DataFrame({"metric": ["mrr"], "first": [0], "second": [1], "p": [0.01]})
    >>> verdicts(RunComparison(pd.DataFrame(rows), tests))
    ['HCR has the highest MRR, .4000, significantly better than the other.']
    """
    table = comparison.table
    return [_verdict(table, metric, comparison.tests) for metric in headline(metric_names(table))]


def cell(row: pd.Series | Mapping[str, float], metric: str, *, best: bool) -> dict[str, Any]:
    """A mean with its interval, for the macro `results`.

    >>> cell({"mrr": 0.4, "mrr_low": 0.3, "mrr_high": 0.5}, "mrr", best=True)
    {'mean': 0.4, 'low': 0.3, 'high': 0.5, 'best': True}
    """
    return {"mean": row[metric], "low": row[f"{metric}_low"], "high": row[f"{metric}_high"], "best": best}


def about(row: pd.Series) -> str:
    """The run of a row and, where the method's name does not say it, the estimand.

    >>> about(pd.Series({"run": "run 1", "method": "HCR-T", "estimand": "total_effect"}))
    'run 1, total_effect'
    >>> about(pd.Series({"run": "run 1", "method": "front_door", "estimand": "front_door"}))
    'run 1'
    """
    return row["run"] if row["estimand"] == row["method"] else f"{row['run']}, {row['estimand']}"


def headline(metrics: Sequence[str]) -> list[str]:
    """The metrics that are drawn: all of the truth, else NDCG@50 or what comes nearest to it.

    >>> headline(["recall@50", "ndcg@50", "mrr"]), headline(["ndcg_do@50", "regret_do@50"])
    (['ndcg@50'], ['ndcg_do@50', 'regret_do@50'])
    """
    if any(describe(metric).family == "truth" for metric in metrics):
        return list(metrics)
    return [PRIMARY if PRIMARY in metrics else primary_metric(metrics)] if metrics else []


def estimate(row: pd.Series, metric: str) -> Estimate:
    """A mean with its interval and the row's name, for a plot.

    >>> print(estimate(pd.Series({"row": "HCR", "mrr": 0.4, "mrr_low": 0.3, "mrr_high": 0.5}), "mrr"))
    .4000 [.3000, .5000]
    """
    return Estimate(row["row"], row[metric], row[f"{metric}_low"], row[f"{metric}_high"])


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
    # Rows that were measured and not tested are the oracles': they do not compete.
    aside = ", oracles aside," if len(against) + 1 < measured else ""
    sentence = f"{name} has{aside} the {extreme} {metric_label(metric)}, {value}"
    near = int((against["p"] >= LEVEL).sum())
    others = "other" if len(against) == 1 else f"{len(against)} others"
    if len(against) and not near:
        return f"{sentence}, significantly better than the {others}."
    some = "" if len(against) == 1 else f"{near} of "
    return f"{sentence}, but it does not differ significantly from {some}the {others}."
