"""Paired tests of all pairs of methods, over users and over training seeds, corrected for their number.

With d_u the difference of two methods for user u, averaged over seeds where there are several:

    permutation  the share of random signs s for which |sum_u s_u d_u| >= |sum_u d_u|, the sum itself counted among them
                 (Fisher's randomisation test on the mean; Phipson and Smyth, SAGMB 2010, on why it is never 0)
    crossed      with several seeds, Student's t of the difference over its error, which holds the spread over users and
                 that over seeds (`evaluation.crossed`); estimands of one training are paired by seed
    Wilcoxon     signed ranks of d_u, zeros ranked and then left out (Pratt, JASA 1959)

    p            of a pair: that of permutation, with several seeds the larger of permutation and crossed; then Holm's
                 correction (Scandinavian Journal of Statistics 1979) over all pairs of methods on that metric

The permutation test is about the mean, which the tables show; Wilcoxon's, which is about ranks, is given beside it
(Smucker, Allan and Carterette, CIKM 2007, compare them on rankings). All pairs are one family, as the best method is
known only once all have been measured. Metrics are separate families: each column of a table is a question of its own.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from graphrec.evaluation.crossed import CrossedError, seeds_of_pairs
from graphrec.evaluation.intervals import resampled_means

LEVEL = 0.05
"""A difference is called significant where p is below it."""
RESAMPLES = 10_000
GROUPS = 10_000
"""Signs of one draw."""
CELLS = 4_000_000
"""Random signs, or differences of their sums, that are held at once."""
HELD = 20_000
"""Users' differences that are held at once."""
COLUMNS = [
    "metric", "first", "second", "difference", "low", "high", "users",
    "permutation", "crossed", "p", "wilcoxon", "wilcoxon_p",
]  # fmt: skip


