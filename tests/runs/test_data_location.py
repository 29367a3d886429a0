"""A run finds its data after the run, the data or both have moved."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.stopped import Stopped, content, stop_after
from support.trained_runs import MakeRecipe

import graphrec.runs.train
from graphrec.data.store import load, save
from graphrec.errors import (
    DataError,
    MismatchError,
)
from graphrec.runs.run import Run
from graphrec.runs.train import train
from graphrec.training.callbacks import AfterEpoch


@pytest.mark.parametrize("relative", [False, True])
def test_a_complete_run_is_returned_after_its_data_has_moved(
    own: Callable[[str], Run],
    tiny_prepared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    relative: bool,
) -> None:
    run = own("ct")
    shutil.copytree(tiny_prepared, tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(graphrec.runs.train, "Trainer", pytest.fail)
    recipe = run.recipe.with_data_at("moved" if relative else str(tmp_path / "moved"))
    before = content(run.folder)
    again = train(recipe, run.folder)
    assert again.recipe == recipe and Run(run.folder).recipe == recipe
    after = content(run.folder)
    assert [name for name in after if after[name] != before[name]] == ["graphrec.json", "recipe.toml", "run.json"]
    assert again.about() == run.about(), "the way to the data alone"
    assert again.evaluate(split="valid")["ndcg@20"].notna().all()


def test_a_run_finds_its_data_from_any_folder_and_where_both_have_moved(
    tiny_recipe: MakeRecipe, tiny_prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one").mkdir()
    shutil.copytree(tiny_prepared, tmp_path / "one" / "data")
    monkeypatch.chdir(tmp_path / "one")
    run = train(tiny_recipe("ct", "data.path=data"), "runs/ct")
    split = run.split().hash
    assert run.recipe.data.path == "data" and not any(str(value).startswith("..") for value in run.about().values())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    assert Run("one/runs/ct").split().hash == split, "not taken for what is called alike here"
    (tmp_path / "one").rename(tmp_path / "two")
    assert Run("two/runs/ct").split().hash == split
    assert Run("two/runs/ct").recipe.data.path == "two/data"
    shutil.rmtree(tmp_path / "two" / "data")
    with pytest.raises(DataError) as caught:
        Run("two/runs/ct").split()
    assert caught.value.where == Path("data")


def test_the_way_to_the_data_is_found_through_a_link(
    tiny_recipe: MakeRecipe, tiny_prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_prepared, tmp_path / "deep" / "er" / "data")
    monkeypatch.chdir(tmp_path / "deep" / "er")
    train(tiny_recipe("ct", "data.path=data", "training.epochs=1"), "ct")
    (tmp_path / "link").symlink_to(tmp_path / "deep" / "er" / "ct")
    monkeypatch.chdir(tmp_path)
    run = Run("link")
    assert Path(run.recipe.data.path) == (tmp_path / "deep" / "er" / "data").resolve()
    assert run.split().hash == run.manifest["split_hash"]


@pytest.mark.parametrize("beside", [True, False])
def test_of_two_paths_with_data_the_data_that_was_trained_on_counts(
    beside: bool, tiny_recipe: MakeRecipe, tiny_prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, copy = tmp_path / "home", tmp_path / "copy"
    shutil.copytree(tiny_prepared, home / "data")
    monkeypatch.chdir(home)
    train(tiny_recipe("ct", "data.path=data", "training.epochs=1"), "ct")
    shutil.copytree(home, copy)  # the run's folder names `data`, and beside it lies `data`
    other = home if beside else copy
    dataset = load(other / "data")
    dataset.features["visual"].values[0] += 1
    save(dataset, other / "data")
    run = Run(copy / "ct")
    assert Path(run.recipe.data.path) == (copy / "data" if beside else Path("data"))
    assert run.split().hash == run.manifest["split_hash"]


def test_an_interrupted_training_is_resumed_after_its_data_has_moved(
    tiny_recipe: MakeRecipe, tiny_prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphrec.runs.train, "CHECKPOINT_SECONDS", -1.0)
    recipe = tiny_recipe("ct", "training.epochs=3")
    with pytest.raises(Stopped):
        train(recipe, tmp_path / "run", callbacks=[stop_after(2)])
    shutil.copytree(tiny_prepared, tmp_path / "moved")
    epochs: list[int] = []
    moved = recipe.with_data_at(str(tmp_path / "moved"))
    run = train(moved, tmp_path / "run", callbacks=[AfterEpoch(lambda trainer: epochs.append(trainer.state.epoch))])
    assert epochs == [3] and run.recipe == moved


def test_the_same_recipe_on_other_data_is_refused_and_the_run_unchanged(
    own: Callable[[str], Run], tiny_prepared: Path, tmp_path: Path
) -> None:
    run = own("ct")
    dataset = load(tiny_prepared)
    dataset.features["visual"].values[0] += 1
    save(dataset, tmp_path / "other")
    before = content(run.folder)
    for resume in (True, False):
        with pytest.raises(MismatchError, match=r"another recipe[\s\S]*this recipe on other data"):
            train(run.recipe.with_data_at(str(tmp_path / "other")), run.folder, resume=resume)
    assert content(run.folder) == before
