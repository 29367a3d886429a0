"""Result tables: what a metric is called, how a number is written, and which row is clearly the best."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Literal

import pandas as pd

LABELS = {"method": "method", "run": "run", "estimand": "estimand", "users": "users"}
UPPER = ("ndcg", "hr", "mrr")
INTERVENTIONAL = "_do"


def metric_names(table: pd.DataFrame) -> list[str]:
    """The metrics of a result table, in its order."""
    return [column for column in table.columns if f"{column}_low" in table.columns]


def metric_label(name: str) -> str:
    """`ndcg@50` as `NDCG@50`, `ndcg_do@50` as `NDCG@50 (do)`, `rank_correlation_do` as `Rank correlation (do)`."""
    head, at, k = name.partition("@")
    interventional = head.endswith(INTERVENTIONAL)
    head = head.removesuffix(INTERVENTIONAL)
    shown = head.upper() if head in UPPER else head.replace("_", " ").capitalize()
    return shown + (at + k) + (" (do)" if interventional else "")


def better(metric: str) -> Literal["higher", "lower", "nearer 0"]:
    """Which values are better: lower regret, leakage nearer 0 on either side, and more of every other metric."""
    if metric.startswith("leakage"):
        return "nearer 0"
    return "lower" if metric.startswith("regret") else "higher"


def number(value: float) -> str:
    """Four decimals without the leading zero, `.0712`; a dash where nothing was measured."""
    if pd.isna(value):
        return "–"
    text = f"{value:.4f}"
    if text.startswith("0."):
        return text[1:]
    return "-" + text[2:] if text.startswith("-0.") else text


def cell(row: pd.Series, metric: str) -> str:
    """`.0712 [.0698, .0725]`; a dash where the metric was not measured."""
    if pd.isna(row[metric]):
        return "–"
    return f"{number(row[metric])} [{number(row[f'{metric}_low'])}, {number(row[f'{metric}_high'])}]"


def best_row(table: pd.DataFrame, metric: str) -> Hashable | None:
    """Index of the row with the best mean; None where no row has the metric."""
    means = table[metric].dropna()
    if means.empty:
        return None
    match better(metric):
        case "higher":
            return means.idxmax()
        case "lower":
            return means.idxmin()
        case "nearer 0":
            return means.abs().idxmin()


def rivals(table: pd.DataFrame, metric: str, row: Hashable) -> list[Hashable]:
    """The other measured rows whose interval meets that of `row`, touching included.

    An interval that could not be computed (a single user) is taken to meet every other.
    """
    low, high = table[f"{metric}_low"], table[f"{metric}_high"]
    apart = (low > high[row]) | (high < low[row]) | table[metric].isna()
    return [other for other in table.index[~apart] if other != row]


def clear_best(table: pd.DataFrame, metric: str) -> Hashable | None:
    """Index of the best row if its interval is clear of every other's; None if it is not, or stands alone."""
    best = best_row(table, metric)
    if best is None or table[metric].notna().sum() < 2 or rivals(table, metric, best):
        return None
    return best


def metric_rows(table: pd.DataFrame) -> tuple[list[str], list[tuple[str, ...]]]:
    """Headers and rows of a result table for a terminal or a Markdown file."""
    metrics = metric_names(table)
    fixed = [column for column in LABELS if column in table.columns]
    rows = [
        (*(str(row[column]) for column in fixed), *(cell(row, metric) for metric in metrics))
        for _, row in table.iterrows()
    ]
    return [*(LABELS[column] for column in fixed), *map(metric_label, metrics)], rows


def markdown(table: pd.DataFrame) -> str:
    """A result table in Markdown."""
    headers, rows = metric_rows(table)
    lines = [_line(headers), "|" + "---|" * len(headers), *map(_line, rows)]
    return "\n".join(lines) + "\n"


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(" ".join(text.replace("|", "\\|").split()) for text in cells) + " |"
