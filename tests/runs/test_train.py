"""Training into a folder: what is written when, what is refused, and that an interrupted training is resumed."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.stopped import Stopped, content, stop_after
from support.trained_runs import MakeRecipe

import graphrec as gr
import graphrec.runs.train
from graphrec.data.split import Split
from graphrec.data.store import load, save
from graphrec.errors import (
    GraphrecError,
    RecipeError,
    RunError,
)
from graphrec.evaluation.metrics import monitors
from graphrec.runs.folder import RunFolder
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.runs.train import train
from graphrec.training.callbacks import AfterEpoch
from graphrec.training.checkpoint import load_weights


def test_the_manifest_says_what_was_made_from_what(tiny_runs: dict[str, Run], tiny_recipe: MakeRecipe) -> None:
    run = tiny_runs["hcr"]
    split = run.split()
    assert run.manifest["status"] == "complete"
    assert run.manifest["split_hash"] == split.hash
    assert run.manifest["counts"] == split.counts
    assert run.manifest["epochs"] == len(run.history) == 2
    assert run.manifest["best_ndcg@20"] == max(row["ndcg@20"] for row in run.history)
    assert set(run.manifest["environment"]) >= {"graphrec", "python", "torch", "numpy"}
    assert run.recipe == tiny_recipe("hcr")


def test_a_filter_of_the_recipe_is_recorded(tiny_recipe: MakeRecipe, tiny_runs: dict[str, Run], tmp_path: Path) -> None:
    rule = 'data.filter={kind = "k_core", users = 12, items = 8}'
    recipe = tiny_recipe("ct", rule, "training.epochs=1")
    run, plain = train(recipe, tmp_path / "run"), tiny_runs["ct"].manifest
    assert run.recipe == recipe
    record = run.manifest["filter"]
    assert (record["kind"], record["users"], record["items"]) == ("k_core", 12, 8)
    assert record["users_removed"] == len(tiny_runs["ct"].user_ids) - len(run.user_ids) > 0
    assert run.manifest["split_hash"] != plain["split_hash"] and plain["filter"] is None
    assert len(run.evaluate(split="valid")) == 1, "the split is made again in the same way"


def test_validation_reports_every_metric_that_may_be_monitored(tiny_runs: dict[str, Run]) -> None:
    assert set(monitors((10, 20))) <= set(tiny_runs["ct"].history[0])


def test_training_twice_returns_the_complete_run(own: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch) -> None:
    run = own("ct")
    before = content(run.folder)
    monkeypatch.setattr(graphrec.runs.train, "prepare_split", pytest.fail)
    again = train(run.recipe, run.folder)
    assert again.manifest == run.manifest
    assert content(run.folder) == before


def test_training_never_opens_the_test_split(
    tiny_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Split, "open_test", lambda *a, **k: pytest.fail("the test split was opened"))
    run = train(tiny_recipe("hcr"), tmp_path / "run")
    assert not (run.folder / "ledger.jsonl").exists()


def test_the_same_recipe_gives_the_same_bits(
    tiny_runs: dict[str, Run], tiny_recipe: MakeRecipe, tmp_path: Path
) -> None:
    again = train(tiny_recipe("causalrec"), tmp_path / "again")
    first = tiny_runs["causalrec"]
    for file in ("weights.safetensors", "tables.safetensors"):
        assert (again.folder / file).read_bytes() == (first.folder / file).read_bytes()


def test_another_seed_gives_another_model(tiny_runs: dict[str, Run], tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    other = train(tiny_recipe("ct", "seed=1"), tmp_path / "other")
    first = tiny_runs["ct"]
    assert (other.folder / "weights.safetensors").read_bytes() != (first.folder / "weights.safetensors").read_bytes()
    assert other.manifest["split_hash"] == first.manifest["split_hash"]


def test_an_interrupted_training_is_resumed_to_the_same_weights(
    tiny_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphrec.runs.train, "CHECKPOINT_SECONDS", -1.0)
    recipe = tiny_recipe("hcr", "training.epochs=3")
    whole = train(recipe, tmp_path / "whole")
    epochs: list[int] = []
    with pytest.raises(Stopped):
        train(recipe, tmp_path / "cut", callbacks=[stop_after(2)])
    with pytest.raises(RunError, match="has not finished"):
        Run(tmp_path / "cut")
    watch = AfterEpoch(lambda trainer: epochs.append(trainer.state.epoch))
    resumed = train(recipe, tmp_path / "cut", callbacks=[watch])
    assert epochs == [3]
    for name, value in load_weights(whole.folder / "weights.safetensors")[0].items():
        assert torch.equal(value, load_weights(resumed.folder / "weights.safetensors")[0][name]), name
    assert [row["loss"] for row in resumed.history] == [row["loss"] for row in whole.history]
    assert not (tmp_path / "cut" / "training.safetensors").exists()


def test_a_training_that_was_killed_at_its_very_end_trains_no_epoch_again(
    tiny_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphrec.runs.train, "CHECKPOINT_SECONDS", -1.0)
    recipe, write = tiny_recipe("ct"), RunFolder.write_manifest

    def killed_before_it_is_complete(folder: RunFolder, manifest: dict) -> None:
        if manifest["status"] == "complete":
            raise Stopped
        write(folder, manifest)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(RunFolder, "write_manifest", killed_before_it_is_complete)
        train(recipe, tmp_path / "run")
    fail = AfterEpoch(lambda trainer: pytest.fail("an epoch was trained again"))
    run = train(recipe, tmp_path / "run", callbacks=[fail])
    assert run.manifest["epochs"] == 2
    assert not {"training.safetensors", ".lock"} & set(content(run.folder))


@pytest.mark.parametrize("setting", ["training.learning_rate=0.5", "training.learning_rate=0.01"])
def test_a_second_process_cannot_train_in_the_folder(tiny_recipe: MakeRecipe, tmp_path: Path, setting: str) -> None:
    recipe, second = tiny_recipe("ct"), tiny_recipe("ct", setting)

    def meanwhile(trainer) -> None:
        before = content(tmp_path / "run")
        for resume in (True, False):
            with pytest.raises(RunError, match="another process works in this folder"):
                train(second, tmp_path / "run", resume=resume)
        assert content(tmp_path / "run") == before

    run = train(recipe, tmp_path / "run", callbacks=[AfterEpoch(meanwhile)])
    assert run.recipe == recipe and Recipe.from_toml(run.folder / "recipe.toml") == recipe


def test_a_run_that_another_process_finished_meanwhile_is_returned(
    tiny_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, prepare = tiny_recipe("ct"), graphrec.runs.train.prepare_split
    ended: list[Run] = []

    def slow(recipe: Recipe) -> Split:
        monkeypatch.setattr(graphrec.runs.train, "prepare_split", prepare)
        ended.append(train(recipe, tmp_path / "run"))
        return prepare(recipe)

    monkeypatch.setattr(graphrec.runs.train, "prepare_split", slow)
    fail = AfterEpoch(lambda trainer: pytest.fail("trained twice") if ended else None)
    run = train(recipe, tmp_path / "run", callbacks=[fail])
    assert run.manifest == ended[0].manifest


def test_resuming_with_other_data_is_refused(
    tiny_recipe: MakeRecipe, tiny_prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphrec.runs.train, "CHECKPOINT_SECONDS", -1.0)
    shutil.copytree(tiny_prepared, tmp_path / "data")
    recipe = tiny_recipe("ct", f"data.path={tmp_path / 'data'}")
    with pytest.raises(Stopped):
        train(recipe, tmp_path / "run", callbacks=[stop_after(1)])
    dataset = load(tmp_path / "data")
    dataset.features["visual"].values[0] += 1  # the split does not see it, the model would
    save(dataset, tmp_path / "data")
    with pytest.raises(RunError, match="the data changed since"):
        train(recipe, tmp_path / "run")
    assert train(recipe, tmp_path / "run", resume=False).manifest["status"] == "complete"


def test_training_from_scratch_removes_the_old_results_but_not_the_ledger(own: Callable[[str], Run]) -> None:
    run = own("ct")
    run.evaluate()
    again = train(run.recipe, run.folder, resume=False)
    assert not again.results
    assert not (run.folder / "per_user").exists()
    assert len((run.folder / "ledger.jsonl").read_text().splitlines()) == 1


def test_a_training_that_was_killed_before_its_first_checkpoint_starts_from_scratch_and_says_so(
    tiny_recipe: MakeRecipe, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="graphrec")
    recipe = tiny_recipe("ct")
    with pytest.raises(Stopped):
        train(recipe, tmp_path / "run", callbacks=[stop_after(1)])
    assert not caplog.records
    run, whole = train(recipe, tmp_path / "run"), train(recipe, tmp_path / "whole")
    assert [record.getMessage() for record in caplog.records] == [
        "an interrupted training left no checkpoint: starting from the first epoch"
    ]
    assert (run.folder / "weights.safetensors").read_bytes() == (whole.folder / "weights.safetensors").read_bytes()


def test_a_training_that_failed_before_its_first_checkpoint_leaves_the_folder_free(
    tiny_recipe: MakeRecipe, tmp_path: Path
) -> None:
    with pytest.raises(GraphrecError):
        train(tiny_recipe("ct", "training.learning_rate=1e30"), tmp_path / "run")
    assert train(tiny_recipe("ct"), tmp_path / "run").manifest["status"] == "complete"


@pytest.mark.parametrize(
    "override",
    ["training.device=nowhere", "training.device=meta", 'evaluation.estimands=["total_indirect_effect"]',
     'data.feedback.like=["buy"]', "data.roles.visul=exposure", 'data.modalities=["visul"]', "data.path=nowhere",
     "split.name=given"],
)  # fmt: skip
def test_what_cannot_be_trained_is_refused_before_anything_is_written(
    tiny_recipe: MakeRecipe, tmp_path: Path, override: str
) -> None:
    with pytest.raises(GraphrecError) as caught:
        train(tiny_recipe("hcr", override), tmp_path / "run")
    assert caught.value.next_step or caught.value.expected
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the device")
def test_a_device_that_is_not_there_is_refused(tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="the device `cuda` cannot be used here"):
        train(tiny_recipe("ct", "training.device=cuda"), tmp_path / "run")


def test_causalrec_needs_item_features(tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no item features"):
        train(tiny_recipe("causalrec", "data.modalities=[]"), tmp_path / "run")


def test_a_split_by_time_needs_times(tiny_recipe: MakeRecipe, tiny_prepared: Path, tmp_path: Path) -> None:
    dataset = load(tiny_prepared)
    object.__setattr__(dataset, "interactions", dataset.interactions.drop(columns="timestamp"))
    save(dataset, tmp_path / "timeless")
    with pytest.raises(GraphrecError, match="needs the times") as caught:
        train(tiny_recipe("ct", f"data.path={tmp_path / 'timeless'}"), tmp_path / "run")
    assert "random" in str(caught.value.next_step)


def test_a_folder_of_another_recipe_is_refused_and_unchanged(
    own: Callable[[str], Run], tiny_recipe: MakeRecipe
) -> None:
    run = own("ct")
    before = content(run.folder)
    for resume in (True, False):
        with pytest.raises(RunError, match="another recipe"):
            train(tiny_recipe("ct", "training.epochs=3"), run.folder, resume=resume)
    assert content(run.folder) == before


def test_a_folder_with_other_files_is_refused_and_unchanged(tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    for path in (tmp_path / "mine", tmp_path / "mine" / "notes.txt"):
        with pytest.raises(RunError, match="will not write a run"):
            train(tiny_recipe("ct"), path)
    assert content(tmp_path) == {"mine/notes.txt": b"mine"}


def test_a_complete_run_is_not_returned_for_other_data(
    tiny_world: Path, tiny_recipe: MakeRecipe, tmp_path: Path
) -> None:
    data = gr.prepare("tiktok", tiny_world, tmp_path / "data")
    recipe = tiny_recipe("ct", f"data.path={data}")
    train(recipe, tmp_path / "run")
    other = gr.simulate("tiktok", tmp_path / "other", users=90, items=80, shown=40, seed=5)
    gr.prepare("tiktok", other, data)
    with pytest.raises(RunError, match="the data changed"):
        train(recipe, tmp_path / "run")
