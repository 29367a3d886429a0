"""Paired tests of all pairs of methods, over users and over training seeds, corrected for their number.

With d_u the difference of two methods for user u, averaged over seeds where there are several:

    permutation  the share of random signs s for which |sum_u s_u d_u| >= |sum_u d_u|, the sum itself counted among them
                 (Fisher's randomisation test on the mean; Phipson and Smyth, SAGMB 2010, on why it is never 0)
    Wilcoxon     signed ranks of d_u, zeros ranked and then left out (Pratt, JASA 1959)
    seeds        Student's t of the means over users, each seed a replicate; their variance is pooled over the trained
                 methods, with methods times (seeds - 1) degrees of freedom

    p            of a pair: the larger of permutation and seeds, so that a difference must hold for other users and for
                 other trainings (an intersection-union test, Berger, Technometrics 1982); then Holm's correction
                 (Scandinavian Journal of Statistics 1979) over all pairs of methods on that metric

The permutation test decides because it is about the mean, which the tables show; Wilcoxon's, which is about ranks, is
given beside it (Smucker, Allan and Carterette, CIKM 2007, compare them on rankings). All pairs are one family, as the
best method is known only once all have been measured. Metrics are separate families: each column of a table is a
question of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from graphrec.evaluation.metrics import resampled_means

LEVEL = 0.05
"""A difference is called significant where p is below it."""
RESAMPLES = 10_000
CELLS = 4_000_000
"""Random signs, or differences of their sums, that are held at once."""
RANKED = 20_000
"""Differences that are ranked at once: few calls where users are few, no large copies where they are many."""
COLUMNS = [
    "metric", "first", "second", "difference", "low", "high", "users",
    "permutation", "seeds", "p", "wilcoxon", "wilcoxon_p",
]  # fmt: skip


def pair_tests(values: Mapping[str, np.ndarray], *, resamples: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Every pair of methods on every metric.

    Args:
        values: for each metric `[n, S, U]`, of n methods on the same users in the same order, a row for each of S
            training seeds; NaN where a user has no value. A method without any is left out, and then each user for
            whom one of the others has none.
        resamples: of the intervals.

    Returns:
        A row a pair and metric: `metric`, `first` and `second` (numbers of the methods), `difference` of their means
        (first less second) with the ends `low` and `high` of its 95 % bootstrap interval over users and seeds, `users`;
        raw `permutation`, `seeds` (NaN for one seed) and `wilcoxon`; `p` and `wilcoxon_p` after Holm's correction.
    """
    groups: dict[tuple[bytes, bytes], list[str]] = {}
    for metric, table in values.items():
        without = np.isnan(table)
        measured = ~without.all((1, 2))
        groups.setdefault((measured.tobytes(), (~without[measured].any((0, 1))).tobytes()), []).append(metric)
    found: dict[str, pd.DataFrame] = {}
    for (rows, users), metrics in groups.items():
        measured, kept = (np.frombuffer(mask, dtype=bool) for mask in (rows, users))
        if measured.sum() >= 2 and kept.sum() >= 2:
            stacked = np.stack([values[metric][measured][:, :, kept] for metric in metrics])
            found |= dict(zip(metrics, _test(stacked, np.flatnonzero(measured), resamples, seed)))
    tables = [found[metric].assign(metric=metric)[COLUMNS] for metric in values if metric in found]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


