"""Paired tests of all pairs of methods, over users and over training seeds, corrected for their number.

With d_u the difference of two methods for user u, averaged over seeds where there are several:

    permutation  the share of random signs s for which |sum_u s_u d_u| >= |sum_u d_u|, the sum itself counted among them
                 (Fisher's randomisation test on the mean; Phipson and Smyth, SAGMB 2010, on why it is never 0)
    crossed      with several seeds, Student's t of the difference over its error, which holds the spread over users and
                 that over seeds (`evaluation.crossed`); estimands of one training are paired by seed
    Wilcoxon     signed ranks of d_u, zeros ranked and then left out (Pratt, JASA 1959)

    p            of a pair: that of permutation, with several seeds the larger of permutation and crossed; then Holm's
                 correction (Scandinavian Journal of Statistics 1979) over all pairs of methods on that metric

The permutation test is about the mean, which the tables show. Wilcoxon's test is about ranks; it is reported as well
(Smucker, Allan and Carterette, CIKM 2007, compare them on rankings). All pairs are one family, as the best method is
known only once all have been measured. Metrics are separate families: each column of a table is a separate question.
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
"""Random signs of one draw, at most."""
CELLS = 4_000_000
"""Random signs, or differences of their sums, in memory at a time."""
DIFFERENCES = 20_000
"""Users' differences in memory at a time."""
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
            training seeds; NaN where a user has no value. A method without any value is left out, and then each user
            for whom one of the others has none.
        trainings: of each method. Methods with equal ones are estimands of one training, with the seeds in the same
            order. By default each method is a separate training.
        resamples: of the intervals of one seed.

    Returns:
        A row a pair and metric: `metric`, `first` and `second` (numbers of the methods), `difference` of their means
        (first less second) with the ends `low` and `high` of its 95 % interval (one seed: bootstrap over users;
        several: t over users and seeds), `users`; raw `permutation`, `crossed` (NaN for one seed) and `wilcoxon`; `p`
        and `wilcoxon_p` after Holm's correction.

    Example:
        >>> users = np.linspace(0, 1, 40)
        >>> tests = pair_tests({"recall@5": np.stack([users, users + 0.1, users])[:, None]})
        >>> tests[["first", "second", "difference", "p"]].round(3).values.tolist()
        [[0.0, 1.0, -0.1, 0.0], [0.0, 2.0, 0.0, 1.0], [1.0, 2.0, 0.1, 0.0]]
    """
    # Metrics with the same methods and users are tested together, on the same draws.
    groups: dict[tuple[bytes, bytes], list[str]] = {}
    for metric, table in values.items():
        without = np.isnan(table)
        measured = ~without.all((1, 2))
        groups.setdefault((measured.tobytes(), (~without[measured].any((0, 1))).tobytes()), []).append(metric)
    tables = []
    for (rows, users), metrics in groups.items():
        measured, complete = (np.frombuffer(mask, dtype=bool) for mask in (rows, users))
        if measured.sum() >= 2 and complete.sum() >= 2:
            numbers = np.flatnonzero(measured)
            stacked = np.stack([values[metric][measured][:, :, complete] for metric in metrics])
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
    """The tests with `p` and `wilcoxon_p` from their raw ones: all pairs on a metric are one family of Holm's.

    Example:
        >>> tests = pd.DataFrame({"metric": ["ndcg@5"] * 2, "permutation": [0.01, 0.04], "wilcoxon": [0.02, 0.5]})
        >>> corrected(tests.assign(crossed=np.nan))[["p", "wilcoxon_p"]].values.tolist()
        [[0.02, 0.04], [0.04, 0.5]]
    """
    if tests.empty:
        return tests
    # `max` passes over nan, which `crossed` is for one seed.
    raw = {"p": tests[["permutation", "crossed"]].max(axis=1), "wilcoxon_p": tests["wilcoxon"]}
    return tests.assign(
        **{
            name: p.groupby(tests["metric"]).transform(lambda family: holm(family.to_numpy()))
            for name, p in raw.items()
        }
    )


def _test(values: np.ndarray, trainings: Sequence[Hashable], resamples: int, seed: int) -> pd.DataFrame:
    """The pairs of methods on each metric, all by number, of `[m, n, S, U]` values; metrics share the draws."""
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
        numbers: dict[Hashable, int] = {}
        training = np.array([numbers.setdefault(name, len(numbers)) for name in trainings])
        by_seeds = seeds_of_pairs(means, first, second, training[first] == training[second])
        error = CrossedError(*by_seeds, by_users, users)
        low, high = difference - error.margin(), difference + error.margin()
        crossed = error.p(difference)
    results = {
        "difference": difference,
        "low": low,
        "high": high,
        "permutation": permutation_p(over_seeds, seed)[:, first, second],
        "crossed": crossed,
        "wilcoxon": wilcoxon,
    }
    pairs = {"metric": np.repeat(np.arange(m), len(first)), "first": np.tile(first, m), "second": np.tile(second, m)}
    return pd.DataFrame(pairs | {"users": users} | {name: column.ravel() for name, column in results.items()})


def _quantiles(drawn: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`[m, N]` ends of the differences' 95 % bootstrap intervals, from drawn means `[resamples, m, n]`."""
    ends = [np.quantile(means[:, first] - means[:, second], [0.025, 0.975], axis=0) for means in drawn.swapaxes(0, 1)]
    low, high = np.stack(ends, axis=1)
    return low, high


