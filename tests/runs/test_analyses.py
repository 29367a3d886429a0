"""The analyses of a run: written as result sets, equal to what they average, refused where the data lacks them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from graphrec.causal import Observational
from graphrec.data.exposures import randomised_exposures
from graphrec.data.prepare import prepare
from graphrec.data.split import Split
from graphrec.errors import DataError, RunError
from graphrec.runs import analyses
from graphrec.runs.build import load_data
from graphrec.runs.compare import compare
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.runs.train import train
from graphrec.simulation import simulate
from graphrec.simulation.truth import Truth


@pytest.fixture(scope="module")
def coat(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on a twin of Coat, whose test split was shown at random."""
    folder = tmp_path_factory.mktemp("coat")
    simulate("coat", folder / "raw", users=120, items=90, shown=40)
    prepare("coat", folder / "raw", folder / "prepared")
    recipe = {
        "data": {"path": str(folder / "prepared")},
        "split": {"name": "given"},
        "backbone": {"name": "mf", "embedding_size": 8},
        "decoder": {"name": "ct"},
        "training": {"epochs": 2, "batch_size": 512, "learning_rate": 0.01, "monitor": "ndcg@5"},
        "evaluation": {"k": [5, 20]},
    }
    return train(Recipe.from_dict(recipe), folder / "run")


def test_activity_divides_the_users_of_the_test_part(own: Callable[[str], Run]) -> None:
    run = own("hcr")
    with pytest.raises(RunError, match="not evaluated yet"):
        analyses.by_activity(run)
    whole = run.evaluate()
    table = analyses.by_activity(run)
    assert table["result_set"].tolist() == ["active"] * 4 + ["less_active"] * 4
    active, others = table[:4].reset_index(), table[4:].reset_index()
    assert (active["users"] + others["users"]).tolist() == whole["users"].tolist()
    mean = (active["ndcg@20"] * active["users"] + others["ndcg@20"] * others["users"]) / whole["users"]
    assert mean.to_numpy() == pytest.approx(whole["ndcg@20"].to_numpy())
    clicks = pd.Series(np.bincount(run.train_interactions[:, 0], minlength=len(run.user_ids)), index=run.user_ids)
    named = {part: run.results[part, "front_door"].per_user["user"] for part in ("active", "less_active")}
    assert clicks[named["active"]].min() >= clicks[named["less_active"]].max()


def test_time_divides_the_held_out_likes_of_the_same_users(own: Callable[[str], Run]) -> None:
    run = own("ct")
    table = analyses.by_time(run)
    assert table["result_set"].tolist() == ["time_1", "time_2", "time_3", "time_4", "time_drop"]
    split = run.split()
    held = pd.DataFrame(np.concatenate([split.valid, split.open_test("to compare")]), columns=["user", "item"])
    sizes = held.groupby("user").size()
    tables = [run.results[f"time_{n}", "observational"].per_user for n in range(1, 5)]
    for users in tables:
        assert list(users["user"]) == list(run.user_ids[sizes.index[sizes >= 4]])
    assert sum(users["positives"].to_numpy() for users in tables).tolist() == sizes[sizes >= 4].tolist()
    means = table["ndcg@20"].to_numpy()
    assert table["drop_ndcg@20"].iloc[-1] == pytest.approx(1 - means[1:4].mean() / means[0])
    assert [json.loads(line)["reason"] for line in (run.folder / "ledger.jsonl").read_text().splitlines()] == [
        "evaluate by time"
    ]


def test_the_like_ratio_divides_the_items(own: Callable[[str], Run]) -> None:
    run = own("ct")
    table = analyses.by_like_ratio(run)
    assert table["result_set"].tolist() == ["high_ratio", "low_ratio"]
    tables = [run.results[part, "observational"].per_user for part in table["result_set"]]
    assert sum(users["positives"].sum() for users in tables) == len(run.split().open_test("to compare"))
    assert (table["normalised_recall@20"] > 0).all()
    assert table["normalised_recall@20"].iloc[0] == pytest.approx(tables[0]["normalised_recall@20"].mean())


