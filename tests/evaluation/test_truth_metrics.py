"""Evaluating a ranking by the simulated world that its data came from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import pearsonr, rankdata, spearmanr

from graphrec.errors import UnknownNameError
from graphrec.evaluation.rank_agreement import rank_agreement
from graphrec.evaluation.scorer import TableScorer
from graphrec.evaluation.summary import summarise
from graphrec.evaluation.truth import evaluate_by_truth
from graphrec.simulation.oracle import oracle_gap
from graphrec.simulation.truth import Truth
from graphrec.simulation.world import WorldConfig, draw_latents

K = 10


def truth_of(**settings: float) -> Truth:
    config = WorldConfig(**{"users": 80, "items": 120, "shown": 40, "prevalence": 0.3} | settings)
    return Truth(
        config=config,
        latents=draw_latents(config),
        user_ids=np.asarray([f"u{row}" for row in range(80)], dtype=object),
        item_ids=np.asarray([f"i{row}" for row in range(120)], dtype=object),
        user_rows=np.arange(80),
        item_rows=np.arange(120),
    )


@pytest.fixture(scope="module")
def truth() -> Truth:
    return truth_of()


@pytest.fixture(scope="module")
def seen() -> np.ndarray:
    return np.argwhere(np.random.default_rng(0).random((80, 120)) < 0.2)


def by(values: Callable[[np.ndarray], np.ndarray]) -> TableScorer:
    return TableScorer(values(np.arange(80)))


def test_the_interventional_oracle_leaves_nothing_behind(truth: Truth, seen: np.ndarray) -> None:
    table = evaluate_by_truth(by(truth.interventional), truth, seen, k=K)
    assert table["user"].tolist() == list(range(80))
    np.testing.assert_allclose(table[f"regret_do@{K}"], 0, atol=1e-12)


def test_a_ranking_by_what_is_observed_loses_what_the_oracle_gap_says(truth: Truth, seen: np.ndarray) -> None:
    gap = oracle_gap(truth, seen, k=K, seed=3)
    causal, observed = (
        evaluate_by_truth(by(values), truth, seen, k=K, seed=3)
        for values in (truth.interventional, truth.observational)
    )
    assert causal[f"ndcg_do@{K}"].mean() == pytest.approx(gap.interventional_ndcg)
    assert observed[f"ndcg_do@{K}"].mean() == pytest.approx(gap.observational_ndcg)
    assert observed[f"regret_do@{K}"].mean() == pytest.approx(gap.regret_observational)
    assert gap.regret_observational > 0.05


def test_seen_items_count_neither_as_found_nor_as_missed(truth: Truth) -> None:
    all_but_four = np.array([(user, item) for user in range(80) for item in range(4, 120)])
    worst = by(lambda users: -truth.interventional(users))
    table = evaluate_by_truth(worst, truth, all_but_four, k=K)
    np.testing.assert_allclose(table[f"regret_do@{K}"], 0, atol=1e-12)
    likes = truth.draw_likes(np.arange(80), 0)[:, :4].sum(1)
    assert table["positives"].tolist() == likes.tolist()
    assert table[f"ndcg_do@{K}"].isna().tolist() == (likes == 0).tolist()


@pytest.mark.parametrize("target", ["like", "satisfaction"])
def test_each_target_is_evaluated_by_its_own_truth(truth: Truth, seen: np.ndarray, target: str) -> None:
    gap = oracle_gap(truth, seen, k=K, seed=3, target=target)
    oracle, observed = (
        evaluate_by_truth(by(values), truth, seen, k=K, seed=3, target=target)
        for values in (lambda users: truth.effect(users, target), lambda users: truth.observed(users, target))
    )
    np.testing.assert_allclose(oracle[f"regret_do@{K}"], 0, atol=1e-12)
    assert oracle[f"ndcg_do@{K}"].mean() == pytest.approx(gap.interventional_ndcg)
    assert observed[f"ndcg_do@{K}"].mean() == pytest.approx(gap.observational_ndcg)
    assert observed[f"regret_do@{K}"].mean() == pytest.approx(gap.regret_observational)
    assert gap.loss > 0.05


def test_an_unknown_target_is_refused(truth: Truth, seen: np.ndarray) -> None:
    with pytest.raises(UnknownNameError, match="target"):
        evaluate_by_truth(by(truth.interventional), truth, seen, target="love")


# The order of all candidates


def partial(score: np.ndarray, confounder: np.ndarray, effect: np.ndarray) -> float:
    """Partial rank correlation as that of the residuals of two least-squares fits."""
    s, v, e = (rankdata(values) for values in (score, confounder, effect))
    design = np.column_stack([np.ones(len(e)), e])
    left, right = (ranks - design @ np.linalg.lstsq(design, ranks, rcond=None)[0] for ranks in (s, v))
    return float(pearsonr(left, right).statistic)


def test_agreement_and_leakage_are_those_of_each_user_alone(truth: Truth, seen: np.ndarray) -> None:
    random = np.random.default_rng(1)
    scores = np.round(random.standard_normal((80, 120)) + 2 * truth.observational(np.arange(80)), 1)  # many ties
    table = evaluate_by_truth(TableScorer(scores), truth, seen, k=K)
    candidates = np.ones((80, 120), dtype=bool)
    candidates[tuple(seen.T)] = False
    for user in (0, 7, 79):
        here = candidates[user]
        effect, confounder = truth.interventional(np.array([user]))[0][here], truth.confounder()[here]
        expected = spearmanr(scores[user][here], effect).statistic
        assert table["rank_correlation_do"][user] == pytest.approx(expected, abs=1e-12)
        assert table["leakage_do"][user] == pytest.approx(partial(scores[user][here], confounder, effect), abs=1e-10)


def test_the_oracle_orders_all_items_as_the_truth_does_and_nothing_leaks(truth: Truth, seen: np.ndarray) -> None:
    for score, sign in ((truth.interventional, 1), (lambda users: -truth.interventional(users), -1)):
        table = evaluate_by_truth(by(score), truth, seen)
        np.testing.assert_allclose(table["rank_correlation_do"], sign, rtol=1e-12)
        assert (table["leakage_do"] == 0).all()


@pytest.mark.parametrize(("strength", "least", "most"), [(0.0, -0.02, 0.02), (2.0, 0.3, 1.0), (6.0, 0.6, 1.0)])
def test_what_is_observed_leaks_the_confounder_as_far_as_there_is_confounding(
    seen: np.ndarray, strength: float, least: float, most: float
) -> None:
    world = truth_of(strength=strength)
    table = evaluate_by_truth(by(world.observational), world, seen)
    assert least <= table["leakage_do"].mean() <= most


def test_what_cannot_be_determined_is_no_number() -> None:
    effect = np.array([[0.1, 0.4, 0.2, 0.3]] * 4)
    scores = np.array([[1.0, 1.0, 1.0, 1.0], [3.0, 1.0, 4.0, 2.0], [3.0, 1.0, 4.0, 2.0], [3.0, 1.0, 4.0, 2.0]])
    candidates = np.array([[True] * 4, [True, False, True, True], [False, True, False, False], [True] * 4])
    confounder = np.array([False, True, False, False])
    agreement, leakage = rank_agreement(scores, effect, confounder, candidates)
    # All scores equal; no carrier among the candidates; a single candidate; nothing amiss.
    assert np.isnan(agreement).tolist() == [True, False, True, False]
    assert np.isnan(leakage).tolist() == [True, True, True, False]
    flat, _ = rank_agreement(scores, np.full((4, 4), 0.5), confounder, candidates)
    assert np.isnan(flat).all()


def test_a_measure_that_no_user_has_is_summarised_without_a_number(recwarn: pytest.WarningsRecorder) -> None:
    world = truth_of(prevalence=1e-9)
    table = evaluate_by_truth(by(world.click_probability), world, np.empty((0, 2), dtype=int))
    summary = summarise(table)["leakage_do"]
    assert summary["users"] == 0 and np.isnan([summary["mean"], summary["low"], summary["high"]]).all()
    assert not recwarn.list
