"""Ranking metrics per user, from the positions of a user's positives in the ranking of all items.

Means are taken over users with at least one positive. With hits h_r = 1 where the item at rank r (from 1) is positive
and P the number of positives:

    Recall@K  sum_{r<=K} h_r / P
    HR@K      1 if any h_r = 1 with r <= K
    NDCG@K    sum_{r<=K} h_r / log2(r + 1)  /  sum_{r<=min(K,P)} 1 / log2(r + 1)
    MRR       1 / rank of the first positive, over the full list

Worked example: positives {a, b}, ranking c, a, d, b, K = 3: Recall .5, HR 1, NDCG (1/log2 3) / (1 + 1/log2 3) = .387,
MRR .5.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

DEFAULT_K = (50, 100)


def metrics_at(hits: np.ndarray, positives: np.ndarray, cutoffs: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Recall, NDCG and HR at each cutoff.

    Args:
        hits: `[b, K_max]` bool, whether the item at each rank is a positive.
        positives: `[b]` number of positives, at least 1.
        cutoffs: the Ks, none above K_max unless the list holds all items.

    Returns:
        `[b]` values by name, such as `ndcg@50`.
    """
    gains = 1.0 / np.log2(np.arange(2, hits.shape[1] + 2))
    ideal = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(2, max(cutoffs) + 2)))])
    values: dict[str, np.ndarray] = {}
    for k in cutoffs:
        top = hits[:, :k]
        values[f"recall@{k}"] = top.sum(1) / positives
        values[f"ndcg@{k}"] = (top * gains[:k]).sum(1) / ideal[np.minimum(k, positives)]
        values[f"hr@{k}"] = top.any(1).astype(float)
    return values


def interval(values: np.ndarray, *, level: float = 0.95, resamples: int = 1000, seed: int = 0) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean over users.

    Users are resampled by multinomial counts, so memory is one row of counts a resample.
    """
    values = np.asarray(values, dtype=float)
    if len(values) < 2:
        return (float("nan"), float("nan"))
    random = np.random.default_rng(seed)
    means = np.empty(resamples)
    share = np.full(len(values), 1.0 / len(values))
    for start in range(0, resamples, 100):
        counts = random.multinomial(len(values), share, size=min(100, resamples - start))
        means[start : start + len(counts)] = counts @ values / len(values)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def summarise(per_user: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Mean, interval and number of users of each metric of a per-user table; users without a value are left out.

    A metric that no user has is NaN.
    """
    summary = {}
    for column in per_user.columns:
        if column in ("user", "positives"):
            continue
        values = per_user[column].dropna().to_numpy()
        low, high = interval(values)
        mean = float(values.mean()) if len(values) else float("nan")
        summary[column] = {"mean": mean, "low": low, "high": high, "users": len(values)}
    return summary
