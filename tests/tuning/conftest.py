"""Recipes with a space, and tunings of them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from support.trained_runs import MakeRecipe
from support.tuning_settings import DECAY, RATE, STRENGTH, Objective

from graphrec.causal import label
from graphrec.data.split import Split
from graphrec.decoders import Decoder
from graphrec.runs.build import build, prepare_split
from graphrec.runs.recipe import Recipe
from graphrec.tuning import Tuning, tune

module = import_module("graphrec.tuning.tune")  # the package has the function under this name


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
    """Three real trainings of CausalRec, during which the test split must stay closed."""
    recipe = with_space("causalrec", {RATE: [0.001, 0.01], DECAY: [0.0, 0.1], STRENGTH: [0, 0.5]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Split, "open_test", lambda *a, **k: pytest.fail("the test split was opened"))
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

            def evaluate(estimands: Any, split: str) -> pd.DataFrame:
                assert split == "valid"
                return pd.DataFrame({"estimand": list(map(label, estimands)), "ndcg@20": value})

            return SimpleNamespace(manifest={"epochs": 2, "best_epoch": 1, "training_seconds": 0.5}, evaluate=evaluate)

        monkeypatch.setattr(module, "train", pretended)
        return trained

    return install
