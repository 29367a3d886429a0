"""docs/recipe.md: a section for every table of a recipe, an example that is one, links that lead somewhere."""

from __future__ import annotations

import re
import tomllib

import pytest
from support.paths import ROOT
from support.recipe_tables import SECTIONS, is_section

from graphrec.evaluation.metrics import monitors
from graphrec.runs.overrides import DEFAULT_NAMES
from graphrec.runs.recipe import Recipe
from graphrec.validation import field_meanings

DOCUMENT = (ROOT / "docs" / "recipe.md").read_text(encoding="utf-8")


def test_every_table_of_a_recipe_is_a_section() -> None:
    nested = {
        f"{name}.{key}"
        for name in ("data", "split", "training", "evaluation", "tune")
        for key, field in SECTIONS[name].model_fields.items()
        if is_section(field)
    }
    top = {key for key, field in Recipe.model_fields.items() if is_section(field)} | set(DEFAULT_NAMES)
    assert set(re.findall(r"^## `\[([\w.]+)\]`$", DOCUMENT, re.MULTILINE)) == top | nested


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_has_a_meaning_under_it(section: str) -> None:
    config = SECTIONS[section]
    keys = {key for key, field in config.model_fields.items() if not is_section(field)}
    assert all(len(field_meanings(config)[key]) > 10 for key in keys)


def test_the_metrics_that_can_be_watched_are_named() -> None:
    watched = field_meanings(SECTIONS["training"])["monitor"].partition(";")[0]
    assert set(re.findall(r"`([a-z]+)(?:@K)?`", watched)) == {name.partition("@")[0] for name in monitors((50,))}


def test_the_example_is_a_recipe() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    recipe = Recipe.from_dict(tomllib.loads(example))
    assert recipe.data.filter is not None and recipe.tune is not None


def test_links_lead_to_files_that_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)", DOCUMENT):
        assert (ROOT / "docs" / target).exists(), target
