"""Intervals of means over users and training seeds, and of ratios of such means."""

from __future__ import annotations

import math

import numpy as np

from graphrec.evaluation.crossed import error_of_difference, error_of_mean


def interval(
    values: np.ndarray,
    *,
    level: float = 0.95,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Interval of the mean over users and, where there are several, over training seeds; NaN for a single user.

    For one seed it is the percentile bootstrap over users. For several it is the mean with Student's t times its error
    over users and seeds (`evaluation.crossed`): a bootstrap of three seeds covers in 80 %, not in 95 %.

    Args:
        values: `[U]`, or `[S, U]` with a row for each of S training seeds.
        level: how often such an interval is to hold the mean.
        bounds: the least and the greatest that a mean can be; the interval ends there.
        resamples, seed: of the bootstrap.

    Example:
        >>> low, high = interval(np.array([0.0, 0.0, 0.5, 0.5, 1.0, 1.0, 1.0]))
        >>> round(low, 4), round(high, 4)
        (0.2857, 0.8571)
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

    Example:
        >>> first = np.array([[0.2, 0.8, 0.5, 0.1], [0.3, 0.9, 0.6, 0.2]])
        >>> low, high = difference_interval(first, first - [0.0, 0.1, 0.2, 0.1], paired=True)
        >>> round(low, 3), round(high, 3)  # around .1
        (-0.03, 0.23)
    """
    # One seed has no spread over seeds, so that pairing makes no difference.
    if len(first) == 1 or first.shape[1] < 2:
        return interval(first - second)
    difference = float(first.mean() - second.mean())
    margin = float(error_of_difference(first, second, paired=paired).margin())
    return difference - margin, difference + margin


def resampled_means(values: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """`[resamples, C]` bootstrap means of the C columns of `[U, C]` values, all on the same draws of users.

    Users are drawn as multinomial counts, so that a resample takes one row of counts.

    Example:
        >>> means = resampled_means(np.array([[0.0, 1.0], [1.0, 0.0]]), resamples=5, seed=0)
        >>> means.shape, means.sum(axis=1).tolist()  # both columns have the same draws
        ((5, 2), [1.0, 1.0, 1.0, 1.0, 1.0])
    """
    users = len(values)
    random = np.random.default_rng(seed)
    share, means = np.full(users, 1.0 / users), np.empty((resamples, values.shape[1]))
    # In chunks, as the counts of all resamples would be a matrix [resamples, U].
    for start in range(0, resamples, 100):
        counts = random.multinomial(users, share, size=min(100, resamples - start))
        means[start : start + len(counts)] = counts @ values / users
    return means


def linearised(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """`[U]` values whose mean is the ratio of means R = mean(above) / mean(below), and whose spread is the ratio's.

        R + (above_u - R below_u) / mean(below)

    This is the delta method: to first order, an interval or a paired test of the means of these values is one of the
    ratios. NaN where the mean of `below` is 0.

    Example:
        >>> linearised(np.array([1.0, 0.0]), np.array([2.0, 2.0])).tolist()  # the ratio of means is .25
        [0.5, 0.0]
    """
    scale = below.mean() if len(below) else 0.0
    if scale == 0:
        return np.full(len(below), np.nan)
    ratio = above.mean() / scale
    return ratio + (above - ratio * below) / scale
