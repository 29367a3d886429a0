"""Result tables as text: a mean and its interval in a cell."""

from __future__ import annotations

import pandas as pd

LABELS = {"method": "method", "run": "run", "estimand": "estimand", "users": "users"}


def metric_names(table: pd.DataFrame) -> list[str]:
    """The metrics of a result table, in its order."""
    return [column for column in table.columns if f"{column}_low" in table.columns]


def metric_label(name: str) -> str:
    """`ndcg@50` as `NDCG@50`, `ndcg_do@50` as `NDCG@50 (do)`."""
    head, at, k = name.partition("@")
    interventional = head.endswith("_do")
    head = head.removesuffix("_do")
    shown = head.upper() if head in ("ndcg", "hr", "mrr") else head.capitalize()
    return shown + (at + k) + (" (do)" if interventional else "")


def cell(row: pd.Series, metric: str) -> str:
    """`.0712 [.0698, .0725]`; a dash where the metric was not measured."""
    if pd.isna(row[metric]):
        return "–"
    return f"{_short(row[metric])} [{_short(row[f'{metric}_low'])}, {_short(row[f'{metric}_high'])}]"


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
    lines = ["| " + " | ".join(headers) + " |", "|" + "---|" * len(headers)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def _short(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.4f}".replace("0.", ".", 1) if value < 1 else f"{value:.4f}"
