"""From per-user values to the rows of a result table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from graphrec.evaluation.intervals import interval
from graphrec.evaluation.metrics import ABOUT_USERS, bounds


def summarise(*per_user: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Mean, interval and number of users of each metric; users without a value are left out.

    A metric that no user has is NaN.

    Args:
        per_user: the table of one run, or those of several seeds on the same users in the same order. Means and
            intervals are then over users and seeds.

    Example:
        >>> table = pd.DataFrame({"user": [0, 1, 2], "recall@5": [0.0, 1.0, 0.5]})
        >>> summarise(table)["recall@5"]["mean"], summarise(table)["recall@5"]["users"]
        (0.5, 3)
    """
    summary = {}
    for column in per_user[0].columns:
        if column in ABOUT_USERS:
            continue
        values = np.stack([table[column].to_numpy(dtype=float) for table in per_user])
        # A user without a value under one seed is left out under all: every seed's mean is over the same users.
        values = values[:, ~np.isnan(values).any(0)]
        low, high = interval(values, bounds=bounds(column))
        users = values.shape[1]
        summary[column] = {
            "mean": float(values.mean(0).mean()) if users else float("nan"), "low": low, "high": high, "users": users
        }  # fmt: skip
    return summary


def table_row(name: str, text: str, summary: dict[str, dict[str, float]]) -> dict[str, Any]:
    """A row of a result table: method, estimand, users, and each metric with the ends of its interval.

    Example:
        >>> row = table_row("HCR", "front_door", {"mrr": {"mean": 0.2, "low": 0.1, "high": 0.3, "users": 60}})
        >>> row["method"], row["users"], row["mrr"], row["mrr_low"], row["mrr_high"]
        ('HCR', 60, 0.2, 0.1, 0.3)
    """
    row: dict[str, Any] = {"method": name, "estimand": text, "users": next(iter(summary.values()))["users"]}
    for metric, value in summary.items():
        row |= {metric: value["mean"], f"{metric}_low": value["low"], f"{metric}_high": value["high"]}
    return row
