"""docs/recipe.md: its tables hold every key of a recipe, what it takes and its default."""

from __future__ import annotations

import re
import tomllib
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from support.paths import ROOT

from graphrec.backbones import BackboneConfig
from graphrec.data.filters import FilterConfig
from graphrec.data.split import SplitConfig, splitters
from graphrec.evaluation.metrics import monitors
from graphrec.runs.overrides import DEFAULT_NAMES
from graphrec.runs.recipe import (
    DataConfig,
    EvaluationConfig,
    Recipe,
    TrainingConfig,
    TuneConfig,
)

DOCUMENT = (ROOT / "docs" / "recipe.md").read_text(encoding="utf-8")
SECTIONS: dict[str, type[BaseModel]] = {
    "": Recipe,
    "data": DataConfig,
    "data.filter": FilterConfig,
    "split": SplitConfig,
    "backbone": BackboneConfig,
    "training": TrainingConfig,
    "evaluation": EvaluationConfig,
    "tune": TuneConfig,
}
WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "its values"}
SIGNS = {"ge": "at least", "gt": "above", "lt": "below"}


def table(section: str) -> dict[str, list[str]]:
    """The rows of a section's table: the other cells by the key."""
    heading = f"## `[{section}]`" if section else "## At the top"
    _, found, text = DOCUMENT.partition(f"{heading}\n")
    assert found, f"no {heading}"
    lines = [line for line in text.split("\n## ")[0].splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    return {key.strip("`"): rest for key, *rest in cells}


def takes(kind: Any, metadata: Any = ()) -> str:
    """A type in words; every model in it is a table of its own."""
    if get_origin(kind) is Annotated:
        kind, *metadata = get_args(kind)
    arguments = [one for one in get_args(kind) if one not in (type(None), ...)]
    origin = get_origin(kind)
    if origin in (types.UnionType, Union):
        (kind,) = arguments
        return takes(kind, metadata)
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in arguments)
    if origin is dict:
        return f"table, each: {takes(arguments[1])}"
    if origin is tuple:
        return f"list{f' of {len(arguments)}' if len(arguments) > 1 else ''}, each: {takes(arguments[0])}"
    bounds = [bound for one in metadata for bound in getattr(one, "metadata", [one])]
    limits = [
        f"{word} {getattr(bound, name):g}" for bound in bounds for name, word in SIGNS.items() if hasattr(bound, name)
    ]
    return ", ".join([WORDS[kind], *limits])


def default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    if value is None:
        return "not set"
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    return f"`{list(value)}`" if isinstance(value, tuple) else f"`{text}`" if text else "empty"


def is_table(field: FieldInfo) -> bool:
    kinds = (field.annotation, *get_args(field.annotation))
    return any(isinstance(kind, type) and issubclass(kind, BaseModel) for kind in kinds)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_is_there_with_what_it_takes_and_its_default(section: str) -> None:
    parts = set(DEFAULT_NAMES) if not section else set()
    expected = {
        key: [takes(field.annotation, field.metadata), default(field)]
        for key, field in SECTIONS[section].model_fields.items()
        if not is_table(field) and key not in parts
    }
    if section in DEFAULT_NAMES:
        expected = {"name": ["text", f"`{DEFAULT_NAMES[section]}`"], **expected}
    rows = table(section)
    lines = "\n".join(f"| `{key}` | {' | '.join(cells)} |" for key, cells in expected.items())
    assert {key: cells[:2] for key, cells in rows.items()} == expected, f"the rows should begin\n{lines}"
    assert all(len(cells) == 3 and len(cells[2]) > 10 for cells in rows.values()), "each has its meaning"


def test_every_table_of_a_recipe_is_a_section() -> None:
    nested = {f"{name}.{key}" for name in ("data", "split", "training", "evaluation", "tune")
              for key, field in SECTIONS[name].model_fields.items() if is_table(field)}  # fmt: skip
    top = {key for key, field in Recipe.model_fields.items() if is_table(field)} | set(DEFAULT_NAMES)
    assert set(re.findall(r"^## `\[([\w.]+)\]`$", DOCUMENT, re.MULTILINE)) == top | nested
    assert table("decoder")["name"][:2] == ["text", f"`{DEFAULT_NAMES['decoder']}`"]


def test_names_of_splits_and_metrics_are_those_there_are() -> None:
    (shown,) = (cells[2] for key, cells in table("split").items() if key == "name")
    assert set(re.findall(r"`(\w+)`", shown)) == set(splitters)
    watched = table("training")["monitor"][2]
    kinds = {name.partition("@")[0] for name in monitors((50,))}
    assert set(re.findall(r"`(\w+)(?:@K)?`", watched)) == kinds


def test_the_example_is_a_recipe() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    recipe = Recipe.from_dict(tomllib.loads(example))
    assert recipe.data.filter is not None and recipe.tune is not None


def test_links_lead_to_files_that_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)", DOCUMENT):
        assert (ROOT / "docs" / target).exists(), target
