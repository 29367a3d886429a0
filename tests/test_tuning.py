"""Tuning: what is tried, what counts, what a kill leaves, what is refused before the first training."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from stopped import Stopped

import graphrec as gr
import graphrec.carry_out
import graphrec.tuning.carry_out as module
from graphrec.assemble import build, prepare_split
from graphrec.carry_out import train
from graphrec.causal import label
from graphrec.cli import main
from graphrec.data.split import Split
from graphrec.decoders import Decoder, decoders
from graphrec.errors import GraphrecError, MismatchError, RecipeError, RunError, UnknownNameError
from graphrec.files import hold
from graphrec.recipe import Recipe
from graphrec.run import Run
from graphrec.training.loop import TrainingDiverged
from graphrec.tuning import SAMPLERS, Range, Space, Tuning, tune
from graphrec.tuning.study import STARTUP

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "tuning.md"
RATE, DECAY, STRENGTH = "training.learning_rate", "training.weight_decay", "estimand.strength"
MakeRecipe = Callable[..., Recipe]
Objective = Callable[[Recipe], float]


@pytest.fixture(scope="session")
def with_space(tiny_recipe: MakeRecipe) -> Callable[..., Recipe]:
    """A tiny recipe of a decoder with the given space."""

    def make(decoder: str, space: dict[str, Any], *overrides: str) -> Recipe:
        values = tiny_recipe(decoder, *overrides).model_dump(mode="json", exclude_none=True)
        return Recipe.from_dict({**values, "tune": {"space": space}})

    return make


@pytest.fixture(scope="session")
def untrained(tiny_recipe: MakeRecipe) -> dict[str, Decoder]:
    return {name: build(r, prepare_split(r))[0].decoder for name in ("ct", "causalrec") if (r := tiny_recipe(name))}


@pytest.fixture(scope="session")
def tuned(with_space: Callable[..., Recipe], tmp_path_factory: pytest.TempPathFactory) -> Tuning:
    """Three real trainings of CausalRec, during which the test part must stay closed."""
    recipe = with_space("causalrec", {RATE: [0.001, 0.01], DECAY: [0.0, 0.1], STRENGTH: [0, 0.5]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Split, "open_test", lambda *a, **k: pytest.fail("the test part was opened"))
        return tune(recipe, tmp_path_factory.mktemp("tuned") / "out", trials=3)


@pytest.fixture
def pretend(
    tiny_recipe: MakeRecipe, untrained: dict[str, Decoder], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Objective], list[Recipe]]:
    """Replaces training CT by a function of the recipe; gives the list of recipes that are trained."""
    split = prepare_split(tiny_recipe("ct"))
    monkeypatch.setattr(module, "prepare_split", lambda recipe: split)
    monkeypatch.setattr(module, "build", lambda *_: (SimpleNamespace(decoder=untrained["ct"]), None))

    def install(objective: Objective) -> list[Recipe]:
        trained: list[Recipe] = []

        def pretended(recipe: Recipe, out: Path, **_: Any) -> Any:
            trained.append(recipe)
            value = objective(recipe)

            def evaluate(estimands: Any, part: str) -> pd.DataFrame:
                assert part == "valid"
                return pd.DataFrame({"estimand": list(map(label, estimands)), "ndcg@20": value})

            return SimpleNamespace(manifest={"epochs": 2, "best_epoch": 1, "training_seconds": 0.5}, evaluate=evaluate)

        monkeypatch.setattr(module, "train", pretended)
        return trained

    return install


def rate(recipe: Recipe) -> float:
    return recipe.training.learning_rate


def settings(tuning: Tuning) -> list[dict[str, Any]]:
    return [dict(trial.settings) for trial in tuning.trials]


# What a tuning gives


def test_the_first_trial_is_the_recipe_and_the_budget_counts_trainings(tuned: Tuning) -> None:
    assert [trial.number for trial in tuned.trials] == [0, 1, 2]
    assert tuned.trials[0].settings == {RATE: 0.01, DECAY: 0.0}
    assert Run(tuned.folder / "trials" / "000").recipe == tuned.space.recipe
    assert sorted(path.name for path in (tuned.folder / "trials").iterdir()) == ["000", "001", "002"]


def test_it_sees_the_validation_part_alone(tuned: Tuning) -> None:
    assert not list(tuned.folder.rglob("ledger.jsonl"))
    for path in (tuned.folder / "trials").iterdir():
        assert {entry["part"] for entry in Run(path).metrics().values()} == {"valid"}


def test_the_strength_is_chosen_without_retraining(tuned: Tuning) -> None:
    labels = ["total_indirect_effect" + one for one in ("", ":strength=0", ":strength=0.5")]
    for trial in tuned.trials:
        run = Run(tuned.folder / "trials" / f"{trial.number:03d}")
        judged = {one: run.metrics()[f"valid/{one}"]["metrics"]["ndcg@20"]["mean"] for one in labels}
        assert trial.values == judged
        assert trial.value == max(judged.values()) == judged[trial.estimand]
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
    table = again.evaluate(part="valid")
    assert table["ndcg@20"][0] == tuned.best.value and table["estimand"][0] == tuned.best.estimand


def test_the_files_say_what_was_found(tuned: Tuning) -> None:
    table = pd.read_csv(tuned.folder / "trials.csv")
    assert list(table["ndcg@20"]) == pytest.approx([trial.value for trial in tuned.trials])
    assert list(table[RATE]) == [trial.settings[RATE] for trial in tuned.trials]
    text = (tuned.folder / "tune.md").read_text()
    assert "3 trainings" in text and f"Best: trial {tuned.best.number}" in text
    assert f"| {RATE} | 0.001, 0.01 |" in text
    assert len(re.findall(r"^\| \d \|", text, flags=re.MULTILINE)) == 3
    assert str(tuned.folder) not in text
    assert json.loads(json.dumps(tuned.to_dict(), allow_nan=False))["best"] == tuned.best.number


def test_the_best_estimand_takes_the_place_of_the_recipes_own(tuned: Tuning) -> None:
    other = "total_indirect_effect:strength=0.5"
    assert tuned.space.recipe_with(tuned.space.own).evaluation.estimands == ()
    assert tuned.space.recipe_with(tuned.space.own, other).evaluation.estimands == (other, "observational")


def test_what_is_searched_is_no_part_of_a_run(tuned: Tuning, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(shutil.copytree(tuned.run.folder, tmp_path / "run"))
    monkeypatch.setattr(graphrec.carry_out, "prepare_split", pytest.fail)
    values = Run(folder).recipe.model_dump(exclude_none=True)
    recipe = Recipe.from_dict({**values, "tune": {"space": {RATE: [0.1]}}})
    assert train(recipe, folder).recipe == recipe.without_tune()


# What is tried


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_nothing_is_tried_twice_and_an_exhausted_space_ends_the_search(
    pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path, sampler: str
) -> None:
    trained = pretend(rate)
    recipe = with_space("ct", {RATE: [0.001, 0.01, 0.1], DECAY: [0, 0.1]})
    found = tune(recipe, tmp_path, trials=50, sampler=sampler)
    assert len(trained) == 6 and {(r.training.learning_rate, r.training.weight_decay) for r in trained} == {
        (a, b) for a in (0.001, 0.01, 0.1) for b in (0.0, 0.1)
    }
    assert trained[0] == recipe.without_tune()
    assert found.best.settings[RATE] == 0.1


def test_the_recipes_own_settings_need_not_lie_in_the_space(
    pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path
) -> None:
    pretend(rate)
    found = tune(with_space("ct", {RATE: [0.001, 0.002]}), tmp_path, trials=9)
    assert found.trials[0].settings == {RATE: 0.01}
    assert sorted(one[RATE] for one in settings(found)) == [0.001, 0.002, 0.01]
    assert found.best.number == 0 and found.recipe == found.space.recipe


def test_tpe_comes_nearer_to_what_is_good(pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path) -> None:
    pretend(lambda recipe: -abs(np.log10(rate(recipe)) + 3))
    recipe = with_space("ct", {RATE: {"low": 1e-9, "high": 1.0, "log": True}})
    values = [trial.value for trial in tune(recipe, tmp_path, trials=16).trials]
    assert np.median(values[8:]) > np.median(values[1:STARTUP]) + 0.5


def test_the_seed_decides_what_is_tried(pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path) -> None:
    pretend(rate)
    space = {RATE: {"low": 1e-4, "high": 0.1, "log": True}}
    first, second = (settings(tune(with_space("ct", space), tmp_path / name, trials=4)) for name in "ab")
    other = settings(tune(with_space("ct", space, "seed=1"), tmp_path / "c", trials=4))
    assert first == second and first[0] == other[0] and first[1:] != other[1:]
    assert all(1e-4 <= one[RATE] <= 0.1 for one in first)


def test_a_range_has_whole_numbers_where_the_key_takes_them(
    with_space: Callable[..., Recipe], untrained: dict[str, Decoder]
) -> None:
    space = {DECAY: {"low": 0, "high": 1}, "backbone.layers": {"low": 1, "high": 3}}
    found = Space.of(with_space("ct", space), untrained["ct"])
    assert found.dimensions == {DECAY: Range(low=0.0, high=1.0), "backbone.layers": Range(low=1, high=3)}
    assert not found.dimensions[DECAY].whole and found.dimensions["backbone.layers"].whole  # type: ignore[union-attr]
    assert found.size == float("inf")
    del space[DECAY]
    assert Space.of(with_space("ct", space), untrained["ct"]).size == 3


def test_bare_keys_of_toml_are_key_paths(with_space: Callable[..., Recipe], untrained: dict[str, Decoder]) -> None:
    nested = {"training": {"learning_rate": [0.1], "weight_decay": {"low": 0.0, "high": 1.0}}}
    flat = {RATE: [0.1], DECAY: {"low": 0.0, "high": 1.0}}
    one, other = (Space.of(with_space("ct", space), untrained["ct"]) for space in (nested, flat))
    assert one.dimensions == other.dimensions


def test_every_decoder_has_a_grid_that_its_recipes_accept(tiny_recipe: MakeRecipe) -> None:
    for name in decoders:
        grid = decoders.get(name).grid
        assert {RATE, DECAY} <= set(grid), name
        for key, values in grid.items():
            for value in values if not key.startswith("estimand.") else ():
                tiny_recipe("ct", f"decoder.name={name}", f"{key}={value}")
    assert decoders.get("hcr").grid["decoder.beta"] == (1, 2, 3, 5)


def test_without_a_space_the_decoders_own_grid_is_searched(
    tiny_recipe: MakeRecipe, untrained: dict[str, Decoder]
) -> None:
    found = Space.of(tiny_recipe("causalrec"), untrained["causalrec"])
    assert found.dimensions == {RATE: (1e-4, 1e-3, 1e-2), DECAY: (0.005, 0.01, 0.05, 0.1)}
    assert [one.strength for one in found.estimands] == [1, 0, 0.2, 0.4, 0.6, 0.8, 1.2]  # type: ignore[attr-defined]
    plain = tiny_recipe("causalrec", 'evaluation.estimands=["observational"]')
    assert [one.name for one in Space.of(plain, untrained["causalrec"]).estimands] == ["observational"]


# Failures and kills


def test_a_trial_that_diverges_is_listed_and_the_others_go_on(
    with_space: Callable[..., Recipe], tmp_path: Path
) -> None:
    found = tune(with_space("ct", {RATE: [1e30]}), tmp_path / "out", trials=2)
    assert found.best.number == 0
    assert "lower the learning rate" in found.trials[1].failure
    text = (tmp_path / "out" / "tune.md").read_text()
    assert "| 1 | failed |" in text and "- trial 1: training diverged in epoch 1" in text
    assert found.to_dict()["trials"][1]["value"] is None


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


def test_a_bug_that_some_settings_meet_is_told_and_the_others_go_on(
    pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def divide(recipe: Recipe) -> float:
        return 1 / 0 if recipe.training.learning_rate == 0.2 else recipe.training.learning_rate

    pretend(divide)
    found = tune(with_space("ct", {RATE: [0.1, 0.2, 0.3]}), tmp_path, trials=5)
    assert [trial.failure for trial in found.trials if trial.failure] == ["ZeroDivisionError: division by zero"]
    assert len(found.succeeded) == len(found.trials) - 1 and found.best.settings == {RATE: 0.3}
    assert "in divide" in capsys.readouterr().err


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
        if (found := errors.pop(len(trained) - 1, None)) is not None:
            raise found
        return rate(recipe)

    trained = pretend(fail_once)
    recipe = with_space("ct", {RATE: [0.1, 0.2]})
    with pytest.raises(type(error)):
        tune(recipe, tmp_path, trials=3)
    found = tune(recipe, tmp_path, trials=3)
    assert trained[trial] == trained[trial + 1] and not any(one.failure for one in found.trials)


def test_a_tuning_goes_on_where_the_same_data_has_moved(
    pretend: Callable, with_space: Callable[..., Recipe], tiny_prepared: Path, tmp_path: Path
) -> None:
    trained = pretend(rate)
    found = tune(with_space("ct", {RATE: [0.1]}), tmp_path / "out", trials=2)
    shutil.copytree(tiny_prepared, tmp_path / "moved")
    moved = with_space("ct", {RATE: [0.1]}, f"data.path={tmp_path / 'moved'}")
    again = tune(moved, tmp_path / "out", trials=2)
    assert again.trials == found.trials and len(trained) == 2
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
    assert sum(one == other for one, other in pairwise(trained)) == 3, "what was killed is trained again"
    pretend(rate)
    whole = tune(recipe, tmp_path / "whole", trials=7)
    assert cut.trials == whole.trials
    for file in ("trials.csv", "tune.md", "best.toml"):
        assert (tmp_path / "cut" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()


def test_the_interrupted_training_itself_goes_on(
    with_space: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphrec.carry_out, "CHECKPOINT_SECONDS", -1.0)
    recipe = with_space("ct", {RATE: [0.01]})
    epochs: list[int] = []

    def progress(name: str, config: Any) -> Any:
        def on_epoch(state: Any) -> None:
            epochs.append(state.epoch)
            if len(epochs) == 1:
                raise Stopped

        return nullcontext(on_epoch)

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


# Mistakes


@pytest.mark.parametrize(
    ("decoder", "space", "said"),
    [
        ("ct", {"training.learning_rat": [0.1]}, "did you mean `learning_rate`"),
        ("ct", {"backbone.layer": [1]}, "did you mean `layers`"),
        ("ct", {RATE: [0.1, -1]}, "greater than 0"),
        ("ct", {RATE: {"low": -1, "high": 1}}, "greater than 0"),
        ("ct", {RATE: {"low": 0.1, "high": 0.1}}, "a number above `low`"),
        ("ct", {DECAY: {"low": 0, "high": 0.1, "log": True}}, "a `low` above 0"),
        ("ct", {RATE: {"low": 0.1, "hihg": 1}}, "high"),
        ("ct", {RATE: []}, "nothing to try"),
        ("ct", {RATE: 0.1}, "nothing to try"),
        ("ct", {"training.batch_size": [1.5]}, "integer"),
        ("ct", {"training.decay": {"low": 0, "high": 1}}, "training.decay"),
        ("ct", {"backbone.trainable_embeddings": {"low": 0, "high": 1}}, "has no range"),
        ("ct", {"seed": [1, 2]}, "cannot be searched"),
        ("ct", {"data.path": ["elsewhere"]}, "cannot be searched"),
        ("ct", {"training.monitor": ["mrr"]}, "cannot be searched"),
        ("ct", {"decoder.name": ["hcr"]}, "cannot be searched"),
        ("ct", {STRENGTH: [0.5]}, "unknown option `estimand.strength`"),
        ("causalrec", {STRENGTH: [-1]}, "greater than or equal to 0"),
        ("causalrec", {STRENGTH: {"low": 0, "high": 1}}, "takes a list"),
        ("causalrec", {"estimand.strenght": [1]}, "did you mean `strength`"),
    ],
)  # fmt: skip
def test_a_wrong_space_is_refused(
    with_space: Callable[..., Recipe], untrained: dict[str, Decoder], decoder: str, space: dict, said: str
) -> None:
    with pytest.raises(GraphrecError) as caught:
        Space.of(with_space(decoder, space), untrained[decoder])
    assert said in str(caught.value)
    assert "[tune.space]" in str(caught.value.where)


def test_a_key_beside_the_space_is_refused(tiny_recipe: MakeRecipe) -> None:
    values = tiny_recipe("ct").model_dump(exclude_none=True)
    with pytest.raises(RecipeError, match="did you mean `space`"):
        Recipe.from_dict({**values, "tune": {"spaec": {}}})


@pytest.mark.parametrize(
    ("space", "options", "said"),
    [
        ({RATE: [-1]}, {}, "greater than 0"),
        ({RATE: [0.1]}, {"trials": 0}, "too few trials"),
        ({RATE: [0.1]}, {"sampler": "gird"}, "did you mean `grid`"),
        ({RATE: {"low": 0.1, "high": 1}}, {"sampler": "grid"}, "a grid has lists only"),
    ],
)
def test_mistakes_are_found_before_anything_is_written(
    pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path, space: dict, options: dict, said: str
) -> None:
    trained = pretend(rate)
    with pytest.raises(GraphrecError, match=said):
        tune(with_space("ct", space), tmp_path / "out", **options)
    assert not trained and not (tmp_path / "out").exists()


def test_a_recipe_that_cannot_be_built_is_refused_before_anything_is_written(
    with_space: Callable[..., Recipe], tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="cannot be used here"):
        tune(with_space("ct", {RATE: [0.1]}, "training.device=nowhere"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_trials_of_something_else_are_refused(
    pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(rate)
    recipe = with_space("ct", {RATE: [0.1]})
    tune(recipe, tmp_path, trials=1)
    before = (tmp_path / "study.db").read_bytes()
    with pytest.raises(RunError, match="another recipe") as caught:
        tune(with_space("ct", {RATE: [0.1]}, "training.epochs=3"), tmp_path)
    assert (caught.value.expected, caught.value.got) == ("epochs = 2", "epochs = 3")
    with pytest.raises(RunError, match="another space"):
        tune(with_space("ct", {RATE: [0.2]}), tmp_path)
    with pytest.raises(RunError, match="another sampler"):
        tune(recipe, tmp_path, sampler="random")
    monkeypatch.setattr(module, "fingerprint", lambda path: "other")
    with pytest.raises(RunError, match="another data"):
        tune(recipe, tmp_path)
    assert (tmp_path / "study.db").read_bytes() == before


def test_a_second_process_on_the_folder_is_refused(
    pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path
) -> None:
    trained = pretend(rate)
    recipe = with_space("ct", {RATE: [0.1]})
    with hold(tmp_path / ".lock"), pytest.raises(RunError, match="another process works in this folder"):
        tune(recipe, tmp_path)
    assert not trained
    assert tune(recipe, tmp_path, trials=1).best.number == 0


def test_a_foreign_place_is_refused_and_kept(
    pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path
) -> None:
    pretend(rate)
    recipe = with_space("ct", {RATE: [0.1]})
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    for place in (tmp_path / "mine", tmp_path / "mine" / "notes.txt"):
        with pytest.raises(RunError, match="not a place for a tuning"):
            tune(recipe, place)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_a_damaged_study_is_named(pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path) -> None:
    pretend(rate)
    (tmp_path / "study.db").write_text("this is no database, however long it may be" * 99)
    with pytest.raises(RunError, match="cannot be read") as caught:
        tune(with_space("ct", {RATE: [0.1]}), tmp_path)
    assert caught.value.where == tmp_path / "study.db"


def test_without_optuna_the_way_out_is_told(
    tiny_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(GraphrecError, match="pip install optuna"):
        tune(tiny_recipe("ct"), tmp_path)


def test_a_path_with_signs_that_urls_know_is_a_path(
    pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path
) -> None:
    pretend(rate)
    place = tmp_path / "a?b %41{c}"
    tune(with_space("ct", {RATE: [0.1]}), place, trials=1)
    assert (place / "study.db").is_file()


# The command and the document


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["graphrec", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        return int(caught.value.code or 0), *capsys.readouterr()

    return run


def test_the_command_tells_each_trial_and_the_best(
    call: Callable, pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path
) -> None:
    trained = pretend(rate)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(with_space("ct", {RATE: [0.02, 0.03]}).to_toml())
    status, out, err = call("tune", recipe, "--out", tmp_path / "out", "--trials", 3, "--sampler", "grid")
    assert status == 0 and len(trained) == 3
    assert f"best: trial {1 + [rate(one) for one in trained[1:]].index(0.03)}; its recipe is" in out
    assert "1 of 3, trial 0 (training.learning_rate 0.01): NDCG@20 .0100, best .0100 in trial 0" in err
    assert len([line for line in err.splitlines() if " of 3, trial " in line]) == 3
    status, out, err = call("tune", recipe, "--out", tmp_path / "out", "--trials", 3, "--sampler", "grid", "--json")
    assert status == 0 and [one["value"] for one in json.loads(out)["trials"]] == [rate(one) for one in trained]
    assert len(trained) == 3
    status, out, err = call("tune", recipe, "--out", tmp_path / "out", "--set", "training.epochs=9")
    assert status == 2 and err.startswith("error: the folder holds trials of another recipe")


def test_control_c_says_how_to_go_on(
    call: Callable, pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path
) -> None:
    def press(recipe: Recipe) -> float:
        raise KeyboardInterrupt

    pretend(press)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(with_space("ct", {RATE: [0.02]}).to_toml())
    status, _, err = call("tune", recipe, "--out", tmp_path / "out")
    assert status == 130 and "the same command goes on where it was" in err


@pytest.fixture
def blocks() -> Iterator[dict[str, str]]:
    yield dict(re.findall(r"```(toml|python)\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL))


def test_the_documents_space_is_one(
    blocks: dict[str, str], tiny_recipe: MakeRecipe, untrained: dict[str, Decoder], tmp_path: Path
) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(tiny_recipe("causalrec").to_toml() + "\n" + blocks["toml"])
    found = Space.of(Recipe.from_toml(path), untrained["causalrec"])
    assert set(found.dimensions) == {RATE, DECAY, "backbone.layers"} and len(found.estimands) == 3


def test_the_documents_example_runs(
    blocks: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(blocks["python"], names)
    assert isinstance(names["tuning"], gr.Tuning) and len(names["tuning"].trials) == 2
    assert isinstance(names["best"], gr.Run)
    assert "training.learning_rate" in capsys.readouterr().out


def test_an_unknown_sampler_lists_the_known(tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="grid, random, tpe"):
        tune(tiny_recipe("ct"), tmp_path, sampler="bayes")
