"""Runs: what is written when, what is refused, and that the numbers are those of the kept per-user values."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import numpy as np
import pandas as pd
import pytest
import torch

import graphrec as gr
import graphrec.carry_out
import graphrec.run
from graphrec.carry_out import other_code, train
from graphrec.causal import Observational, parse_estimand
from graphrec.cli import main
from graphrec.data.split import Split
from graphrec.data.store import load, save
from graphrec.environment import Environment
from graphrec.errors import (
    DataError,
    GraphrecError,
    MismatchError,
    RecipeError,
    RunError,
    UnknownIdError,
    UnknownNameError,
)
from graphrec.recipe import Recipe, monitors
from graphrec.run import Run, compare
from graphrec.training.checkpoint import load_weights

MakeRecipe = Callable[..., Recipe]
VARIANTS = {
    "ct": ["CT"],
    "esmm": ["ESMM"],
    "hcr": ["HCR", "HCR-T", "HCR-S1", "HCR-S2"],
    "causalrec": ["CausalRec", "CausalRec w/o CI"],
}


class Stopped(BaseException):
    """Stands for a kill: no handler runs."""


@pytest.fixture
def own(tiny_runs: dict[str, Run], tmp_path: Path) -> Callable[[str], Run]:
    """A private copy of a tiny run."""

    def copy(name: str) -> Run:
        shutil.copytree(tiny_runs[name].folder, tmp_path / f"run-{name}")
        return Run(tmp_path / f"run-{name}")

    return copy


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def stop_after(epoch: int) -> Callable:
    def on_epoch(state) -> None:
        if state.epoch == epoch:
            raise Stopped

    return on_epoch


# Training


def test_a_run_folder_holds_what_its_module_says(tiny_runs: dict[str, Run]) -> None:
    for run in tiny_runs.values():
        kept = {name.split("/")[0] for name in content(run.folder)}
        assert kept >= {"recipe.toml", "run.json", "history.jsonl", "weights.safetensors", "tables.safetensors",
                        "users.parquet", "items.parquet"}  # fmt: skip
        assert "training.safetensors" not in kept
        assert not any(name.startswith(".") for name in kept)


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
    assert len(run.evaluate(part="valid")) == 1, "the split is made again in the same way"


def test_validation_reports_every_metric_that_may_be_monitored(tiny_runs: dict[str, Run]) -> None:
    assert set(monitors((10, 20))) <= set(tiny_runs["ct"].history[0])


def test_training_twice_returns_the_complete_run(own: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch) -> None:
    run = own("ct")
    before = content(run.folder)
    monkeypatch.setattr(graphrec.carry_out, "prepare_split", pytest.fail)
    again = train(run.recipe, run.folder)
    assert again.manifest == run.manifest
    assert content(run.folder) == before


def test_training_never_opens_the_test_part(
    tiny_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Split, "open_test", lambda *a, **k: pytest.fail("the test part was opened"))
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


def test_an_interrupted_training_goes_on_to_the_same_weights(
    tiny_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphrec.carry_out, "CHECKPOINT_SECONDS", -1.0)
    recipe = tiny_recipe("hcr", "training.epochs=3")
    whole = train(recipe, tmp_path / "whole")
    epochs: list[int] = []
    with pytest.raises(Stopped):
        train(recipe, tmp_path / "cut", on_epoch=stop_after(2))
    with pytest.raises(RunError, match="has not finished"):
        Run(tmp_path / "cut")
    resumed = train(recipe, tmp_path / "cut", on_epoch=lambda state: epochs.append(state.epoch))
    assert epochs == [3]
    for name, value in load_weights(whole.folder / "weights.safetensors")[0].items():
        assert torch.equal(value, load_weights(resumed.folder / "weights.safetensors")[0][name]), name
    assert [row["loss"] for row in resumed.history] == [row["loss"] for row in whole.history]
    assert not (tmp_path / "cut" / "training.safetensors").exists()


def test_a_training_that_was_killed_at_its_very_end_trains_no_epoch_again(
    tiny_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphrec.carry_out, "CHECKPOINT_SECONDS", -1.0)
    recipe, write = tiny_recipe("ct"), graphrec.carry_out.write_json

    def killed_before_it_is_complete(path: Path, value: dict) -> None:
        if value["status"] == "complete":
            raise Stopped
        write(path, value)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(graphrec.carry_out, "write_json", killed_before_it_is_complete)
        train(recipe, tmp_path / "run")
    run = train(recipe, tmp_path / "run", on_epoch=lambda state: pytest.fail("an epoch was trained again"))
    assert run.manifest["epochs"] == 2
    assert not {"training.safetensors", ".lock"} & set(content(run.folder))


@pytest.mark.parametrize("setting", ["training.learning_rate=0.5", "training.learning_rate=0.01"])
def test_one_process_trains_in_a_folder_at_a_time(tiny_recipe: MakeRecipe, tmp_path: Path, setting: str) -> None:
    recipe, second = tiny_recipe("ct"), tiny_recipe("ct", setting)

    def meanwhile(state) -> None:
        before = content(tmp_path / "run")
        for resume in (True, False):
            with pytest.raises(RunError, match="another process works in this folder"):
                train(second, tmp_path / "run", resume=resume)
        assert content(tmp_path / "run") == before

    run = train(recipe, tmp_path / "run", on_epoch=meanwhile)
    assert run.recipe == recipe and Recipe.from_toml(run.folder / "recipe.toml") == recipe


def test_a_run_that_another_process_ended_meanwhile_is_kept(
    tiny_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, prepare = tiny_recipe("ct"), graphrec.carry_out.prepare_split
    ended: list[Run] = []

    def slow(recipe: Recipe) -> Split:
        monkeypatch.setattr(graphrec.carry_out, "prepare_split", prepare)
        ended.append(train(recipe, tmp_path / "run"))
        return prepare(recipe)

    monkeypatch.setattr(graphrec.carry_out, "prepare_split", slow)
    run = train(recipe, tmp_path / "run", on_epoch=lambda state: pytest.fail("trained twice") if ended else None)
    assert run.manifest == ended[0].manifest


def test_going_on_with_other_data_is_refused(
    tiny_recipe: MakeRecipe, tiny_prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphrec.carry_out, "CHECKPOINT_SECONDS", -1.0)
    shutil.copytree(tiny_prepared, tmp_path / "data")
    recipe = tiny_recipe("ct", f"data.path={tmp_path / 'data'}")
    with pytest.raises(Stopped):
        train(recipe, tmp_path / "run", on_epoch=stop_after(1))
    dataset = load(tmp_path / "data")
    dataset.features["visual"].values[0] += 1  # the split does not see it, the model would
    save(dataset, tmp_path / "data")
    with pytest.raises(RunError, match="the data changed since"):
        train(recipe, tmp_path / "run")
    assert train(recipe, tmp_path / "run", resume=False).manifest["status"] == "complete"


def test_training_anew_forgets_the_old_results_but_not_the_openings(own: Callable[[str], Run]) -> None:
    run = own("ct")
    run.evaluate()
    again = train(run.recipe, run.folder, resume=False)
    assert again.metrics() == {}
    assert not (run.folder / "per_user").exists()
    assert len((run.folder / "ledger.jsonl").read_text().splitlines()) == 1


def test_a_training_that_failed_before_its_first_checkpoint_leaves_its_place_free(
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
def test_what_cannot_be_carried_out_is_refused_before_anything_is_written(
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


def test_a_folder_of_another_recipe_is_refused_and_kept(own: Callable[[str], Run], tiny_recipe: MakeRecipe) -> None:
    run = own("ct")
    before = content(run.folder)
    for resume in (True, False):
        with pytest.raises(RunError, match="another recipe"):
            train(tiny_recipe("ct", "training.epochs=3"), run.folder, resume=resume)
    assert content(run.folder) == before


@pytest.mark.parametrize("relative", [False, True])
def test_a_run_is_kept_where_the_same_data_lies_elsewhere(
    own: Callable[[str], Run],
    tiny_prepared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    relative: bool,
) -> None:
    run = own("ct")
    shutil.copytree(tiny_prepared, tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(graphrec.carry_out, "Trainer", pytest.fail)
    recipe = run.recipe.with_data_at("moved" if relative else str(tmp_path / "moved"))
    before = content(run.folder)
    again = train(recipe, run.folder)
    assert again.recipe == recipe and Run(run.folder).recipe == recipe
    after = content(run.folder)
    assert [name for name in after if after[name] != before[name]] == ["recipe.toml", "run.json"]
    assert again.about() == run.about(), "the way to the data alone"
    assert again.evaluate(part="valid")["ndcg@20"].notna().all()


def test_a_run_finds_its_data_from_any_folder_and_where_both_have_moved(
    tiny_recipe: MakeRecipe, tiny_prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one").mkdir()
    shutil.copytree(tiny_prepared, tmp_path / "one" / "data")
    monkeypatch.chdir(tmp_path / "one")
    run = train(tiny_recipe("ct", "data.path=data"), "runs/ct")
    split = run.split().hash
    assert run.recipe.data.path == "data" and not any(str(one).startswith("..") for one in run.about().values())
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
def test_of_two_places_with_data_the_one_that_was_trained_on_counts(
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


def test_an_interrupted_training_goes_on_where_the_same_data_lies_elsewhere(
    tiny_recipe: MakeRecipe, tiny_prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphrec.carry_out, "CHECKPOINT_SECONDS", -1.0)
    recipe = tiny_recipe("ct", "training.epochs=3")
    with pytest.raises(Stopped):
        train(recipe, tmp_path / "run", on_epoch=stop_after(2))
    shutil.copytree(tiny_prepared, tmp_path / "moved")
    epochs: list[int] = []
    moved = recipe.with_data_at(str(tmp_path / "moved"))
    run = train(moved, tmp_path / "run", on_epoch=lambda state: epochs.append(state.epoch))
    assert epochs == [3] and run.recipe == moved


def test_the_same_recipe_on_other_data_elsewhere_is_refused_and_the_run_kept(
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


# Other code


def made_by(run: Run, **entries: str) -> Run:
    """The run as one that was made with something else."""
    kept = json.loads((run.folder / "run.json").read_text())
    kept["environment"] |= entries
    (run.folder / "run.json").write_text(json.dumps(kept))
    return Run(run.folder)


def test_runs_of_other_code_are_told_in_one_line(own: Callable[[str], Run]) -> None:
    ct, esmm, hcr = own("ct"), own("esmm"), own("hcr")
    assert other_code([ct, esmm, hcr]) == ""
    ct = made_by(ct, processor="Another", pandas="1.0")
    assert other_code([ct]) == "", "the machine and what only reads tables are told in the report alone"
    ct, esmm = made_by(ct, torch="1.9"), made_by(esmm, source="0123456789ab")
    said = other_code([ct, esmm, hcr])
    assert said.startswith("2 of 3 runs were made with other code") and "\n" not in said
    assert "torch 1.9" in said and "source 0123456789ab" in said and Environment().source in said
    kept = json.loads((hcr.folder / "run.json").read_text())
    del kept["environment"]["source"]
    (hcr.folder / "run.json").write_text(json.dumps(kept))
    assert "the run was" in other_code([Run(hcr.folder)]) and "source unknown" in other_code([Run(hcr.folder)])


def test_a_training_that_went_on_with_other_code_remembers_what_it_began_with(
    tiny_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphrec.carry_out, "CHECKPOINT_SECONDS", -1.0)
    recipe = tiny_recipe("ct", "training.epochs=4")
    for epoch in (1, 2):
        with pytest.raises(Stopped):
            train(recipe, tmp_path / "run", on_epoch=stop_after(epoch))
        kept = json.loads((tmp_path / "run" / "run.json").read_text())
        if epoch == 1:
            kept["environment"]["torch"] = "1.9"
            (tmp_path / "run" / "run.json").write_text(json.dumps(kept))
    run = train(recipe, tmp_path / "run")
    assert run.manifest["begun_with"]["torch"] == "1.9" and run.manifest["environment"]["torch"] == torch.__version__
    assert "torch 1.9" in other_code([run])
    assert other_code([train(recipe, tmp_path / "run", resume=False)]) == ""


def test_the_command_says_once_that_a_kept_run_is_of_other_code(
    own: Callable[[str], Run], capsys: pytest.CaptureFixture[str]
) -> None:
    run = made_by(own("ct"), graphrec="0.0.1", source="0123456789ab")
    command = ["graphrec", "train", str(run.folder / "recipe.toml"), "--out", str(run.folder)]
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        patch.setattr(sys, "argv", command)
        main()
    said = capsys.readouterr().err.splitlines()
    assert not end.value.code
    assert [line for line in said if "other code" in line] == [line for line in said if "--no-resume" in line]
    assert sum("graphrec 0.0.1 (source 0123456789ab)" in line for line in said) == 1


def test_a_foreign_place_is_refused_and_kept(tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    for place in (tmp_path / "mine", tmp_path / "mine" / "notes.txt"):
        with pytest.raises(RunError, match="not a place for a run"):
            train(tiny_recipe("ct"), place)
    assert content(tmp_path) == {"mine/notes.txt": b"mine"}


# Opening a run


def test_a_run_given_twice_is_refused(own: Callable[[str], Run]) -> None:
    one = own("ct")
    one.evaluate(part="valid")
    with pytest.raises(RunError, match="given twice"):
        compare([one, Run(one.folder)], "valid")


def test_a_run_of_another_version_is_refused_with_the_way_out(own: Callable[[str], Run]) -> None:
    folder = own("ct").folder
    manifest = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(manifest | {"schema": 1}))
    with pytest.raises(RunError, match=r"another version of graphrec[\s\S]*train the recipe in its recipe\.toml again"):
        Run(folder)


@pytest.mark.parametrize("file", ["weights.safetensors", "tables.safetensors", "users.parquet", "items.parquet"])
@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_damaged_run_is_named(own: Callable[[str], Run], file: str, damage: str) -> None:
    run = own("hcr")
    path = run.folder / file
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(RunError) as caught:
        run.recommend([*load(Path(run.recipe.data.path)).user_ids[:1]])
    assert caught.value.where == path


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not a run folder"):
        Run(tmp_path)
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(RunError, match="damaged"):
        Run(tmp_path)


# Evaluation


@pytest.mark.parametrize("name", VARIANTS)
def test_one_run_is_judged_under_all_its_variants_without_training(
    own: Callable[[str], Run], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphrec.carry_out, "Trainer", pytest.fail)
    run = own(name)
    before = (run.folder / "weights.safetensors").read_bytes()
    table = run.evaluate()
    assert list(table["method"]) == VARIANTS[name]
    assert table["ndcg@20"].between(0, 1).all()
    assert (table["ndcg@20_low"] <= table["ndcg@20"]).all()
    assert (table["ndcg@20"] <= table["ndcg@20_high"]).all()
    assert (run.folder / "weights.safetensors").read_bytes() == before
    pd.testing.assert_frame_equal(run.evaluate(), table)


def test_the_kept_users_average_to_the_reported_mean(own: Callable[[str], Run]) -> None:
    run = own("hcr")
    run.evaluate()
    entries = json.loads((run.folder / "metrics.json").read_text())
    assert len(entries) == 4
    for entry in entries.values():
        kept = run.per_user(entry["estimand"])
        assert set(kept["user"]) <= set(run.user_ids)
        for metric, value in entry["metrics"].items():
            assert value["mean"] == pytest.approx(kept[metric].mean(), abs=1e-12)
            assert value["users"] == len(kept)


def test_what_two_processes_find_at_once_is_all_kept(
    own: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, write = own("hcr"), graphrec.run.write_json
    other = Thread(target=Run(run.folder).evaluate, kwargs={"part": "valid"})

    def write_late(path: Path, value: dict) -> None:
        monkeypatch.setattr(graphrec.run, "write_json", write)
        other.start()
        other.join(2)  # waits, or else writes what is then lost
        write(path, value)

    monkeypatch.setattr(graphrec.run, "write_json", write_late)
    run.evaluate(["front_door"], part="valid")
    other.join()
    assert {entry["method"] for entry in run.metrics().values()} == set(VARIANTS["hcr"])


def test_what_an_earlier_training_earned_is_not_kept_as_the_new_ones(own: Callable[[str], Run]) -> None:
    run = own("ct")
    assert run.model.num_users
    again = train(run.recipe, run.folder, resume=False)
    with pytest.raises(RunError, match="trained anew while it was evaluated"):
        run.evaluate(part="valid")
    assert again.metrics() == {} and not (run.folder / "per_user").exists()
    assert len(again.evaluate(part="valid")) == 1


def test_values_of_users_that_are_damaged_or_not_accounted_for_are_refused(own: Callable[[str], Run]) -> None:
    run = own("ct")
    run.evaluate(part="valid")
    (path,) = (run.folder / "per_user").iterdir()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RunError, match="damaged") as caught:
        run.per_user("observational", "valid")
    assert caught.value.where == path and caught.value.next_step == "evaluate the run again"
    run.evaluate(part="valid")
    assert len(run.per_user("observational", "valid"))
    (run.folder / "metrics.json").write_text("{}")
    with pytest.raises(RunError, match="not evaluated yet"):
        run.per_user("observational", "valid")


def test_the_users_are_those_with_a_held_out_like(own: Callable[[str], Run]) -> None:
    run = own("ct")
    run.evaluate(part="valid")
    held = run.split().valid
    kept = run.per_user("observational", "valid")
    assert list(kept["user"]) == list(run.user_ids[np.unique(held[:, 0])])
    assert kept["positives"].sum() == len(held)


def test_each_opening_of_the_test_part_is_a_line_in_the_ledger(own: Callable[[str], Run]) -> None:
    run = own("ct")
    ledger = run.folder / "ledger.jsonl"
    run.evaluate(part="valid")
    assert not ledger.exists()
    run.evaluate()
    run.evaluate(reason="again, for the table")
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert [line["reason"] for line in lines] == ["evaluate", "again, for the table"]
    assert all(line["split"] == run.manifest["split_hash"] for line in lines)


@pytest.mark.parametrize(
    ("name", "estimand"),
    [("ct", "front_door"), ("hcr", "total_indirect_effect"), ("hcr", "nonsense"),
     ("causalrec", "total_indirect_effect:strength=-1"), ("causalrec", "total_indirect_effect:strenth=1")],
)  # fmt: skip
def test_an_estimand_that_does_not_fit_is_refused_before_the_test_part_opens(
    own: Callable[[str], Run], name: str, estimand: str
) -> None:
    run = own(name)
    with pytest.raises(GraphrecError) as caught:
        run.evaluate(["observational", estimand])
    assert caught.value.expected or caught.value.got
    assert not (run.folder / "ledger.jsonl").exists()
    assert run.metrics() == {}


def test_an_unknown_part_is_refused(own: Callable[[str], Run]) -> None:
    run = own("ct")
    with pytest.raises(UnknownNameError, match="did you mean `test`"):
        run.evaluate(part="tset")
    with pytest.raises(UnknownNameError, match="unknown part"):
        compare([run], part="train")


def test_a_sweep_is_labelled_in_order_and_ends_in_the_variants(own: Callable[[str], Run]) -> None:
    run = own("causalrec")
    table = run.evaluate(["total_indirect_effect:strength=0,0.25,0.5,1", "observational"])
    strengths = [parse_estimand(text)[0].strength for text in table["estimand"][:4]]
    assert strengths == sorted(strengths) == [0.0, 0.25, 0.5, 1.0]
    assert list(table["method"][3:]) == ["CausalRec", "CausalRec w/o CI"]
    # Nothing taken away is the observational score, for every user.
    metrics = run.per_user(table["estimand"][0])
    pd.testing.assert_frame_equal(metrics, run.per_user("observational"))


def test_the_recipe_chooses_what_is_reported(tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    run = train(tiny_recipe("hcr", 'evaluation.estimands=["effect_on_mediator"]'), tmp_path / "run")
    assert list(run.evaluate()["method"]) == ["HCR-S1"]
    user = run.user_ids[:1]
    chosen, front_door = (run.recommend(user, estimand=one) for one in ("effect_on_mediator", "front_door"))
    assert not chosen.equals(front_door)
    pd.testing.assert_frame_equal(run.recommend(user), chosen)
    why = run.explain(user[0], chosen["item"][0])
    assert why.explained.method == "HCR-S1" and why.explained.rank == 1
    assert [one.method for one in why.rankings] == ["HCR-S1", "HCR", "HCR-T", "HCR-S2"]


@pytest.mark.parametrize(
    ("decoder", "named", "shown"),
    [
        ("causalrec", ["total_indirect_effect:strength=0"], ["CausalRec"]),
        ("causalrec", ["total_indirect_effect:strength=0.4", "observational"], ["CausalRec", "CausalRec w/o CI"]),
        (
            "causalrec",
            ["total_indirect_effect:strength=0.4,1"],
            ["total_indirect_effect:strength=0.4", "CausalRec"],
        ),
        ("macr", ["total_indirect_effect:strength=0.5"], ["total_indirect_effect:strength=0.5"]),  # another reference
        ("pda", ["back_door:level=forecast"], ["PDA"]),
    ],
)
def test_numbers_that_a_recipe_chose_leave_a_variant_its_name(
    decoder: str, named: list[str], shown: list[str], own: Callable[[str], Run], tiny_recipe: MakeRecipe
) -> None:
    run = own("causalrec")
    run.recipe = tiny_recipe(decoder, f"evaluation.estimands={json.dumps(named)}")
    assert list(run.variants()) == shown
    assert list(run.variants().values()) == [one for text in named for one in parse_estimand(text)]


def test_the_name_that_a_chosen_strength_has_is_no_others(own: Callable[[str], Run], tiny_recipe: MakeRecipe) -> None:
    run = own("causalrec")
    run.recipe = tiny_recipe("causalrec", 'evaluation.estimands=["total_indirect_effect:strength=0.4"]')
    assert list(run.choose(["total_indirect_effect:strength=0.4,1"])) == ["CausalRec", "total_indirect_effect"]


def test_other_data_is_refused(
    tiny_recipe: MakeRecipe, tiny_prepared: Path, tmp_path: Path, own: Callable[[str], Run]
) -> None:
    shutil.copytree(tiny_prepared, tmp_path / "data")
    run = train(tiny_recipe("ct", f"data.path={tmp_path / 'data'}"), tmp_path / "run")
    dataset = load(tmp_path / "data")
    object.__setattr__(dataset, "interactions", dataset.interactions.iloc[5:].reset_index(drop=True))
    save(dataset, tmp_path / "data")
    with pytest.raises(RunError, match="not what this run was trained on"):
        run.evaluate()
    assert not (run.folder / "ledger.jsonl").exists()
    shutil.rmtree(tmp_path / "data")
    with pytest.raises(DataError, match="no prepared data"):
        run.evaluate()


def test_the_truth_judges_without_opening_the_test_part(
    own: Callable[[str], Run], tiny_world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Split, "open_test", lambda *a, **k: pytest.fail("the test part was opened"))
    run = own("hcr")
    table = run.evaluate_truth(tiny_world)
    assert table["regret_do@50"].between(0, 1).all()
    assert table["ndcg_do@50"].between(0, 1).all()
    assert table["rank_correlation_do"].between(-1, 1).all()
    assert table["leakage_do"].between(-1, 1).all()
    assert {entry["part"] for entry in run.metrics().values()} == {"truth"}


def test_satisfaction_is_judged_and_kept_apart_from_likes(own: Callable[[str], Run], tiny_world: Path) -> None:
    run = own("hcr")
    likes, satisfaction = run.evaluate_truth(tiny_world), run.evaluate_truth(tiny_world, target="satisfaction")
    assert (likes["regret_do@50"] != satisfaction["regret_do@50"]).all()
    for part, table in (("truth", likes), ("satisfaction", satisfaction)):
        pd.testing.assert_frame_equal(compare([run], part).drop(columns="run"), table)
        assert run.per_user("front_door", part)["regret_do@50"].mean() == pytest.approx(table["regret_do@50"][0])
    with pytest.raises(UnknownNameError, match="did you mean `like`"):
        run.evaluate_truth(tiny_world, target="likes")


def test_the_truth_of_another_world_is_refused(own: Callable[[str], Run], tiny_world: Path, tmp_path: Path) -> None:
    run = own("hcr")
    other = gr.simulate("tiktok", tmp_path / "other", users=120, items=80, shown=40, seed=1)
    with pytest.raises(DataError, match="of another world than the dataset"):
        run.evaluate_truth(other)
    renamed = Path(shutil.copytree(tiny_world / "truth", tmp_path / "renamed"))
    description = json.loads((renamed / "world.json").read_text())
    description["user_ids"] = [f"other{one}" for one in description["user_ids"]]
    (renamed / "world.json").write_text(json.dumps(description))
    with pytest.raises(DataError, match="of another world than the dataset"):
        run.evaluate_truth(renamed)
    assert run.metrics() == {}


# Comparison


def test_runs_on_one_split_stand_in_one_table(own: Callable[[str], Run]) -> None:
    runs = [own("ct"), own("hcr")]
    tables = [run.evaluate() for run in runs]
    table = compare(runs)
    assert list(table["run"]) == ["ct", *["hcr"] * 4]
    expected = pd.concat(tables, ignore_index=True)
    pd.testing.assert_frame_equal(table.drop(columns="run"), expected)


def test_runs_on_different_splits_are_not_compared(
    own: Callable[[str], Run], tiny_recipe: MakeRecipe, tmp_path: Path
) -> None:
    other = train(tiny_recipe("ct", "split.train=0.6"), tmp_path / "other")
    with pytest.raises(RunError, match="different splits") as caught:
        compare([own("ct"), other])
    assert str(other.folder) in str(caught.value.got)


def test_a_run_that_was_not_evaluated_is_named(own: Callable[[str], Run]) -> None:
    run = own("ct")
    with pytest.raises(RunError, match="not evaluated on valid yet") as caught:
        compare([run], part="valid")
    assert caught.value.next_step == f"graphrec evaluate {run.folder} --part valid"
    with pytest.raises(RunError, match="not evaluated yet"):
        run.per_user("observational")


# Recommendation


@pytest.mark.parametrize("name", VARIANTS)
def test_recommendations_are_the_ranking_by_score_without_what_was_seen(tiny_runs: dict[str, Run], name: str) -> None:
    run = tiny_runs[name]
    users = np.array([3, 0, 7])
    found = run.recommend(run.user_ids[users], k=6)
    estimand = next(iter(run.model.decoder.variants().values()))
    scores = run.model.scorer(estimand)(torch.from_numpy(users)).numpy()
    assert list(found["user"]) == list(np.repeat(run.user_ids[users], 6))
    for row, user in enumerate(users):
        seen = run.seen[run.seen[:, 0] == user, 1]
        scores[row, seen] = -np.inf
        best = sorted(range(len(run.item_ids)), key=lambda item: (-scores[row, item], item))[:6]
        mine = found[found["user"] == run.user_ids[user]]
        assert list(mine["item"]) == list(run.item_ids[best])
        assert list(mine["rank"]) == [1, 2, 3, 4, 5, 6]
        np.testing.assert_array_equal(mine["score"], scores[row, best])
        assert not set(mine["item"]) & set(run.item_ids[seen])


def test_a_batch_gives_what_its_members_give_singly(tiny_runs: dict[str, Run]) -> None:
    run = tiny_runs["hcr"]
    users = list(run.user_ids[:5])
    together = run.recommend(users, k=4)
    singly = pd.concat([run.recommend([user], k=4) for user in users], ignore_index=True)
    pd.testing.assert_frame_equal(together.drop(columns="score"), singly.drop(columns="score"))
    np.testing.assert_allclose(together["score"], singly["score"], rtol=1e-5)


def test_a_single_id_is_one_user_not_its_characters(tiny_runs: dict[str, Run]) -> None:
    run = tiny_runs["ct"]
    user = next(one for one in run.user_ids if len(one) > 1 and set(one) <= set(run.user_ids))
    pd.testing.assert_frame_equal(run.recommend(user, k=3), run.recommend([user], k=3))


def test_a_list_ends_where_the_unseen_items_end(tiny_runs: dict[str, Run]) -> None:
    run = tiny_runs["ct"]
    seen = (run.seen[:, 0] == 0).sum()
    assert seen > 0
    assert len(run.recommend(run.user_ids[:1], k=10_000)) == len(run.item_ids) - seen
    assert len(run.recommend(run.user_ids[:1], k=10_000, seen=True)) == len(run.item_ids)


def test_unknown_users_are_all_named(tiny_runs: dict[str, Run]) -> None:
    run = tiny_runs["ct"]
    with pytest.raises(UnknownIdError) as caught:
        run.recommend([run.user_ids[0], "nobody", "no one"])
    assert caught.value.got == "nobody, no one"


def test_an_impossible_list_is_refused(tiny_runs: dict[str, Run]) -> None:
    with pytest.raises(RunError, match="too short"):
        tiny_runs["ct"].recommend(["1"], k=0)
    with pytest.raises(RecipeError, match="one list is made under one estimand"):
        tiny_runs["causalrec"].recommend(["1"], estimand="total_indirect_effect:strength=0,1")


def test_scoring_and_export_need_nothing_but_the_run_folder(
    tiny_recipe: MakeRecipe, tiny_prepared: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_prepared, tmp_path / "data")
    trained = train(tiny_recipe("hcr", f"data.path={tmp_path / 'data'}"), tmp_path / "run")
    expected = trained.recommend(trained.user_ids[:3])
    shutil.rmtree(tmp_path / "data")
    shutil.move(tmp_path / "run", tmp_path / "moved")
    run = Run(tmp_path / "moved")
    pd.testing.assert_frame_equal(run.recommend(run.user_ids[:3]), expected)
    assert run.export(tmp_path / "out").is_dir()


@pytest.mark.parametrize("name", VARIANTS)
def test_scoring_twice_gives_the_same_bits(tiny_runs: dict[str, Run], name: str) -> None:
    run = tiny_runs[name]
    users = torch.arange(10)
    for estimand in (*run.model.decoder.variants().values(), Observational()):
        scorer = run.model.scorer(estimand)
        assert torch.equal(scorer(users), scorer(users))


def test_a_complete_run_is_not_returned_for_other_data(
    tiny_world: Path, tiny_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    data = gr.prepare("tiktok", tiny_world, tmp_path / "data")
    recipe = tiny_recipe("ct", f"data.path={data}")
    train(recipe, tmp_path / "run")
    other = gr.simulate("tiktok", tmp_path / "other", users=90, items=80, shown=40, seed=5)
    gr.prepare("tiktok", other, data)
    with pytest.raises(RunError, match="the data changed"):
        train(recipe, tmp_path / "run")
