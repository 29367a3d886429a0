"""What a tuning gives."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from support.trained_runs import copied
from support.tuning_settings import DECAY, RATE

import graphrec.runs.train
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.runs.train import train
from graphrec.tuning import Tuning


def test_the_first_trial_is_the_recipe_and_the_budget_counts_trainings(tuned: Tuning) -> None:
    assert [trial.number for trial in tuned.trials] == [0, 1, 2]
    assert tuned.trials[0].settings == {RATE: 0.01, DECAY: 0.0}
    assert Run(tuned.folder / "trials" / "000").recipe == tuned.space.recipe
    assert sorted(path.name for path in (tuned.folder / "trials").iterdir()) == ["000", "001", "002"]


def test_it_sees_the_validation_split_alone(tuned: Tuning) -> None:
    assert not list(tuned.folder.rglob("ledger.jsonl"))
    for path in (tuned.folder / "trials").iterdir():
        assert {result.result_set for result in Run(path).results} == {"valid"}


def test_the_strength_is_chosen_without_retraining(tuned: Tuning) -> None:
    labels = ["total_indirect_effect" + options for options in ("", ":strength=0", ":strength=0.5")]
    for trial in tuned.trials:
        run = Run(tuned.folder / "trials" / f"{trial.number:03d}")
        values = {label: run.results["valid", label].metrics["ndcg@20"]["mean"] for label in labels}
        assert trial.values == values
        assert trial.value == max(values.values()) == values[trial.estimand]
        assert trial.epochs == len(run.history) and trial.seconds > 0
    own = tuned.trials[0].values["total_indirect_effect"]
    assert own == pytest.approx(Run(tuned.folder / "trials" / "000").manifest["best_ndcg@20"])


def test_the_winner_is_a_recipe_that_gives_the_same_model_again(tuned: Tuning, tmp_path: Path) -> None:
    assert tuned.best.value == max(trial.value for trial in tuned.trials)
    recipe = Recipe.from_toml(tuned.folder / "best.toml")
    assert recipe == tuned.recipe and recipe.tune is None
    again = train(recipe, tmp_path / "run")
    for file in ("weights.safetensors", "tables.safetensors"):
        assert (again.folder / file).read_bytes() == (tuned.run.folder / file).read_bytes()
    table = again.evaluate(split="valid")
    assert table["ndcg@20"][0] == tuned.best.value and table["estimand"][0] == tuned.best.estimand


def test_the_files_hold_the_trials(tuned: Tuning) -> None:
    table = pd.read_csv(tuned.folder / "trials.csv")
    assert list(table["ndcg@20"]) == pytest.approx([trial.value for trial in tuned.trials])
    assert list(table[RATE]) == [trial.settings[RATE] for trial in tuned.trials]
    text = (tuned.folder / "tune.md").read_text()
    assert "3 trainings" in text and f"Best: trial {tuned.best.number}" in text
    assert f"| {RATE} | 0.001, 0.01 |" in text
    assert len(re.findall(r"^\| \d \|", text, flags=re.MULTILINE)) == 3
    assert str(tuned.folder) not in text
    assert json.loads(json.dumps(tuned.to_dict(), allow_nan=False))["best"] == tuned.best.number


def test_the_best_estimand_replaces_the_recipes_first(tuned: Tuning) -> None:
    other = "total_indirect_effect:strength=0.5"
    assert tuned.space.recipe_with(tuned.space.first).evaluation.estimands == ()
    assert tuned.space.recipe_with(tuned.space.first, other).evaluation.estimands == (other, "observational")


def test_what_is_searched_is_no_part_of_a_run(tuned: Tuning, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = copied(tuned.run, tmp_path / "run")
    monkeypatch.setattr(graphrec.runs.train, "prepare_split", pytest.fail)
    values = run.recipe.model_dump(exclude_none=True)
    recipe = Recipe.from_dict({**values, "tune": {"space": {RATE: [0.1]}}})
    assert train(recipe, run.folder).recipe == recipe.without_tune()
