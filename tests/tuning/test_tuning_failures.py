"""Trials that fail, and tunings that are killed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from support.stopped import Stopped
from support.tuning_settings import DECAY, RATE, rate

import graphrec.runs.train
from graphrec.errors import MismatchError, RunError
from graphrec.runs.recipe import Recipe
from graphrec.training.callbacks import AfterEpoch, Callback
from graphrec.training.loop import Trainer, TrainingDiverged
from graphrec.tuning import tune


def test_a_trial_that_diverges_is_listed_and_the_next_follows(
    with_space: Callable[..., Recipe], tmp_path: Path
) -> None:
    tuning = tune(with_space("ct", {RATE: [1e30]}), tmp_path / "out", trials=2)
    assert tuning.best.number == 0
    assert "lower the learning rate" in tuning.trials[1].failure
    text = (tmp_path / "out" / "tune.md").read_text()
    assert "| 1 | failed |" in text and "- trial 1: training diverged in epoch 1" in text
    assert tuning.to_dict()["trials"][1]["value"] is None


def test_a_failed_trial_is_not_tried_again(
    pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path
) -> None:
    def diverge(recipe: Recipe) -> float:
        raise TrainingDiverged("training diverged")

    trained = pretend(diverge)
    recipe = with_space("ct", {RATE: [0.1, 0.2]})
    for _ in range(2):
        with pytest.raises(RunError, match="every trial failed"):
            tune(recipe, tmp_path, trials=5)
    assert len(trained) == 3 and not (tmp_path / "best.toml").exists()
    assert len(pd.read_csv(tmp_path / "trials.csv")["failure"].dropna()) == 3


def test_a_bug_that_some_settings_meet_is_reported_and_the_next_follows(
    pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def divide(recipe: Recipe) -> float:
        return 1 / 0 if recipe.training.learning_rate == 0.2 else recipe.training.learning_rate

    pretend(divide)
    tuning = tune(with_space("ct", {RATE: [0.1, 0.2, 0.3]}), tmp_path, trials=5)
    assert [trial.failure for trial in tuning.trials if trial.failure] == ["ZeroDivisionError: division by zero"]
    assert len(tuning.succeeded) == len(tuning.trials) - 1 and tuning.best.settings == {RATE: 0.3}
    assert "in divide" in caplog.text


@pytest.mark.parametrize(
    ("trial", "error"),
    [
        (0, RuntimeError("a bug")),
        (1, OSError(28, "No space left on device")),
        (1, MismatchError("the file of `mine` changed")),
        (1, KeyboardInterrupt()),
    ],
)
def test_what_is_not_the_settings_fault_ends_the_tuning_and_the_trial_is_tried_again(
    pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path, trial: int, error: BaseException
) -> None:
    errors = {trial: error}

    def fail_once(recipe: Recipe) -> float:
        if (failure := errors.pop(len(trained) - 1, None)) is not None:
            raise failure
        return rate(recipe)

    trained = pretend(fail_once)
    recipe = with_space("ct", {RATE: [0.1, 0.2]})
    with pytest.raises(type(error)):
        tune(recipe, tmp_path, trials=3)
    tuning = tune(recipe, tmp_path, trials=3)
    assert trained[trial] == trained[trial + 1] and not any(finished.failure for finished in tuning.trials)


def test_a_tuning_is_resumed_after_its_data_has_moved(
    pretend: Callable, with_space: Callable[..., Recipe], tiny_prepared: Path, tmp_path: Path
) -> None:
    trained = pretend(rate)
    tuning = tune(with_space("ct", {RATE: [0.1]}), tmp_path / "out", trials=2)
    shutil.copytree(tiny_prepared, tmp_path / "moved")
    moved = with_space("ct", {RATE: [0.1]}, f"data.path={tmp_path / 'moved'}")
    again = tune(moved, tmp_path / "out", trials=2)
    assert again.trials == tuning.trials and len(trained) == 2
    assert again.recipe.data.path == str(tmp_path / "moved")


def test_a_killed_tuning_ends_as_one_that_was_not(
    pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = with_space("ct", {RATE: {"low": 1e-4, "high": 0.1, "log": True}, DECAY: [0, 0.1]})
    kills = iter([True, False, True, True, False, *[False] * 9])

    def killed(recipe: Recipe) -> float:
        if next(kills):
            raise Stopped
        return rate(recipe)

    trained = pretend(killed)
    for _ in range(3):
        with pytest.raises(Stopped):
            tune(recipe, tmp_path / "cut", trials=7)
    cut = tune(recipe, tmp_path / "cut", trials=7)
    assert sum(before == after for before, after in pairwise(trained)) == 3, "what was killed is trained again"
    pretend(rate)
    whole = tune(recipe, tmp_path / "whole", trials=7)
    assert cut.trials == whole.trials
    for file in ("trials.csv", "tune.md", "best.toml"):
        assert (tmp_path / "cut" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()


def test_the_interrupted_training_itself_is_resumed(
    with_space: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphrec.runs.train, "CHECKPOINT_SECONDS", -1.0)
    recipe = with_space("ct", {RATE: [0.01]})
    epochs: list[int] = []

    def progress(name: str) -> Callback:
        def stop_at_first(trainer: Trainer) -> None:
            epochs.append(trainer.state.epoch)
            if len(epochs) == 1:
                raise Stopped

        return AfterEpoch(stop_at_first)

    with pytest.raises(Stopped):
        tune(recipe, tmp_path, progress=progress)
    tune(recipe, tmp_path, progress=progress)
    assert epochs == [1, 2]


def test_more_trials_are_added_and_fewer_are_a_beginning(
    pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path
) -> None:
    trained = pretend(rate)
    recipe = with_space("ct", {RATE: {"low": 1e-4, "high": 0.1}})
    three = tune(recipe, tmp_path, trials=3)
    five = tune(recipe, tmp_path, trials=5)
    assert len(trained) == 5 and five.trials[:3] == three.trials
    assert tune(recipe, tmp_path, trials=3).trials == three.trials and len(trained) == 5