def pair_tests(
    values: Mapping[str, np.ndarray],
    trainings: Sequence[Hashable] | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Every pair of methods on every metric.

    Args:
        values: for each metric `[n, S, U]`, of n methods on the same users in the same order, a row for each of S
            training seeds; NaN where a user has no value. A method without any is left out, and then each user for
            whom one of the others has none.
        trainings: of each method; those with an equal one are estimands of one training, whose seeds stand in the same
            order. By default each is of its own.
        resamples: of the intervals of one seed.

    Returns:
        A row a pair and metric: `metric`, `first` and `second` (numbers of the methods), `difference` of their means
        (first less second) with the ends `low` and `high` of its 95 % interval (one seed: bootstrap over users;
        several: t over users and seeds), `users`; raw `permutation`, `crossed` (NaN for one seed) and `wilcoxon`; `p`
        and `wilcoxon_p` after Holm's correction.
    """
    groups: dict[tuple[bytes, bytes], list[str]] = {}
    for metric, table in values.items():
        without = np.isnan(table)
        measured = ~without.all((1, 2))
        groups.setdefault((measured.tobytes(), (~without[measured].any((0, 1))).tobytes()), []).append(metric)
    tables = []
    for (rows, users), metrics in groups.items():
        measured, kept = (np.frombuffer(mask, dtype=bool) for mask in (rows, users))
        if measured.sum() >= 2 and kept.sum() >= 2:
            numbers = np.flatnonzero(measured)
            stacked = np.stack([values[metric][measured][:, :, kept] for metric in metrics])
            of = [number if trainings is None else trainings[number] for number in numbers.tolist()]
            table = _test(stacked, of, resamples, seed)
            tables.append(
                table.assign(
                    metric=np.array(metrics)[table["metric"]],
                    first=numbers[table["first"]],
                    second=numbers[table["second"]],
                )
            )
    if not tables:
        return pd.DataFrame(columns=COLUMNS)
    order = {metric: number for number, metric in enumerate(values)}
    together = pd.concat(tables).sort_values("metric", key=lambda name: name.map(order), kind="stable")
    return corrected(together.reset_index(drop=True))[COLUMNS]


def corrected(tests: pd.DataFrame) -> pd.DataFrame:
    """The tests with `p` and `wilcoxon_p` from their raw ones: all pairs on a metric are one family of Holm's."""
    if tests.empty:
        return tests
    raw = {"p": tests[["permutation", "crossed"]].max(axis=1), "wilcoxon_p": tests["wilcoxon"]}
    return tests.assign(
        **{name: p.groupby(tests["metric"]).transform(lambda one: holm(one.to_numpy())) for name, p in raw.items()}
    )


def _test(values: np.ndarray, trainings: Sequence[Hashable], resamples: int, seed: int) -> pd.DataFrame:
    """The pairs of methods on each metric, all by number, of `[m, n, S, U]` without gaps; draws serve all metrics."""
    m, n, seeds, users = values.shape
    means, over_seeds = values.mean(3), values.mean(2)
    first, second = np.triu_indices(n, 1)
    difference = means[:, first].mean(2) - means[:, second].mean(2)
    by_users, wilcoxon = _over_users(over_seeds, first, second)
    if seeds == 1:
        drawn = resampled_means(over_seeds.transpose(2, 0, 1).reshape(users, m * n), resamples, seed)
        low, high = _quantiles(drawn.reshape(resamples, m, n), first, second)
        crossed = np.full(difference.shape, np.nan)
    else:
        known: dict[Hashable, int] = {}
        training = np.array([known.setdefault(one, len(known)) for one in trainings])
        by_seeds = seeds_of_pairs(means, first, second, training[first] == training[second])
        error = CrossedError(*by_seeds, by_users, users)
        low, high = difference - error.margin(), difference + error.margin()
        crossed = error.p(difference)
    found = {
        "difference": difference,
        "low": low,
        "high": high,
        "permutation": permutation_p(over_seeds, seed)[:, first, second],
        "crossed": crossed,
        "wilcoxon": wilcoxon,
    }
    pairs = {"metric": np.repeat(np.arange(m), len(first)), "first": np.tile(first, m), "second": np.tile(second, m)}
    return pd.DataFrame(pairs | {"users": users} | {name: column.ravel() for name, column in found.items()})


def _quantiles(drawn: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`[m, N]` ends of the differences' 95 % bootstrap intervals, from drawn means `[resamples, m, n]`."""
    ends = [np.quantile(one[:, first] - one[:, second], [0.025, 0.975], axis=0) for one in drawn.swapaxes(0, 1)]
    low, high = np.stack(ends, axis=1)
    return low, high


def _over_users(values: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`[m, N]` variance of each pair's mean difference over users, and Wilcoxon's p; of `[m, n, U]` values.

    Few calls where users are few, no large copies where they are many.
    """
    m, n, users = values.shape
    flat, starts = values.reshape(m * n, users), n * np.arange(m)[:, None]
    one, other = ((starts + side).ravel() for side in (first, second))
    size = max(1, HELD // users)
    found = []
    for start in range(0, len(one), size):
        differences = flat[one[start : start + size]] - flat[other[start : start + size]]
        found.append((differences.var(axis=1, ddof=1) / users, wilcoxon_p(differences)))
    variances, wilcoxon = (np.concatenate(parts).reshape(m, len(first)) for parts in zip(*found))
    return variances, wilcoxon


def permutation_p(values: np.ndarray, seed: int = 0) -> np.ndarray:
    """`[m, n, n]` two-sided p of each pair's mean difference, by random signs of the users' differences.

    As many signs are drawn as Holm's correction of all pairs needs to come below the level, at least 10,000. A user's
    sign is the same for all pairs and metrics: sum_u s_u (a_u - b_u) is then a difference of two entries of A s. Of
    more than `GROUPS` users, neighbours in the order given share a sign, which is as exact: where the two methods do
    not differ, all signs of the groups' sums are equally likely.

    Args:
        values: `[m, n, U]` of m metrics and n methods.
    """
    m, n, users = values.shape
    values = values - values.mean(1, keepdims=True)  # what all have in common cancels, here before it can round
    observed = _differences(values.sum(2))
    slack = 1e-9 * np.abs(values).sum((1, 2))[:, None, None]  # sums of equal terms in another order are equal
    if users > GROUPS:
        values = np.add.reduceat(values, np.arange(GROUPS) * users // GROUPS, axis=2)
        users = GROUPS
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
    p, some = np.ones(len(differences)), differences.any(1)
    if some.any():
        p[some] = stats.wilcoxon(differences[some], zero_method="pratt", method="approx", axis=1).pvalue
    return p


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
