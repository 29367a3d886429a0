"""Worlds with a known structural causal model, written in the raw layouts of public datasets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from graphrec.arguments import path_argument
from graphrec.data.store import load
from graphrec.errors import ComponentError, RecipeError, nearest_name
from graphrec.simulation.amazon import AmazonWorld
from graphrec.simulation.base import World, worlds
from graphrec.simulation.coat import CoatWorld
from graphrec.simulation.kwai import KwaiWorld
from graphrec.simulation.oracle import OracleGap, ndcg_at_k, oracle_gap, regret_at_k
from graphrec.simulation.semi_synthetic import semi_synthetic_config, write_semi_synthetic
from graphrec.simulation.size import too_large
from graphrec.simulation.taobao import TaobaoWorld
from graphrec.simulation.tiktok import TiktokWorld
from graphrec.simulation.truth import TARGETS, Truth
from graphrec.simulation.world import WorldConfig
from graphrec.system.user_code import anchored, permit

__all__ = [
    "AmazonWorld",
    "CoatWorld",
    "KwaiWorld",
    "OracleGap",
    "TaobaoWorld",
    "TiktokWorld",
    "Truth",
    "World",
    "WorldConfig",
    "ndcg_at_k",
    "oracle_gap",
    "regret_at_k",
    "simulate",
    "worlds",
]


def simulate(world: str, out: str | Path, *, dataset: str | Path | None = None, **settings: Any) -> Path:
    """Draw the world of that name and write it into the folder `out`; returns the folder.

    Args:
        world: a registered name, such as `tiktok`.
        out: a new folder, or one that a simulation wrote before.
        dataset: a prepared dataset, whose items, features and users' activity are kept: only the feedback is
            simulated, by the structural equations of `world`, and `out` holds a prepared dataset in place of raw
            files (see `semi_synthetic.py`).
        settings: fields of the world's `Config`; text such as "2000" is read as a number.

    Raises:
        UnknownNameError: no world of that name.
        ComponentError: a custom world whose `Config` or `target` cannot be used.
        RecipeError: a setting that the world does not have, or a value out of range.
        DataError: `out` holds what graphrec did not write, `dataset` cannot be used, or the world does not fit into
            memory.

    >>> folder = simulate("coat", "raw", users=20, items=40, shown=10, random_test=4)
    >>> sorted(path.name for path in folder.iterdir())
    ['graphrec.json', 'test.ascii', 'train.ascii', 'truth', 'user_item_features', 'world.json']
    """
    world = anchored(world, Path.cwd()) if isinstance(world, str) else world
    permit(world)
    kind = worlds.get(world)
    _require_usable(world, kind)
    folder = path_argument("out", out)
    real = None if dataset is None else load(path_argument("dataset", dataset))
    fields = (kind.Config if real is None else WorldConfig).model_fields
    try:
        config = kind.Config(**settings) if real is None else semi_synthetic_config(kind, real, settings)
    except ValidationError as error:
        raise _setting_error(world, fields, error) from None
    for name, value in settings.items():
        # Pydantic takes true and false for the numbers 1 and 0.
        if isinstance(value, bool) and not isinstance(getattr(config, name), bool):
            raise _wrong_value(world, fields, name, "a number", value)
    try:
        if real is None or dataset is None:
            return kind.write(config, folder)
        return write_semi_synthetic(kind, config, Path(dataset), real, folder)
    except MemoryError as error:
        raise too_large(str(error)) from None


def _require_usable(world: str, kind: type[World]) -> None:
    for attribute, usable, expected in (
        ("Config", isinstance(kind.Config, type) and issubclass(kind.Config, WorldConfig), "a subclass of WorldConfig"),
        ("target", kind.target in TARGETS, "one of " + ", ".join(TARGETS)),
    ):
        if not usable:
            raise ComponentError(
                f"the world `{world}` has a wrong `{attribute}`",
                expected=expected,
                got=repr(getattr(kind, attribute)),
                where=f"{kind.__module__}:{kind.__qualname__}",
                next_step="see the docstring of graphrec.simulation.base.World",
            )


def _setting_error(world: str, fields: Mapping[str, FieldInfo], error: ValidationError) -> RecipeError:
    first = error.errors()[0]
    name = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        nearest = nearest_name(name, fields)
        return RecipeError(
            f"world `{world}` has no setting `{name}`" + (f"; did you mean `{nearest}`?" if nearest else ""),
            expected="one of " + ", ".join(fields),
            got=f"{name}={first['input']!r}",
            next_step="name one of these, or leave it out",
        )
    expected = first["msg"].partition(", unable to")[0].removeprefix("Value error, ").removeprefix("Input should be ")
    if not name:
        return RecipeError(
            f"settings of world `{world}` do not fit together",
            expected=expected,
            next_step="change one of them",
        )
    return _wrong_value(world, fields, name, expected, first["input"])


def _wrong_value(world: str, fields: Mapping[str, FieldInfo], name: str, expected: str, value: Any) -> RecipeError:
    default, meaning = fields[name].default, " ".join((fields[name].description or "").split())
    return RecipeError(
        f"setting `{name}` of world `{world}` has a wrong value",
        expected=f"{expected} ({meaning})",
        got=f"{name}={value!r}",
        next_step=f"give such a value, or leave it out for the default, {default!r}",
    )