def _test(values: np.ndarray, numbers: np.ndarray, resamples: int, seed: int) -> list[pd.DataFrame]:
    """The pairs of each of m metrics `[m, n, S, U]` without gaps; draws of users and signs serve all metrics."""
    m, n, seeds, users = values.shape
    means, over_seeds = values.mean(3), values.mean(2)
    drawn = resampled_means(values.transpose(2, 3, 0, 1).reshape(seeds, users, m * n), resamples, seed)
    drawn, by_sign = drawn.reshape(resamples, m, n), permutation_p(over_seeds, seed)
    first, second = np.triu_indices(n, 1)
    tables = []
    for one in range(m):
        by_seed = seeds_p(means[one])
        low, high = np.quantile(drawn[:, one, first] - drawn[:, one, second], [0.025, 0.975], axis=0)
        table = pd.DataFrame(
            {
                "first": numbers[first],
                "second": numbers[second],
                "difference": means[one, first].mean(1) - means[one, second].mean(1),
                "low": low,
                "high": high,
                "users": users,
                "permutation": by_sign[one, first, second],
                "seeds": by_seed[first, second],
                "wilcoxon": wilcoxon_p(over_seeds[one, first] - over_seeds[one, second]),
            }
        )
        table["p"] = holm(table[["permutation", "seeds"]].max(axis=1).to_numpy())
        table["wilcoxon_p"] = holm(table["wilcoxon"].to_numpy())
        tables.append(table)
    return tables


def permutation_p(values: np.ndarray, seed: int = 0) -> np.ndarray:
    """`[m, n, n]` two-sided p of each pair's mean difference, by random signs of the users' differences.

    As many signs are drawn as Holm's correction of all pairs needs to come below the level, at least 10,000. A user's
    sign is the same for all pairs and metrics: sum_u s_u (a_u - b_u) is then a difference of two entries of A s.

    Args:
        values: `[m, n, U]` of m metrics and n methods.
    """
    m, n, users = values.shape
    values = values - values.mean(1, keepdims=True)  # what all have in common cancels, here before it can round
    observed = _differences(values.sum(2))
    slack = 1e-9 * np.abs(values).sum((1, 2))[:, None, None]  # sums of equal terms in another order are equal
    flat = values.reshape(m * n, users).T
    draws = max(RESAMPLES, 100 * n * (n - 1))
    random, above = np.random.default_rng(seed), np.ones((m, n, n))
    size = max(1, CELLS // max(users, m * n * n))
    for start in range(0, draws, size):
        bits = random.integers(0, 256, size=(min(size, draws - start), -(-users // 8)), dtype=np.uint8)
        signs = 2.0 * np.unpackbits(bits, axis=1, count=users) - 1.0
        sums = _differences((signs @ flat).reshape(-1, m, n))
        above += (np.abs(sums) >= np.abs(observed) - slack).sum(0)
    return above / (draws + 1)


def wilcoxon_p(differences: np.ndarray) -> np.ndarray:
    """`[N]` two-sided p of Wilcoxon's signed-rank test; 1 where no difference is other than 0.

    Args:
        differences: `[N, U]`.
    """
    p, some = np.ones(len(differences)), np.flatnonzero(differences.any(1))
    size = max(1, RANKED // differences.shape[1])
    for start in range(0, len(some), size):
        rows = some[start : start + size]
        p[rows] = stats.wilcoxon(differences[rows], zero_method="pratt", method="approx", axis=1).pvalue
    return p


def seeds_p(means: np.ndarray) -> np.ndarray:
    """`[n, n]` two-sided p of Student's t with the seeds as replicates; NaN for one seed.

    A method whose mean is the same for every seed was not trained and adds no variance.

    Args:
        means: `[n, S]` of each method and seed.
    """
    n, seeds = means.shape
    if seeds < 2:
        return np.full((n, n), np.nan)
    difference = np.abs(_differences(means.mean(1)))
    variances = means.var(axis=1, ddof=1)
    trained = np.ptp(means, axis=1) > 0
    if not trained.any():
        return np.where(difference > 0, 0.0, 1.0)
    count = trained[:, None].astype(int) + trained[None, :]
    error = np.sqrt(variances[trained].mean() * count / seeds)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(difference > 0, difference / error, 0.0)
    return 2 * stats.t.sf(t, trained.sum() * (seeds - 1))


def holm(p: np.ndarray) -> np.ndarray:
    """Adjusted p in their order: the k-th smallest of m times m + 1 - k, no less than the one before, at most 1."""
    order = np.argsort(p)
    stepped = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted


def _differences(values: np.ndarray) -> np.ndarray:
    """`[..., n]` to `[..., n, n]`, first less second."""
    return values[..., :, None] - values[..., None, :]
