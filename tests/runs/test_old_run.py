"""Run folders of earlier versions: what the old code trained, evaluated and exported is read and gives equal numbers.

`old_run/` was written by graphrec 0.1.0 at its commit 0699e8b: the prepared data and the truth of a small world, two
complete runs, an interrupted one of the recipe of the first, and under `expected/` what the old code returned of them.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from support.stopped import content

import graphrec as gr
from graphrec.runs.analyses import by_activity
from graphrec.runs.compare import compare_runs
from graphrec.training.callbacks import AfterEpoch

OLD = Path(__file__).parent / "old_run"
RUNS = ("vbpr", "causalrec")


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private copy of the old folders; the first run's decoder is the user's own class in `custom_vbpr.py`."""
    monkeypatch.syspath_prepend(OLD)
    return Path(shutil.copytree(OLD, tmp_path / "old"))


def expected(name: str) -> pd.DataFrame:
    return pd.read_csv(OLD / "expected" / f"{name}.csv", dtype={"user": str, "item": str})


def assert_equal(table: pd.DataFrame, name: str) -> None:
    pd.testing.assert_frame_equal(table[list(expected(name))], expected(name), check_dtype=False, rtol=1e-6)


@pytest.mark.parametrize("name", RUNS)
def test_an_old_run_recommends_what_it_did(old: Path, name: str) -> None:
    run = gr.Run(old / name, trust=True)
    assert_equal(run.recommend(list(run.user_ids[:8]), k=5), f"{name}.recommendations")


@pytest.mark.parametrize("name", RUNS)
def test_an_old_run_is_evaluated_as_it_was(old: Path, name: str) -> None:
    run = gr.Run(old / name, trust=True)
    assert_equal(run.evaluate(), f"{name}.test")
    assert_equal(run.evaluate(split="valid"), f"{name}.valid")
    assert_equal(run.evaluate_truth(old / "truth"), f"{name}.truth")


@pytest.mark.parametrize("name", RUNS)
def test_an_old_run_exports_the_same_tables(old: Path, name: str) -> None:
    tables = load_file(gr.Run(old / name, trust=True).export(old / "exported", "safetensors") / "tables.safetensors")
    before = load_file(OLD / "expected" / f"{name}.tables.safetensors")
    before = {key.replace("representation/own/", "representation/extra/"): table for key, table in before.items()}
    assert tables.keys() == before.keys()
    for key, table in before.items():
        np.testing.assert_allclose(tables[key], table, rtol=1e-6, atol=1e-7, err_msg=key)


def test_what_old_runs_were_evaluated_on_is_compared_without_another_evaluation(old: Path) -> None:
    comparison = compare_runs([gr.Run(old / name, trust=True) for name in RUNS])
    assert_equal(comparison.table, "compare")
    assert_equal(comparison.tests, "tests")


def test_old_and_new_results_of_a_run_are_read_together(old: Path) -> None:
    run = gr.Run(old / "causalrec")
    before = run.results["less_active", "observational"].per_user
    by_activity(run)
    pd.testing.assert_frame_equal(run.results["less_active", "observational"].per_user, before)
    assert "placebo_modality" in run.refutation()


def test_an_old_run_is_complete_for_its_recipe_and_its_code(old: Path) -> None:
    before = content(old / "vbpr")
    recipe = gr.Recipe.from_toml(old / "vbpr" / "recipe.toml", trust=True).with_data_at(str(old / "prepared"))
    assert gr.train(recipe, old / "vbpr").manifest["created"] == json.loads(before["run.json"])["created"]
    assert content(old / "vbpr")["weights.safetensors"] == before["weights.safetensors"]


def test_an_old_training_is_resumed_to_the_weights_that_the_old_code_gave(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(old)
    epochs: list[int] = []
    watch = AfterEpoch(lambda trainer: epochs.append(trainer.state.epoch))
    run = gr.train(gr.Recipe.from_toml("vbpr/recipe.toml", trust=True), "interrupted", callbacks=[watch])
    assert epochs == [3]
    before = load_file(OLD / "vbpr" / "weights.safetensors")
    after = load_file(run.folder / "weights.safetensors")
    for key, table in before.items():
        np.testing.assert_allclose(after[key], table, rtol=1e-5, atol=1e-6, err_msg=key)


@pytest.mark.parametrize("folder", ["vbpr", "interrupted"])
def test_changed_code_is_noticed_in_an_old_run(old: Path, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = json.loads((old / folder / "run.json").read_text())
    manifest["own_code"]["custom_vbpr"] = "0" * 64  # the old name of custom_code
    (old / folder / "run.json").write_text(json.dumps(manifest))
    monkeypatch.chdir(old)
    with pytest.raises(gr.GraphrecError, match="file of `custom_vbpr` changed"):
        gr.train(gr.Recipe.from_toml("vbpr/recipe.toml", trust=True), folder)
