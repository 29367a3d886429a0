"""Judging a ranking by the simulated world that its data came from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from graphrec.evaluation.truth import judge_by_truth
from graphrec.simulation.truth import Truth, oracle_gap
from graphrec.simulation.world import WorldConfig, draw_latents

K = 10


@pytest.fixture(scope="module")
def truth() -> Truth:
    config = WorldConfig(users=80, items=120, shown=40, prevalence=0.3)
    return Truth(
        config=config,
        latents=draw_latents(config),
        user_ids=np.asarray([f"u{row}" for row in range(80)], dtype=object),
        item_ids=np.asarray([f"i{row}" for row in range(120)], dtype=object),
        user_rows=np.arange(80),
        item_rows=np.arange(120),
    )


@pytest.fixture(scope="module")
def seen() -> np.ndarray:
    return np.argwhere(np.random.default_rng(0).random((80, 120)) < 0.2)


def by(values: Callable[[np.ndarray], np.ndarray]) -> Callable[[Tensor], Tensor]:
    return lambda users: torch.from_numpy(values(users.numpy()).copy())


def test_the_interventional_oracle_leaves_nothing_behind(truth: Truth, seen: np.ndarray) -> None:
    table = judge_by_truth(by(truth.interventional), truth, seen, bytes_per_user=480, k=K)
    assert table["user"].tolist() == list(range(80))
    np.testing.assert_allclose(table[f"regret_do@{K}"], 0, atol=1e-12)


def test_a_ranking_by_what_is_observed_loses_what_the_oracle_gap_says(truth: Truth, seen: np.ndarray) -> None:
    gap = oracle_gap(truth, seen, k=K, seed=3)
    causal, observed = (
        judge_by_truth(by(values), truth, seen, bytes_per_user=480, k=K, seed=3)
        for values in (truth.interventional, truth.observational)
    )
    assert causal[f"ndcg_do@{K}"].mean() == pytest.approx(gap.interventional_ndcg)
    assert observed[f"ndcg_do@{K}"].mean() == pytest.approx(gap.observational_ndcg)
    assert observed[f"regret_do@{K}"].mean() == pytest.approx(gap.regret_observational)
    assert gap.regret_observational > 0.05


def test_seen_items_count_neither_as_found_nor_as_missed(truth: Truth) -> None:
    all_but_four = np.array([(user, item) for user in range(80) for item in range(4, 120)])
    worst = by(lambda users: -truth.interventional(users))
    table = judge_by_truth(worst, truth, all_but_four, bytes_per_user=480, k=K)
    np.testing.assert_allclose(table[f"regret_do@{K}"], 0, atol=1e-12)
    likes = truth.draw_likes(np.arange(80), 0)[:, :4].sum(1)
    assert table["positives"].tolist() == likes.tolist()
    assert table[f"ndcg_do@{K}"].isna().tolist() == (likes == 0).tolist()
