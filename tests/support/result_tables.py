"""Tables of committed results in the documents."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from graphrec.report.primitives.tables import cell, markdown_table, metric_label, number

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"


def results_table(folder: str, metrics: list[str]) -> str:
    """A benchmark's rows under some metrics, with intervals."""
    rows = pd.read_csv(RESULTS / folder / "results.csv").set_index("method")
    cells = [[method, *(cell(row, metric) for metric in metrics)] for method, row in rows.iterrows()]
    return _table(["method", *(metric_label(metric) for metric in metrics)], cells)


def dose_response_table(study: str, parameter: str) -> str:
    """A study's mean NDCG@50 by the truth: a row a method, a column a value of the parameter."""
    means = pd.read_csv(RESULTS / f"dose-{study}" / "results.csv").pivot(
        index="method", columns="dose", values="ndcg_do@50"
    )
    order = pd.read_csv(RESULTS / f"dose-{study}" / "results.csv")["method"].drop_duplicates()
    cells = [[method, *map(number, means.loc[method])] for method in order]
    lost = 1 - means.loc["oracle: as observed"] / means.loc["oracle: true effect"]
    cells.append(["*lost by the observational oracle*", *(f"{100 * share:.0f} %" for share in lost)])
    return _table(["method", *(f"{parameter} = {dose:g}" for dose in means.columns)], cells)


def refutation_table(figures: list[str]) -> str:
    """Some figures of the committed refutations: a row a figure, a column a method."""
    rows = pd.read_csv(RESULTS / "refutation" / "results.csv")
    shown = rows.set_index(["figure", "method"])["shown"]
    methods = rows["method"].drop_duplicates().tolist()
    return _table(
        ["figure", *methods],
        [[figure, *(shown.get((figure, method), "–") for method in methods)] for figure in figures],
    )


def _table(headers: list[str], cells: list[list[str]]) -> str:
    return markdown_table(headers, [tuple(row) for row in cells])
