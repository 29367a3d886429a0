"""Paired tests: their level where nothing differs, their power where something does, and Holm's correction."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from _pytest.mark import ParameterSet
from scipy import stats

from graphrec.evaluation.significance import corrected, holm, pair_tests, permutation_p, wilcoxon_p


def slow(value: float) -> ParameterSet:
    """A setting of a calibration that is left to `make test-all`; others of the same test are run always."""
    return pytest.param(value, marks=pytest.mark.slow)


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


def test_users_that_share_a_sign_differ_significantly_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(2, 3, 1501)) + np.array([0.0, 0.03, 0.08])[:, None]
    each = permutation_p(values)
    monkeypatch.setattr("graphrec.evaluation.significance.GROUPS", 500)
    assert np.allclose(permutation_p(values), each, atol=0.05) and 0.001 < each[0, 0, 1] < 0.9
    monkeypatch.setattr("graphrec.evaluation.significance.GROUPS", 1501)
    assert np.array_equal(permutation_p(values), each)


def test_the_permutation_test_rejects_as_often_as_it_says_where_nothing_differs() -> None:
    rng = np.random.default_rng(1)
    rejected = 0
    for trial in range(200):
        values = rng.beta(0.4, 2.0, (2, 40)) * (rng.random(40) < 0.6)  # skewed, with many ties at 0
        rejected += permutation_p(values[None], seed=trial)[0, 0, 1] < 0.1
    assert 0.05 <= rejected / 200 <= 0.16


def test_a_true_difference_is_found_and_equal_methods_do_not_differ_significantly() -> None:
    rng = np.random.default_rng(2)
    base = rng.random(300)
    values = np.stack([base, base + 0.02 + 0.05 * rng.standard_normal(300), base])
    (p,) = permutation_p(values[None])
    assert p[0, 1] < 0.001 and p[1, 2] < 0.001 and p[0, 2] == 1
    low, equal = wilcoxon_p(values[:1] - values[1:])
    assert low < 0.001 and equal == 1


def test_wilcoxon_agrees_with_scipy_where_there_are_no_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = np.random.default_rng(3).standard_normal((3, 40)) + 0.3
    expected = [stats.wilcoxon(of_pair, method="approx").pvalue for of_pair in differences]
    assert wilcoxon_p(differences) == pytest.approx(expected)
    values = {"m": np.random.default_rng(4).random((3, 2, 40))}
    whole = pair_tests(values)
    monkeypatch.setattr("graphrec.evaluation.significance.DIFFERENCES", 40)
    pd.testing.assert_frame_equal(pair_tests(values), whole), "in blocks of a pair"


def test_a_difference_that_depends_on_the_seed_is_not_significant() -> None:
    rng = np.random.default_rng(5)
    base = rng.random(2000)
    steady = np.stack([base + shift for shift in (0.000, 0.001, -0.001)])
    lucky = np.stack([base + shift + 0.01 * rng.standard_normal(2000) for shift in (0.05, -0.03, 0.0)])
    tests = pair_tests({"m": np.stack([steady, lucky])})
    assert tests["permutation"][0] < 0.001, "over users alone it would be"
    assert tests["crossed"][0] > 0.5 and tests["p"][0] == tests["crossed"][0]
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


def test_a_metric_is_tested_the_same_alone_and_next_to_others() -> None:
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
    forward, backward = pair_tests({"m": values}), pair_tests({"m": values[::-1]})
    assert forward["difference"][0] == pytest.approx(-backward["difference"][0])
    assert (forward["low"][0], forward["high"][0]) == pytest.approx((-backward["high"][0], -backward["low"][0]))
    for column in ("permutation", "crossed", "wilcoxon", "p"):
        assert forward[column][0] == pytest.approx(backward[column][0])


def test_tests_that_are_corrected_together_are_one_family() -> None:
    rng = np.random.default_rng(10)
    alone = [pair_tests({name: rng.random((2, 2, 30)) for name in "xy"}) for _ in range(3)]
    assert all((tests["p"] == tests[["permutation", "crossed"]].max(axis=1)).all() for tests in alone), (
        "a pair is a family"
    )
    together = corrected(pd.concat(alone, ignore_index=True))
    for metric, family in together.groupby("metric"):
        raw = family[["permutation", "crossed"]].max(axis=1).to_numpy()
        assert family["p"].to_numpy() == pytest.approx(holm(raw)), metric
        assert family["wilcoxon_p"].to_numpy() == pytest.approx(holm(family["wilcoxon"].to_numpy()))


def simulated(
    seed_sd: list[float], user_sd: float, *, of: list[int] | None = None, own_sd: float = 0.0, seeds: int = 3,
    replications: int = 600,
) -> pd.DataFrame:  # fmt: skip
    """The tests of methods that do not differ; each metric is another simulated experiment with 50 users.

    Args:
        seed_sd: of each training.
        user_sd: of a method's value for a user around that of all methods.
        of: the training of each method; by default its own.
        own_sd: over seeds, of a method around its training.
    """
    rng = np.random.default_rng(11)
    of = of or list(range(len(seed_sd)))
    shape = (replications, len(of), seeds, 50)
    values = rng.beta(0.5, 2.0, (replications, 1, 1, 50)) + user_sd * rng.standard_normal((*shape[:2], 1, 50))
    trained = np.array(seed_sd)[:, None, None] * rng.standard_normal((replications, len(seed_sd), seeds, 1))
    values = values + trained[:, of] + own_sd * rng.standard_normal((*shape[:3], 1)) + 0.02 * rng.standard_normal(shape)
    return pair_tests({str(number): replication for number, replication in enumerate(values)}, of)


def rejected(tests: pd.DataFrame) -> pd.Series:
    """How often each pair is called different before Holm's correction."""
    raw = tests[["permutation", "crossed"]].max(axis=1) < 0.05
    return raw.groupby([tests["first"], tests["second"]]).mean()


