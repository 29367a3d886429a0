"""Worlds with a known structural causal model, written in the raw layouts of public datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from graphrec.errors import RecipeError, nearest_name
from graphrec.simulation.base import World, worlds
from graphrec.simulation.tiktok import TiktokWorld, write_tiktok
from graphrec.simulation.truth import OracleGap, Truth, ndcg_at_k, oracle_gap, regret_at_k
from graphrec.simulation.world import WorldConfig

__all__ = [
    "OracleGap",
    "TiktokWorld",
    "Truth",
    "World",
    "WorldConfig",
    "ndcg_at_k",
    "oracle_gap",
    "regret_at_k",
    "simulate",
    "worlds",
    "write_tiktok",
]


def simulate(world: str, out: Path, **settings: Any) -> Path:
    """Draw the world of that name and write it into the folder `out`; returns the folder.

    Args:
        world: a registered name, such as `tiktok`.
        out: a new folder, or one that a simulation wrote before.
        settings: fields of the world's `Config`; text such as "2000" is read as a number.

    Raises:
        UnknownNameError: no world of that name.
        RecipeError: a setting that the world does not have, or a value out of range.
        DataError: `out` holds what graphrec did not write.
    """
    part = worlds.get(world)
    try:
        config = part.Config(**settings)
    except ValidationError as error:
        raise _setting_error(world, part, error) from None
    return part.write(config, Path(out))


def _setting_error(world: str, part: type[World], error: ValidationError) -> RecipeError:
    first = error.errors()[0]
    fields = part.Config.model_fields
    name = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        nearest = nearest_name(name, fields)
        return RecipeError(
            f"world `{world}` has no setting `{name}`" + (f"; did you mean `{nearest}`?" if nearest else ""),
            expected="one of " + ", ".join(fields),
            got=f"{name}={first['input']!r}",
        )
    if not name:
        return RecipeError(
            f"settings of world `{world}` do not fit together",
            expected=first["msg"].removeprefix("Value error, "),
        )
    return RecipeError(
        f"setting `{name}` of world `{world}` has a wrong value",
        expected=f"{first['msg'].removeprefix('Input should be ')} ({fields[name].description})",
        got=f"{name}={first['input']!r}",
    )