def _over_users(values: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`[m, N]` variance of each pair's mean difference over users, and Wilcoxon's p; of `[m, n, U]` values.

    Pairs are taken in chunks: few calls where users are few, no large copies where they are many.
    """
    m, n, users = values.shape
    flat, starts = values.reshape(m * n, users), n * np.arange(m)[:, None]
    left, right = ((starts + side).ravel() for side in (first, second))
    size = max(1, DIFFERENCES // users)
    chunks = []
    for start in range(0, len(left), size):
        differences = flat[left[start : start + size]] - flat[right[start : start + size]]
        chunks.append((differences.var(axis=1, ddof=1) / users, wilcoxon_p(differences)))
    variances, wilcoxon = (np.concatenate(columns).reshape(m, len(first)) for columns in zip(*chunks))
    return variances, wilcoxon


def permutation_p(values: np.ndarray, seed: int = 0) -> np.ndarray:
    """`[m, n, n]` two-sided p of each pair's mean difference, by random signs of the users' differences.

    At least 10,000 draws are made, and as many as a pair needs to come below the level after Holm's correction of all
    pairs. A user's sign is the same for all pairs and metrics: sum_u s_u (a_u - b_u) is then a difference of two
    entries of A s. Of more than `GROUPS` users, neighbours in their order share a sign. The test stays exact: where the
    two methods do not differ, all signs of the groups' sums are equally likely.

    Args:
        values: `[m, n, U]` of m metrics and n methods.

    Example:
        >>> users = np.linspace(0, 1, 30)
        >>> p = permutation_p(np.stack([users, users + 0.1, users])[None])
        >>> p.shape, bool(p[0, 0, 1] < 0.001), float(p[0, 0, 2])
        ((1, 3, 3), True, 1.0)
    """
    m, n, users = values.shape
    # What all methods have in common cancels in differences. It is removed first, before it can cause rounding.
    values = values - values.mean(1, keepdims=True)
    observed = _differences(values.sum(2))
    # Sums of the same terms in another order count as equal.
    slack = 1e-9 * np.abs(values).sum((1, 2))[:, None, None]
    if users > GROUPS:
        values = np.add.reduceat(values, np.arange(GROUPS) * users // GROUPS, axis=2)
        users = GROUPS
    flat = values.reshape(m * n, users).T
    # 200 draws for each of the n (n - 1) / 2 pairs: the smallest p, 1 / (draws + 1), is below 0.005 after Holm's
    # correction.
    draws = max(RESAMPLES, 100 * n * (n - 1))
    # Counts start at 1, as the observed signs are one of the possible draws: p is never 0.
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

    Example:
        >>> differences = np.array([np.linspace(0.1, 0.5, 20), np.zeros(20)])
        >>> [round(float(p), 4) for p in wilcoxon_p(differences)]
        [0.0001, 1.0]
    """
    p, some = np.ones(len(differences)), differences.any(1)
    if some.any():
        # The exact distribution does not allow for zeros and ties. A row of zeros alone would give nan.
        p[some] = stats.wilcoxon(differences[some], zero_method="pratt", method="approx", axis=1).pvalue
    return p


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's adjusted p: the k-th smallest of m times m + 1 - k, no less than the one before it, at most 1.

    Example:
        >>> holm(np.array([0.01, 0.04, 0.03, 0.005])).tolist()
        [0.03, 0.06, 0.06, 0.02]
    """
    order = np.argsort(p)
    stepped = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted


def _differences(values: np.ndarray) -> np.ndarray:
    """`[..., n]` to `[..., n, n]`, first less second."""
    return values[..., :, None] - values[..., None, :]
