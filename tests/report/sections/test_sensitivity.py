"""A plot over a setting is of runs that differ in it alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from graphrec.report.sections.sensitivity import settings, strengths

pytestmark = pytest.mark.usefixtures("undrawn")


@dataclass
class Recipe:
    values: dict[str, Any]

    def model_dump(self, mode):
        return self.values


@dataclass
class Run:
    folder: Path
    recipe: Recipe
    manifest: dict[str, str]


def study(*recipes, data="one"):
    """Runs A, B, ... with one row each; `data` is one for all, or one each."""
    fingerprints = [data] * len(recipes) if isinstance(data, str) else data
    runs = [
        Run(Path(name), Recipe({"name": name, **recipe}), {"dataset_fingerprint": fingerprint})
        for name, recipe, fingerprint in zip("ABCDEF", recipes, fingerprints)
    ]
    rows = [
        {"run": run.folder.name, "row": run.folder.name, "method": "HCR", "variant": "HCR", "estimand": "front_door"}
        | {"ndcg@50": 0.1 * n, "ndcg@50_low": 0.1 * n - 0.05, "ndcg@50_high": 0.1 * n + 0.05}
        for n, run in enumerate(runs, start=1)
    ]
    names = {run.folder: run.folder.name for run in runs}
    return settings(runs, names, [pd.DataFrame(rows)])


def recipe(beta=1.0, rate=0.01, seed=0, **more):
    return {"seed": seed, "decoder": {"name": "hcr", "beta": beta, **more}, "training": {"learning_rate": rate}}


def described(parameters):
    return parameters[0]["plots"][0].partition("<desc")[2].partition("</desc>")[0]


def test_runs_that_differ_in_one_number_are_a_curve():
    parameters = study(recipe(beta=3.0), recipe(beta=1.0), recipe(beta=2.0))
    assert [parameter["key"] for parameter in parameters] == ["decoder.beta"]
    assert "HCR: 1: .2000 [.1500, .2500], 2: .3000 [.2500, .3500], 3: .1000" in described(parameters)


def test_runs_that_differ_in_two_settings_or_in_the_seed_are_none():
    assert study(recipe(), recipe(beta=2.0, rate=0.1)) == []
    assert study(recipe(), recipe(seed=1)) == []
    assert study(recipe(link="raw"), recipe(link="sigmoid")) == [], "words have no order"
    assert study(recipe(bias=True), recipe(bias=False)) == []


def test_the_data_location_is_no_setting_but_the_data_is():
    here, there = ({**recipe(beta=beta), "data": {"path": path}} for beta, path in ((1.0, "here"), (2.0, "there")))
    assert [parameter["key"] for parameter in study(here, there)] == ["decoder.beta"]
    assert study(here, there, data=("one", "other")) == []


def test_each_seed_and_other_setting_is_a_curve_of_its_own():
    parameters = study(recipe(), recipe(beta=2.0), recipe(seed=1), recipe(beta=2.0, seed=1))
    assert "HCR, seed 0: 1:" in described(parameters) and "HCR, seed 1: 1:" in described(parameters)
    both = study(recipe(), recipe(beta=2.0), recipe(rate=0.1), recipe(beta=2.0, rate=0.1))
    assert [parameter["key"] for parameter in both] == ["decoder.beta", "training.learning_rate"]
    assert "HCR, learning_rate 0.1: 1: .3000" in described(both)


def test_a_strength_alone_is_no_curve():
    row = {"run": "A", "row": "A", "method": "C", "ndcg@50": 0.1, "ndcg@50_low": 0.0, "ndcg@50_high": 0.2}
    whole, half = row | {"estimand": "total_indirect_effect"}, row | {"estimand": "total_indirect_effect:strength=0.5"}
    assert strengths([pd.DataFrame([whole])]) == []
    assert len(strengths([pd.DataFrame([whole, half])])) == 1
