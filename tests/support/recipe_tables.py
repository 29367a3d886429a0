"""The tables of docs/recipe.md: every key of a recipe, what it takes, its default and its meaning, from the classes."""

from __future__ import annotations

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from graphrec.backbones import BackboneConfig
from graphrec.data.filters import FilterConfig
from graphrec.data.split import SplitConfig
from graphrec.report.primitives.tables import markdown_table
from graphrec.runs.overrides import DEFAULT_NAMES
from graphrec.runs.recipe import DataConfig, EvaluationConfig, Recipe, TrainingConfig, TuneConfig
from graphrec.validation import field_meanings

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
COMPONENT_NAMES = {
    "backbone": "One of `graphrec list backbones`, or an import path `package.module:Class`.",
    "decoder": "The method: one of `graphrec list decoders`, or an import path `package.module:Class`.",
}
HEADERS = ["key", "takes", "default", "meaning"]
WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "its values"}
SIGNS = {"ge": "at least", "gt": "above", "lt": "below"}


def recipe_table(section: str) -> str:
    """The table of a recipe's section; keys that are sections of their own are left out."""
    rows = [name_row(section)] if section in COMPONENT_NAMES else []
    if config := SECTIONS.get(section):
        meanings = field_meanings(config)
        rows += [
            (f"`{key}`", takes(field.annotation, field.metadata), default(field), meanings[key])
            for key, field in config.model_fields.items()
            if not is_section(field) and key not in COMPONENT_NAMES
        ]
    return markdown_table(HEADERS, rows)


def name_row(component: str) -> tuple[str, str, str, str]:
    return "`name`", "text", f"`{DEFAULT_NAMES[component]}`", COMPONENT_NAMES[component]


def takes(kind: Any, metadata: Any = ()) -> str:
    """A type in words."""
    if get_origin(kind) is Annotated:
        kind, *metadata = get_args(kind)
    arguments = [argument for argument in get_args(kind) if argument not in (type(None), ...)]
    origin = get_origin(kind)
    if origin in (types.UnionType, Union):
        (kind,) = arguments
        return takes(kind, metadata)
    if origin is Literal:
        return ", ".join(f"`{argument}`" for argument in arguments)
    if origin is dict:
        return f"table, each: {takes(arguments[1])}"
    if origin is tuple:
        return f"list{f' of {len(arguments)}' if len(arguments) > 1 else ''}, each: {takes(arguments[0])}"
    bounds = [bound for item in metadata for bound in getattr(item, "metadata", [item])]
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


def is_section(field: FieldInfo) -> bool:
    kinds = (field.annotation, *get_args(field.annotation))
    return any(isinstance(kind, type) and issubclass(kind, BaseModel) for kind in kinds)
