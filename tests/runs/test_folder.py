"""What is in the folder that a recipe is trained into: no run, an interrupted one, a complete one, or another's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.stopped import Stopped, content, stop_after
from support.trained_runs import MakeRecipe

import graphrec.runs.train
from graphrec.errors import GraphrecError, MismatchError, RunError
from graphrec.runs.folder import Absent, Complete, Interrupted, RunFolder
from graphrec.runs.run import Run
from graphrec.runs.train import train


def test_a_new_folder_has_no_run_and_is_not_made(tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    assert RunFolder(tmp_path / "new").state(tiny_recipe("ct")) == Absent()
    assert RunFolder(tmp_path).state(tiny_recipe("ct")) == Absent(), "an empty folder"
    assert list(tmp_path.iterdir()) == []


def test_a_training_that_failed_before_its_first_checkpoint_is_absent(tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    with pytest.raises(GraphrecError):
        train(tiny_recipe("ct", "training.learning_rate=1e30"), tmp_path / "run")
    for recipe in (tiny_recipe("ct"), tiny_recipe("ct", "training.learning_rate=1e30")):
        assert RunFolder(tmp_path / "run").state(recipe) == Absent()


def test_a_folder_goes_from_interrupted_to_complete(
    tiny_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphrec.runs.train, "CHECKPOINT_SECONDS", -1.0)
    recipe, folder = tiny_recipe("ct"), RunFolder(tmp_path / "run")
    with pytest.raises(Stopped):
        train(recipe, folder.path, callbacks=[stop_after(1)])
    state = folder.state(recipe)
    assert isinstance(state, Interrupted) and state.manifest()["status"] == "training"
    assert folder.existing_run(recipe) is None
    run = train(recipe, folder.path)
    state = folder.state(recipe)
    assert isinstance(state, Complete) and state.run.manifest == run.manifest
    assert folder.existing_run(recipe, resume=False) is None, "it will be trained from scratch"


def test_another_recipes_run_is_refused_in_every_state(
    own: Callable[[str], Run], tiny_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphrec.runs.train, "CHECKPOINT_SECONDS", -1.0)
    with pytest.raises(Stopped):
        train(tiny_recipe("ct"), tmp_path / "cut", callbacks=[stop_after(1)])
    for folder in (own("ct").folder, tmp_path / "cut"):
        before = content(folder)
        with pytest.raises(MismatchError, match="another recipe"):
            RunFolder(folder).state(tiny_recipe("ct", "seed=1"))
        assert content(folder) == before


def test_what_is_no_run_is_refused(tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for path in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(RunError, match="will not write a run"):
            RunFolder(path).state(tiny_recipe("ct"))


def test_the_lock_is_gone_after_the_work_and_after_an_error(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.lock():
        with pytest.raises(RunError, match="another process"), folder.lock():
            pass
        assert content(tmp_path)["run/.graphrec.lock"] == b""
    assert list(content(tmp_path)) == ["run/graphrec.json"]
    with pytest.raises(ValueError), folder.lock():
        raise ValueError
    assert list(content(tmp_path)) == ["run/graphrec.json"]
