"""The baselines that methods are compared with: popularity, and the oracles of a simulated world."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from graphrec.data.split import Split, SplitConfig, make_split
from graphrec.data.store import load
from graphrec.evaluation.baselines import ORACLE, POPULARITY, baseline_scorers, baselines
from graphrec.simulation.truth import Truth


@pytest.fixture(scope="module")
def split(tiny_prepared: Path) -> Split:
    return make_split(load(tiny_prepared), SplitConfig())


@pytest.fixture(scope="module")
def truth(tiny_world: Path, split: Split) -> Truth:
    return Truth.load(tiny_world).align(split.dataset.user_ids, split.dataset.item_ids)


def test_a_dataset_without_truth_has_popularity_alone(split: Split) -> None:
    assert list(baseline_scorers(split, None, "like")) == [POPULARITY]


def test_every_baseline_scores_all_items_and_knows_its_size(split: Split, truth: Truth) -> None:
    scorers = baseline_scorers(split, truth, "like")
    assert len(scorers) == 3 and all(name.startswith(ORACLE) for name in list(scorers)[1:])
    for scorer in scorers.values():
        assert (scorer.num_users, scorer.num_items) == (split.dataset.num_users, split.dataset.num_items)
        assert scorer(torch.arange(2)).shape == (2, scorer.num_items)
        assert scorer.bytes_per_user >= 4 * scorer.num_items


def test_the_causal_oracle_has_no_regret_and_competes_with_none(split: Split, truth: Truth, tmp_path: Path) -> None:
    popularity, observed, causal = baselines(split, truth, "like", (10,), tmp_path / "ledger.jsonl")
    assert popularity.competes and not observed.competes and not causal.competes
    assert causal.per_user["truth"]["regret_do@50"].max() == pytest.approx(0, abs=1e-12)
    assert popularity.per_user["truth"]["regret_do@50"].mean() > 0.01
    assert set(popularity.per_user["test"]["user"]) <= set(split.dataset.user_ids), "external ids"
    (line,) = (tmp_path / "ledger.jsonl").read_text().splitlines()
    assert json.loads(line)["reason"] == "benchmark baselines"


def test_they_have_the_metrics_that_the_recipe_names(split: Split, truth: Truth, tmp_path: Path) -> None:
    chosen = ["mrr", "regret_do"]
    for baseline in baselines(split, truth, "like", (10,), tmp_path / "ledger.jsonl", chosen):
        assert list(baseline.per_user["test"].columns) == ["user", "positives", "mrr"]
        assert list(baseline.per_user["truth"].columns) == ["user", "positives", "regret_do@50"]