def test_lists_are_described_without_opening_the_test_part(
    own: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Split, "open_test", lambda *a, **k: pytest.fail("the test split was opened"))
    run = own("hcr")
    table = analyses.of_lists(run)
    assert table["users"].tolist() == [len(run.user_ids)] * 4
    assert table["coverage@20"].between(0, 1).all() and table["coverage@20_low"].isna().all()
    modalities = run.manifest["context"]["exposure"] + run.manifest["context"]["content"]
    for name in modalities:
        assert table[f"intra_list_similarity_{name}@10"].between(-1, 1).all()
    lists = run.recommend(run.user_ids, 20, estimand="front_door")
    assert table["coverage@20"].iloc[0] == lists["item"].nunique() / len(run.item_ids)
    pd.testing.assert_frame_equal(
        compare([run], "lists").drop(columns="run"), table.drop(columns="result_set"), check_like=True
    )


def test_the_value_of_lists_is_estimated_from_what_was_shown_at_random(coat: Run) -> None:
    table = analyses.off_policy(coat)
    row = table.iloc[0]
    for name in ("ips", "snips", "dr"):
        for k in (5, 20):
            assert row[f"{name}@{k}_low"] <= row[f"{name}@{k}"] <= row[f"{name}@{k}_high"]
    assert abs(row["ips@20"] - row["dr@20"]) < 0.1
    assert coat.results["off_policy", "observational"].per_user["shown"].between(1, 16).all()
    assert "off-policy" in (coat.folder / "ledger.jsonl").read_text()


def test_the_estimated_value_is_the_one_that_the_twins_equations_give(coat: Run) -> None:
    row = analyses.off_policy(coat).iloc[0]
    users = np.arange(len(coat.user_ids))
    chance = Truth.load(Path(coat.recipe.data.path).with_name("raw")).align(coat.user_ids, coat.item_ids)
    scores = coat.model.scorer(Observational())(torch.from_numpy(users)).numpy()
    exposures = randomised_exposures(load_data(coat.recipe), coat.split())
    scores[exposures.excluded[:, 0], exposures.excluded[:, 1]] = -np.inf
    scores[:, ~exposures.pool] = -np.inf
    users_shown = np.unique(exposures.pairs[:, 0])
    for k in (5, 20):
        lists = np.argsort(-scores, axis=1)[users_shown, :k]
        value = np.take_along_axis(chance.effect(users_shown, "satisfaction"), lists, 1).mean()
        for name in ("ips", "snips", "dr"):
            assert row[f"{name}@{k}_low"] < value < row[f"{name}@{k}_high"], (name, k, value)


def test_what_the_data_does_not_allow_is_refused_while_the_test_part_is_closed(
    coat: Run, own: Callable[[str], Run]
) -> None:
    ledger = coat.folder / "ledger.jsonl"
    before = ledger.read_text() if ledger.exists() else ""
    with pytest.raises(DataError, match="order of time"):
        analyses.by_time(coat)
    assert (ledger.read_text() if ledger.exists() else "") == before
    run = own("ct")
    with pytest.raises(DataError, match="marked as exposed at random"):
        analyses.off_policy(run)
    assert not (run.folder / "ledger.jsonl").exists()


def test_groups_of_other_sizes_are_not_compared(
    own: Callable[[str], Run], tiny_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    runs = [own("ct"), train(tiny_recipe("ct", "evaluation.active_share=0.2", "name=other"), tmp_path / "other")]
    for run in runs:
        run.evaluate()
        analyses.by_activity(run)
    assert runs[1].results["active", "observational"].metrics["mrr"]["users"] < 0.3 * len(runs[1].user_ids)
    with pytest.raises(RunError, match="active users are not the same"):
        compare(runs, "active")
