"""The error over users and seeds: scipy's own tests at its ends, Cochran and Cox between them, coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from graphrec.evaluation.crossed import CrossedError, error_of_difference, error_of_mean
from graphrec.evaluation.intervals import difference_interval, interval


def test_without_a_spread_over_users_it_is_students_t_of_the_seeds() -> None:
    rng = np.random.default_rng(0)
    first, second = (np.repeat(scale * rng.random((4, 1)), 30, axis=1) for scale in (1.0, 3.0))
    difference = first.mean() - second.mean()
    paired, apart = (error_of_difference(first, second, paired=paired) for paired in (True, False))
    first_of_seed, second_of_seed = first[:, 0], second[:, 0]
    assert paired.p(difference) == pytest.approx(stats.ttest_rel(first_of_seed, second_of_seed).pvalue)
    assert apart.p(difference) == pytest.approx(stats.ttest_ind(first_of_seed, second_of_seed, equal_var=False).pvalue)
    low, high = stats.ttest_rel(first_of_seed, second_of_seed).confidence_interval()
    assert difference_interval(first, second, paired=True) == pytest.approx((low, high))
    low, high = stats.ttest_ind(first_of_seed, second_of_seed, equal_var=False).confidence_interval()
    assert difference_interval(first, second, paired=False) == pytest.approx((low, high))


def test_without_a_spread_over_seeds_it_is_students_t_of_the_users() -> None:
    rng = np.random.default_rng(1)
    first, second = (np.tile(rng.random(30), (3, 1)) for _ in range(2))
    for paired in (True, False):
        p = error_of_difference(first, second, paired=paired).p(first.mean() - second.mean())
        assert p == pytest.approx(stats.ttest_rel(first[0], second[0]).pvalue)
    expected = stats.ttest_1samp(first[0], 0).confidence_interval()
    assert interval(first) == pytest.approx((expected.low, expected.high))


def test_between_them_the_quantile_is_weighted_and_p_is_the_level_of_the_interval_that_ends_at_0() -> None:
    rng = np.random.default_rng(2)
    values = rng.random((3, 40)) + 0.2 * rng.standard_normal((3, 1))
    seeds, users = values.mean(1).var(ddof=1) / 3, values.mean(0).var(ddof=1) / 40
    t = (seeds * stats.t.ppf(0.975, 2) + users * stats.t.ppf(0.975, 39)) / (seeds + users)
    margin = t * np.sqrt(seeds + users)
    assert interval(values) == pytest.approx((values.mean() - margin, values.mean() + margin))
    error = error_of_mean(values)
    for level in (0.5, 0.95, 0.9999):
        assert error.p(error.margin(level)) == pytest.approx(1 - level)


def test_where_nothing_varies_any_difference_is_certain() -> None:
    nothing = CrossedError(np.zeros(2), np.full(2, 2.0), np.zeros(2), 10)
    assert nothing.p(np.array([0.0, 0.1])).tolist() == [1.0, 0.0]
    assert nothing.margin().tolist() == [0.0, 0.0]


@pytest.mark.parametrize("seeds", [2, 3])
@pytest.mark.parametrize("seed_sd", [0.0, 0.02, 0.1, 0.2, 0.5, 2.0])
def test_the_interval_of_few_seeds_covers_the_mean(seed_sd: float, seeds: int) -> None:
    """With 100 users of standard deviation 1; a bootstrap over three seeds covers in 80 % where they matter."""
    rng = np.random.default_rng(3)
    shape = (2000, seeds, 100)
    values = rng.standard_normal((2000, 1, 100)) + seed_sd * rng.standard_normal((2000, seeds, 1))
    values += 0.1 * rng.standard_normal(shape)
    ends = np.array([interval(sample) for sample in values])
    assert ((ends[:, 0] <= 0) & (ends[:, 1] >= 0)).mean() >= 0.93


def test_the_interval_ends_where_a_mean_cannot_go() -> None:
    values = np.repeat(np.array([[0.01], [0.02], [0.3]]), 20, axis=1)
    assert interval(values)[0] < 0
    assert interval(values, bounds=(0.0, 1.0))[0] == 0
