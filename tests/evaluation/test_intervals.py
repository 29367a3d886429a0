"""Intervals cover as often as they say, and ratios of means have them too."""

from __future__ import annotations

import math

import numpy as np
import pytest

from graphrec.evaluation.intervals import interval, linearised


def test_the_interval_covers_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for trial in range(200):
        low, high = interval(rng.beta(0.5, 2.0, size=150), resamples=300, seed=trial)
        inside += low <= 0.2 <= high
    assert 0.90 <= inside / 200 <= 0.99


def test_the_interval_is_repeatable_narrows_and_widens_with_the_level() -> None:
    values = np.random.default_rng(1).random(400)
    low, high = interval(values)
    assert (low, high) == interval(values)
    assert low < values.mean() < high
    few_low, few_high = interval(values[:40])
    assert few_high - few_low > high - low
    wide_low, wide_high = interval(values, level=0.99)
    assert wide_low < low and wide_high > high


def test_one_user_has_no_interval() -> None:
    assert all(math.isnan(end) for end in interval(np.array([0.3])))


def test_an_interval_over_seeds_covers_the_mean_of_all_trainings() -> None:
    """With five seeds that matter as much as the users; without them the interval would cover in about two thirds."""
    rng = np.random.default_rng(4)
    inside, ignored = 0, 0
    for trial in range(400):
        values = rng.normal(0, 1, 100) + rng.normal(0, 0.1, (5, 1)) + rng.normal(0, 0.5, (5, 100))
        low, high = interval(values)
        inside += low <= 0 <= high
        shifted = rng.normal(0, 0.1, (5, 1)) + rng.normal(0, 0.2, 100)
        low, high = interval(shifted.mean(0), resamples=200, seed=trial)
        ignored += low <= 0 <= high
    assert inside / 400 >= 0.93
    assert ignored / 400 < 0.80


def test_linearised_values_average_to_the_ratio_and_spread_as_it_does() -> None:
    rng = np.random.default_rng(2)
    below = rng.random(400) + 0.5
    above = 0.3 * below + 0.05 * rng.standard_normal(400)
    values = linearised(above, below)
    assert values.mean() == pytest.approx(above.sum() / below.sum())
    drawn = rng.integers(0, 400, (2000, 400))
    ratios = above[drawn].sum(1) / below[drawn].sum(1)
    assert interval(values) == pytest.approx(tuple(np.quantile(ratios, [0.025, 0.975])), abs=5e-4)
    assert np.isnan(linearised(np.zeros(3), np.zeros(3))).all()
