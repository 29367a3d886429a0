"""What is tried, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.trained_runs import MakeRecipe
from support.tuning_settings import DECAY, RATE, rate, settings

from graphrec.decoders import Decoder, decoders
from graphrec.runs.recipe import Recipe
from graphrec.tuning import SAMPLERS, Range, Space, tune
from graphrec.tuning.study import STARTUP


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_nothing_is_tried_twice_and_an_exhausted_space_ends_the_search(
    pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path, sampler: str
) -> None:
    trained = pretend(rate)
    recipe = with_space("ct", {RATE: [0.001, 0.01, 0.1], DECAY: [0, 0.1]})
    tuning = tune(recipe, tmp_path, trials=50, sampler=sampler)
    assert len(trained) == 6 and {(r.training.learning_rate, r.training.weight_decay) for r in trained} == {
        (a, b) for a in (0.001, 0.01, 0.1) for b in (0.0, 0.1)
    }
    assert trained[0] == recipe.without_tune()
    assert tuning.best.settings[RATE] == 0.1


def test_the_recipes_settings_need_not_be_in_the_space(
    pretend: Callable, with_space: Callable[..., Recipe], tmp_path: Path
) -> None:
    pretend(rate)
    tuning = tune(with_space("ct", {RATE: [0.001, 0.002]}), tmp_path, trials=9)
    assert tuning.trials[0].settings == {RATE: 0.01}
    assert sorted(trial[RATE] for trial in settings(tuning)) == [0.001, 0.002, 0.01]
    assert tuning.best.number == 0 and tuning.recipe == tuning.space.recipe


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
    assert all(1e-4 <= trial[RATE] <= 0.1 for trial in first)


def test_a_range_has_whole_numbers_where_the_key_takes_them(
    with_space: Callable[..., Recipe], untrained: dict[str, Decoder]
) -> None:
    space = {DECAY: {"low": 0, "high": 1}, "backbone.layers": {"low": 1, "high": 3}}
    ranges = Space.from_recipe(with_space("ct", space), untrained["ct"])
    assert ranges.dimensions == {DECAY: Range(low=0.0, high=1.0), "backbone.layers": Range(low=1, high=3)}
    assert not ranges.dimensions[DECAY].whole and ranges.dimensions["backbone.layers"].whole  # type: ignore[union-attr]
    assert ranges.size == float("inf")
    del space[DECAY]
    assert Space.from_recipe(with_space("ct", space), untrained["ct"]).size == 3


def test_bare_keys_of_toml_are_key_paths(with_space: Callable[..., Recipe], untrained: dict[str, Decoder]) -> None:
    nested = {"training": {"learning_rate": [0.1], "weight_decay": {"low": 0.0, "high": 1.0}}}
    flat = {RATE: [0.1], DECAY: {"low": 0.0, "high": 1.0}}
    from_tables, from_key_paths = (
        Space.from_recipe(with_space("ct", space), untrained["ct"]) for space in (nested, flat)
    )
    assert from_tables.dimensions == from_key_paths.dimensions


def test_every_decoder_has_a_grid_that_its_recipes_accept(tiny_recipe: MakeRecipe) -> None:
    for name in decoders:
        grid = decoders.get(name).grid
        assert {RATE, DECAY} <= set(grid), name
        for key, values in grid.items():
            for value in values if not key.startswith("estimand.") else ():
                tiny_recipe("ct", f"decoder.name={name}", f"{key}={value}")
    assert decoders.get("hcr").grid["decoder.beta"] == (1, 2, 3, 5)


def test_without_a_space_the_decoders_grid_is_searched(tiny_recipe: MakeRecipe, untrained: dict[str, Decoder]) -> None:
    space = Space.from_recipe(tiny_recipe("causalrec"), untrained["causalrec"])
    assert space.dimensions == {RATE: (1e-4, 1e-3, 1e-2), DECAY: (0.005, 0.01, 0.05, 0.1)}
    assert [estimand.strength for estimand in space.estimands] == [1, 0, 0.2, 0.4, 0.6, 0.8, 1.2]  # type: ignore[attr-defined]
    plain = tiny_recipe("causalrec", 'evaluation.estimands=["observational"]')
    assert [estimand.name for estimand in Space.from_recipe(plain, untrained["causalrec"]).estimands] == [
        "observational"
    ]
