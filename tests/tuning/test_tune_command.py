"""`graphrec tune`, and its document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command_line import Call, refused
from support.trained_runs import MakeRecipe
from support.tuning_settings import DECAY, DOCUMENT, RATE, rate

import graphrec as gr
from graphrec.decoders import Decoder
from graphrec.errors import UnknownNameError
from graphrec.runs.recipe import Recipe
from graphrec.tuning import Space, tune


def test_the_command_tells_each_trial_and_the_best(
    call: Call, pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path
) -> None:
    trained = pretend(rate)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(with_space("ct", {RATE: [0.02, 0.03]}).to_toml())
    answer = call("tune", recipe, "--out", tmp_path / "out", "--trials", 3, "--sampler", "grid")
    assert answer.status == 0 and len(trained) == 3
    assert f"best: trial {1 + [rate(tried) for tried in trained[1:]].index(0.03)}; its recipe is" in answer.out
    assert "1 of 3, trial 0 (training.learning_rate 0.01): NDCG@20 .0100, best .0100 in trial 0" in answer.err
    assert len([line for line in answer.err.splitlines() if " of 3, trial " in line]) == 3
    answer = call("tune", recipe, "--out", tmp_path / "out", "--trials", 3, "--sampler", "grid", "--json")
    assert answer.status == 0 and [trial["value"] for trial in answer.json["trials"]] == [
        rate(tried) for tried in trained
    ]
    assert len(trained) == 3
    answer = call("tune", recipe, "--out", tmp_path / "out", "--set", "training.epochs=9")
    refused(answer, "the folder holds trials of another recipe")


def test_control_c_says_how_to_resume(
    call: Call, pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path
) -> None:
    def press(recipe: Recipe) -> float:
        raise KeyboardInterrupt

    pretend(press)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(with_space("ct", {RATE: [0.02]}).to_toml())
    answer = call("tune", recipe, "--out", tmp_path / "out")
    assert answer.status == 130 and "the same command resumes" in answer.err


@pytest.fixture
def blocks() -> Iterator[dict[str, str]]:
    yield dict(re.findall(r"```(toml|python)\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL))


def test_the_documents_space_is_one(
    blocks: dict[str, str], tiny_recipe: MakeRecipe, untrained: dict[str, Decoder], tmp_path: Path
) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(tiny_recipe("causalrec").to_toml() + "\n" + blocks["toml"])
    space = Space.from_recipe(Recipe.from_toml(path), untrained["causalrec"])
    assert set(space.dimensions) == {RATE, DECAY, "backbone.layers"} and len(space.estimands) == 3


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
