"""Mistakes in a tuning are refused before anything is trained or written."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from support.trained_runs import MakeRecipe
from support.tuning_settings import DECAY, RATE, STRENGTH, rate

from graphrec.decoders import Decoder
from graphrec.errors import DamagedFileError, GraphrecError, RecipeError, RunError
from graphrec.runs.recipe import Recipe
from graphrec.system.files import LOCK, file_lock
from graphrec.system.owned_folder import claim, write_own_text
from graphrec.tuning import Space, tune

module = import_module("graphrec.tuning.tune")  # the package has the function under this name


@pytest.mark.parametrize(
    ("decoder", "space", "message"),
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
    with_space: Callable[..., Recipe], untrained: dict[str, Decoder], decoder: str, space: dict, message: str
) -> None:
    with pytest.raises(GraphrecError) as caught:
        Space.from_recipe(with_space(decoder, space), untrained[decoder])
    assert message in str(caught.value)
    assert "[tune.space]" in str(caught.value.where)


def test_a_key_beside_the_space_is_refused(tiny_recipe: MakeRecipe) -> None:
    values = tiny_recipe("ct").model_dump(exclude_none=True)
    with pytest.raises(RecipeError, match="did you mean `space`"):
        Recipe.from_dict({**values, "tune": {"spaec": {}}})


@pytest.mark.parametrize(
    ("space", "options", "message"),
    [
        ({RATE: [-1]}, {}, "greater than 0"),
        ({RATE: [0.1]}, {"trials": 0}, "too few trials"),
        ({RATE: [0.1]}, {"sampler": "gird"}, "did you mean `grid`"),
        ({RATE: {"low": 0.1, "high": 1}}, {"sampler": "grid"}, "a grid has lists only"),
    ],
)
def test_mistakes_are_found_before_anything_is_written(
    pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path, space: dict, options: dict, message: str
) -> None:
    trained = pretend(rate)
    with pytest.raises(GraphrecError, match=message):
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
    with file_lock(tmp_path / LOCK), pytest.raises(RunError, match="another process works in this folder"):
        tune(recipe, tmp_path)
    assert not trained
    assert tune(recipe, tmp_path, trials=1).best.number == 0


def test_a_folder_with_other_files_is_refused_and_unchanged(
    pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path
) -> None:
    pretend(rate)
    recipe = with_space("ct", {RATE: [0.1]})
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    for path in (tmp_path / "mine", tmp_path / "mine" / "notes.txt"):
        with pytest.raises(RunError, match="will not write a tuning"):
            tune(recipe, path)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_a_damaged_study_is_named(pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path) -> None:
    pretend(rate)
    claim(tmp_path, "tuning")
    write_own_text(tmp_path / "study.db", "this is no database, however long it may be" * 99)
    with pytest.raises(RunError, match="cannot be read") as caught:
        tune(with_space("ct", {RATE: [0.1]}), tmp_path)
    assert caught.value.where == tmp_path / "study.db"


def test_without_optuna_the_next_step_is_named(
    tiny_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(GraphrecError, match="pip install optuna"):
        tune(tiny_recipe("ct"), tmp_path)


def test_a_path_with_signs_that_urls_know_is_a_path(
    pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path
) -> None:
    pretend(rate)
    folder = tmp_path / "a?b %41{c}"
    tune(with_space("ct", {RATE: [0.1]}), folder, trials=1)
    assert (folder / "study.db").is_file()


def test_a_trial_that_was_changed_in_the_study_is_found(
    pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path
) -> None:
    import sqlite3

    pretend(rate)
    recipe = with_space("ct", {RATE: [0.1, 0.2, 0.3]})
    tune(recipe, tmp_path / "tuned", trials=2)
    with sqlite3.connect(tmp_path / "tuned" / "study.db") as database:
        changed = database.execute(
            "UPDATE trial_user_attributes SET value_json = replace(value_json, '0.', '1.') WHERE key = 'trial'"
        )
        assert changed.rowcount
    database.close()
    with pytest.raises(DamagedFileError, match="a trial in the study was changed"):
        tune(recipe, tmp_path / "tuned", trials=3)