@pytest.mark.parametrize("user_sd", [0.0, 0.1])
@pytest.mark.parametrize("scale", [slow(0.0), 0.01, 0.1, slow(1.0)])
def test_equal_methods_differ_significantly_no_more_often_than_the_level_says(scale: float, user_sd: float) -> None:
    """Spread over seeds that is 1, 3 and 5 times as large from method to method, over users, and over both."""
    rates = rejected(simulated([scale, 3 * scale, 5 * scale], user_sd))
    assert rates.max() <= 0.08, rates
    if scale == 0 and user_sd > 0:
        assert rates.min() >= 0.03, "with users alone it is the permutation test's level"


def test_a_difference_has_the_spread_of_users_and_of_seeds_together() -> None:
    """Where both are alike, the larger of two separate p would call every seventh of these pairs different."""
    assert 0.03 <= rejected(simulated([0.045, 0.045], 0.1, seeds=10))[0, 1] <= 0.08


@pytest.mark.parametrize("own_sd", [slow(0.0), 0.02, slow(0.2)])
def test_equal_estimands_of_one_training_differ_significantly_no_more_often_than_the_level_says(own_sd: float) -> None:
    rates = rejected(simulated([0.5, 0.1], 0.1, of=[0, 0, 0, 1], own_sd=own_sd))
    assert rates.max() <= 0.08, rates
    assert rates[[(0, 1), (0, 2), (1, 2)]].mean() >= 0.015, "not by giving up all power"


@pytest.mark.parametrize("seeds", [2, slow(3)])
def test_holms_correction_keeps_the_level_of_all_pairs_where_seeds_vary_unequally(seeds: int) -> None:
    """Satterthwaite's degrees of freedom would claim something in an eighth (three seeds) or a quarter of them."""
    tests = simulated([0.015, 0.015, 0.045, 0.045, 0.15, 0.15, 0.15], 0.1, seeds=seeds, replications=400)
    claimed = (tests["p"] < 0.05).groupby(tests["metric"]).any().mean()
    assert claimed <= 0.075


def test_the_interval_of_a_difference_covers_it_with_three_seeds() -> None:
    for scale in (0.0, 0.01, 0.1, 1.0):
        tests = simulated([scale, 3 * scale], 0.1)
        assert ((tests["low"] <= 0) & (tests["high"] >= 0)).mean() >= 0.93, scale


def test_a_small_difference_of_two_estimands_of_one_training_is_found_though_seeds_vary_much() -> None:
    rng = np.random.default_rng(12)
    base = rng.random((3, 60)) + np.array([[0.0], [0.4], [-0.3]])
    noisy = base + 0.01 + 0.005 * rng.standard_normal((3, 60))
    values = {"m": np.stack([base, noisy, base + 0.01])}
    paired = pair_tests(values, ["hcr", "hcr", "hcr"]).set_index(["first", "second"])
    apart = pair_tests(values).set_index(["first", "second"])
    assert paired.loc[(0, 1), "p"] < 0.01 and 0.008 < -paired.loc[(0, 1), "high"] < -paired.loc[(0, 1), "low"] < 0.012
    assert paired.loc[(0, 2), "crossed"] < 1e-6, "a constant difference has no spread"
    assert (apart["p"] > 0.5).all(), "of three trainings each they could be chance"
    mixed = pair_tests(values, ["hcr", "ct", "hcr"]).set_index(["first", "second"])
    assert mixed.loc[(0, 2), "crossed"] == pytest.approx(paired.loc[(0, 2), "crossed"])
    assert mixed.loc[(0, 1), "crossed"] == pytest.approx(apart.loc[(0, 1), "crossed"])


def test_methods_without_a_seed_differ_by_their_users_alone() -> None:
    rng = np.random.default_rng(13)
    fixed = rng.random((2, 40))
    trained = rng.random(40) + np.array([[0.0], [0.3], [-0.2]])
    tests = pair_tests({"m": np.stack([*(np.broadcast_to(user_values, (3, 40)) for user_values in fixed), trained])})
    assert tests["crossed"][0] == pytest.approx(stats.ttest_rel(*fixed).pvalue)
    seeds, users = trained.mean(1).var(ddof=1) / 3, (fixed[0] - trained.mean(0)).var(ddof=1) / 40
    t = (seeds * stats.t.ppf(0.975, 2) + users * stats.t.ppf(0.975, 39)) / (seeds + users)
    assert tests["high"][1] - tests["difference"][1] == pytest.approx(t * np.sqrt(seeds + users))
