"""Overrides of a recipe: `KEY.SUB=VALUE` texts. Values are TOML, or else plain text."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any

from graphrec.errors import Argument, GraphrecError, Phrase, RecipeError

DEFAULT_NAMES = {"backbone": "mmgcn", "decoder": "hcr"}
"""The class that a recipe without a `name` in the table has."""
OF_EVERY_BACKBONE = ("embedding_size", "centre_items", "trainable_embeddings")
"""Settings that mean the same on every backbone, so that they outlast a change of its name. `layers` is not one of
them: each backbone has its own published number."""


def key_of(text: str) -> str:
    """The key that an override sets.

    >>> key_of("training.epochs = 20")
    'training.epochs'
    """
    return text.partition("=")[0].strip()


def apply_override(values: dict[str, Any], text: str) -> Any:
    """Set a key of a recipe's nested dicts, and return its value.

    Another backbone or decoder drops the settings of the one before it.

    >>> values = {"backbone": {"name": "mmgcn", "embedding_size": 32, "projection": 16}}
    >>> apply_override(values, "backbone.name=lightgcn"), apply_override(values, "training.epochs=20")
    ('lightgcn', 20)
    >>> values
    {'backbone': {'embedding_size': 32, 'name': 'lightgcn'}, 'training': {'epochs': 20}}

    Raises:
        RecipeError: the text is no `KEY.SUB=VALUE`, or the key is inside a value that is no table.
    """
    key, sign, value = text.partition("=")
    *path, last = (name.strip() for name in key.split("."))
    if not sign or not all([*path, last]):
        raise RecipeError(
            "an override is KEY.SUB=VALUE",
            expected="such as training.epochs=20",
            got=f"`{text}`",
            where=Argument("overrides"),
        )
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        # Other text is a value without quotes. A list whose quotes the shell removed would pass for a text, too.
        if value.strip().startswith("["):
            raise RecipeError(
                f"the value of `{key}` is no TOML list",
                expected=f"""such as '{key}=["visual"]', in a shell with these quotes""",
                got=f"`{value}`",
                where=Argument("overrides"),
            ) from None
        parsed = value
    if not path and last in DEFAULT_NAMES and isinstance(parsed, str):
        raise RecipeError(
            f"`{last}` is a table",
            got=f"`{parsed}`",
            where=Argument("overrides"),
            next_step=Argument("overrides", [f"{last}.name={parsed}"]),
        )
    for name in path:
        inner = values.setdefault(name, {})
        if not isinstance(inner, dict):
            raise RecipeError(f"`{name}` in `{key}` is not a table", got=f"`{inner}`", where=Argument("overrides"))
        values = inner
    kind = path[0] if len(path) == 1 else ""
    if last == "name" and kind in DEFAULT_NAMES and values.get("name", DEFAULT_NAMES[kind]) != parsed:
        common = {key: value for key, value in values.items() if kind == "backbone" and key in OF_EVERY_BACKBONE}
        values.clear()  # the settings of the old class mean nothing to another
        values.update(common)
    values[last] = parsed
    return parsed


def name_override(error: GraphrecError, overrides: Sequence[str]) -> None:
    """Let an error about a key that an override set name the override: the recipe's file has no such line.

    >>> error = RecipeError("recipe key `training.epochs` has a wrong value", where="my.toml")
    >>> name_override(error, ["seed=3", "training.epochs=many"])
    >>> print(error.where)
    `overrides=['training.epochs=many']`
    """
    for text in overrides:
        key = key_of(text)
        where, sign, reason = str(error.where).partition("; ")
        if f"`{key}`" in error.problem or where.startswith(f"{key} in "):
            error.where = Phrase(f"{{}}{sign}{{}}", Argument("overrides", [text]), reason)
