"""Paired tests: their level where nothing differs, their power where something does, and Holm's correction."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from graphrec.evaluation.significance import holm, pair_tests, permutation_p, seeds_p, wilcoxon_p


def test_holm_on_a_known_example() -> None:
    """Four hypotheses, as Holm steps down: .005 x 4, .01 x 3, .03 x 2, .04 raised to the one before."""
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.6, 0.5])).tolist() == [1.0, 1.0]
    assert holm(np.array([0.02])).tolist() == [0.02]


def test_the_permutation_test_is_the_count_of_all_signs() -> None:
    values = np.random.default_rng(0).random((2, 11))
    difference = values[0] - values[1]
    sums = np.array(list(itertools.product((-1, 1), repeat=11))) @ difference
    exact = (np.abs(sums) >= abs(difference.sum()) - 1e-12).mean()
    (p,) = permutation_p(values[None])
    assert p[0, 1] == pytest.approx(exact, abs=0.015)
    assert p[0, 1] == p[1, 0] and p[0, 0] == 1


def test_the_permutation_test_rejects_as_often_as_it_says_where_nothing_differs() -> None:
    rng = np.random.default_rng(1)
    rejected = 0
    for trial in range(200):
        values = rng.beta(0.4, 2.0, (2, 40)) * (rng.random(40) < 0.6)  # skewed, with many ties at 0
        rejected += permutation_p(values[None], seed=trial)[0, 0, 1] < 0.1
    assert 0.05 <= rejected / 200 <= 0.16


def test_a_true_difference_is_found_and_equal_methods_are_not_told_apart() -> None:
    rng = np.random.default_rng(2)
    base = rng.random(300)
    values = np.stack([base, base + 0.02 + 0.05 * rng.standard_normal(300), base])
    (p,) = permutation_p(values[None])
    assert p[0, 1] < 0.001 and p[1, 2] < 0.001 and p[0, 2] == 1
    low, equal = wilcoxon_p(values[:1] - values[1:])
    assert low < 0.001 and equal == 1


def test_wilcoxon_agrees_with_scipy_where_there_are_no_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = np.random.default_rng(3).standard_normal((3, 40)) + 0.3
    expected = [stats.wilcoxon(one, method="approx").pvalue for one in differences]
    assert wilcoxon_p(differences) == pytest.approx(expected)
    monkeypatch.setattr("graphrec.evaluation.significance.RANKED", 40)
    assert wilcoxon_p(differences) == pytest.approx(expected), "in blocks of a pair"


def test_the_test_over_seeds_is_students_with_the_variance_of_all_methods() -> None:
    means = np.random.default_rng(4).random((2, 4))
    assert seeds_p(means)[0, 1] == pytest.approx(stats.ttest_ind(means[0], means[1]).pvalue)
    with_popularity = np.vstack([means, np.full(4, 0.5)])
    t = abs(means[0].mean() - 0.5) / np.sqrt(means.var(axis=1, ddof=1).mean() / 4)
    assert seeds_p(with_popularity)[0, 2] == pytest.approx(2 * stats.t.sf(t, 6))
    assert seeds_p(with_popularity)[0, 1] == pytest.approx(seeds_p(means)[0, 1]), "a constant adds no freedom"
    assert np.isnan(seeds_p(means[:, :1])).all()


def test_a_difference_that_depends_on_the_seed_is_not_significant() -> None:
    rng = np.random.default_rng(5)
    base = rng.random(2000)
    steady = np.stack([base + shift for shift in (0.000, 0.001, -0.001)])
    lucky = np.stack([base + shift + 0.01 * rng.standard_normal(2000) for shift in (0.05, -0.03, 0.0)])
    tests = pair_tests({"m": np.stack([steady, lucky])})
    assert tests["permutation"][0] < 0.001, "over users alone it would be"
    assert tests["seeds"][0] > 0.5 and tests["p"][0] == tests["seeds"][0]
    assert tests["low"][0] < 0 < tests["high"][0]


def test_a_winner_is_claimed_among_many_equals_about_as_rarely_as_the_level_says() -> None:
    rng = np.random.default_rng(6)
    claimed = 0
    for trial in range(50):
        values = rng.random((5, 1, 25))
        claimed += bool((pair_tests({"m": values}, resamples=100, seed=trial)["p"] < 0.1).any())
    assert claimed / 50 <= 0.2, "ten pairs without a correction would claim one in about half of the trials"


def test_pairs_are_tested_on_the_users_that_all_have_and_a_method_without_values_is_left_out() -> None:
    values = np.random.default_rng(7).random((4, 1, 50))
    values[1, 0, :10] = np.nan
    values[2] = np.nan
    tests = pair_tests({"x": values, "y": values[:, :, 20:]})
    assert tests[["metric", "first", "second"]].to_numpy().tolist() == [
        [metric, *pair] for metric in ("x", "y") for pair in ((0, 1), (0, 3), (1, 3))
    ]
    assert tests["users"].tolist() == [40] * 3 + [30] * 3
    first = tests.iloc[0]
    assert first["difference"] == pytest.approx((values[0] - values[1])[0, 10:].mean())
    assert first["low"] < first["difference"] < first["high"]
    assert (tests["p"] >= tests["permutation"]).all() and (tests["wilcoxon_p"] >= tests["wilcoxon"]).all()


def test_a_metric_is_tested_the_same_alone_and_beside_others() -> None:
    rng = np.random.default_rng(9)
    values = {name: rng.random((3, 2, 40)) for name in "xyz"}
    values["z"][:, :, 5] = np.nan
    together = pair_tests(values)
    alone = [pair_tests({name: table}) for name, table in values.items()]
    pd.testing.assert_frame_equal(together, pd.concat(alone, ignore_index=True))


def test_one_method_or_one_user_gives_no_test() -> None:
    assert pair_tests({"m": np.ones((1, 1, 9))}).empty
    assert pair_tests({"m": np.ones((3, 1, 1))}).empty
    assert "p" in pair_tests({}).columns


def test_order_of_methods_changes_signs_alone() -> None:
    values = np.random.default_rng(8).random((2, 2, 40))
    one, other = pair_tests({"m": values}), pair_tests({"m": values[::-1]})
    assert one["difference"][0] == pytest.approx(-other["difference"][0])
    assert (one["low"][0], one["high"][0]) == pytest.approx((-other["high"][0], -other["low"][0]))
    for column in ("permutation", "seeds", "wilcoxon", "p"):
        assert one[column][0] == pytest.approx(other[column][0])
