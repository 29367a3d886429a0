"""Ranking metrics per user, from the positions of a user's positives in the ranking of all items.

Means are taken over users with at least one positive. With hits h_r = 1 where the item at rank r (from 1) is positive
and P the number of positives:

    Recall@K     sum_{r<=K} h_r / P
    Precision@K  sum_{r<=K} h_r / K
    HR@K         1 if any h_r = 1 with r <= K
    NDCG@K       sum_{r<=K} h_r / log2(r + 1)  /  sum_{r<=min(K,P)} 1 / log2(r + 1)
    MAP@K        sum_{r<=K} h_r Precision@r / min(K, P)
    MRR          1 / rank of the first positive, over the full list

Worked example: positives {a, b}, ranking c, a, d, b, K = 3: Recall .5, Precision .333, HR 1, NDCG (1/log2 3) / (1 +
1/log2 3) = .387, MAP .5 / 2 = .25, MRR .5.

NDCG has binary gains (Jarvelin and Kekalainen, TOIS 2002). TREC's `map_cut` divides by P where MAP@K divides by
min(K, P), the most that a list of length K can hold, so that the best list earns 1 as it does in NDCG.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pandas as pd

from graphrec.evaluation.crossed import error_of_difference, error_of_mean

DEFAULT_K = (50, 100)
ABOUT_USERS = ("user", "positives", "shown")
"""Columns of a per-user table that are no metrics."""


def metrics_at(hits: np.ndarray, positives: np.ndarray, cutoffs: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Recall, NDCG, HR, precision and MAP at each cutoff.

    Args:
        hits: `[b, K_max]` bool, whether the item at each rank is a positive.
        positives: `[b]` number of positives, at least 1.
        cutoffs: the Ks, none above K_max unless the list holds all items.

    Returns:
        `[b]` values by name, such as `ndcg@50`.
    """
    ranks = np.arange(1, hits.shape[1] + 1)
    gains = 1.0 / np.log2(ranks + 1)
    precision = np.where(hits, np.cumsum(hits, axis=1) / ranks, 0.0)
    ideal = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(2, max(cutoffs) + 2)))])
    values: dict[str, np.ndarray] = {}
    for k in cutoffs:
        top = hits[:, :k]
        values[f"recall@{k}"] = top.sum(1) / positives
        values[f"ndcg@{k}"] = (top * gains[:k]).sum(1) / ideal[np.minimum(k, positives)]
        values[f"hr@{k}"] = top.any(1).astype(float)
        values[f"precision@{k}"] = top.sum(1) / k
        values[f"map@{k}"] = precision[:, :k].sum(1) / np.minimum(k, positives)
    return values


def interval(
    values: np.ndarray,
    *,
    level: float = 0.95,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Interval of the mean over users and, where there are several, over training seeds; NaN for a single user.

    Of one seed the percentile bootstrap over users; of several the mean with Student's t times its error over users and
    seeds (`evaluation.crossed`), as a bootstrap of three seeds covers four fifths in place of nineteen twentieths.

    Args:
        values: `[U]`, or `[S, U]` with a row for each of S training seeds.
        bounds: of what a mean can be; the interval ends there.
    """
    values = np.atleast_2d(np.asarray(values, dtype=float))
    if values.shape[1] < 2:
        return (float("nan"), float("nan"))
    if len(values) == 1:
        means = resampled_means(values.T, resamples, seed)[:, 0]
        ends = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    else:
        margin = error_of_mean(values).margin(level)
        ends = np.array([values.mean() - margin, values.mean() + margin])
    low, high = np.clip(ends, *bounds)
    return float(low), float(high)


def difference_interval(first: np.ndarray, second: np.ndarray, *, paired: bool) -> tuple[float, float]:
    """95 % interval of the mean of one method less that of another, both `[S, U]` on the same users.

    Args:
        paired: both are estimands of one training, with the seeds in the same order.
    """
    if len(first) == 1 or first.shape[1] < 2:
        return interval(first - second)
    difference = float(first.mean() - second.mean())
    margin = float(error_of_difference(first, second, paired=paired).margin())
    return difference - margin, difference + margin


def resampled_means(values: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """`[resamples, C]` bootstrap means of the C columns of `[U, C]` values, all on the same draws of users.

    Users are drawn by multinomial counts, so memory is one row of counts a resample.
    """
    users = len(values)
    random = np.random.default_rng(seed)
    share, means = np.full(users, 1.0 / users), np.empty((resamples, values.shape[1]))
    for start in range(0, resamples, 100):
        counts = random.multinomial(users, share, size=min(100, resamples - start))
        means[start : start + len(counts)] = counts @ values / users
    return means


def linearised(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """`[U]` values whose mean is the ratio of means R = mean(above) / mean(below), and whose spread is the ratio's.

        R + (above_u - R below_u) / mean(below)

    The delta method: to first order, an interval or a paired test of the means of these values is one of the ratios.
    NaN where the mean of `below` is 0.
    """
    scale = below.mean() if len(below) else 0.0
    if scale == 0:
        return np.full(len(below), np.nan)
    ratio = above.mean() / scale
    return ratio + (above - ratio * below) / scale


def summarise(*per_user: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Mean, interval and number of users of each metric; users without a value are left out.

    A metric that no user has is NaN.

    Args:
        per_user: the table of one run, or those of several seeds on the same users in the same order: means are over
            both, and so are intervals.
    """
    summary = {}
    for column in per_user[0].columns:
        if column in ABOUT_USERS:
            continue
        values = np.stack([table[column].to_numpy(dtype=float) for table in per_user])
        values = values[:, ~np.isnan(values).any(0)]
        low, high = interval(values, bounds=bounds(column))
        users = values.shape[1]
        summary[column] = {
            "mean": float(values.mean(0).mean()) if users else float("nan"), "low": low, "high": high, "users": users
        }  # fmt: skip
    return summary


def table_row(name: str, text: str, summary: dict[str, dict[str, float]]) -> dict[str, Any]:
    """A row of a result table: method, estimand, users, and each metric with the ends of its interval."""
    row: dict[str, Any] = {"method": name, "estimand": text, "users": next(iter(summary.values()))["users"]}
    for metric, value in summary.items():
        row |= {metric: value["mean"], f"{metric}_low": value["low"], f"{metric}_high": value["high"]}
    return row


def better(metric: str) -> Literal["higher", "lower", "nearer 0", "neither"]:
    """Which values are better.

    Leakage nearer 0 on either side, lower regret and drops, more of every other metric; what only describes the lists
    (`evaluation.lists`) is neither.
    """
    if metric.startswith(("coverage", "popularity", "concentration")):
        return "neither"
    if metric.startswith("leakage"):
        return "nearer 0"
    return "lower" if metric.startswith(("regret", "drop_")) else "higher"


def bounds(metric: str) -> tuple[float, float]:
    """The least and the greatest that a mean of the metric can be; infinite where nothing bounds it."""
    stem = metric.partition("@")[0]
    if stem.removesuffix("_do") in ("recall", "precision", "hr", "ndcg", "map", "mrr", "regret"):
        return (0.0, 1.0)
    if stem in ("normalised_recall", "popularity"):  # a ratio of means, a number of clicks
        return (0.0, math.inf)
    if stem.startswith("drop_"):  # 1 less such a ratio
        return (-math.inf, 1.0)
    return (-1.0, 1.0) if stem.startswith(("rank_correlation", "leakage", "concentration")) else (-math.inf, math.inf)
