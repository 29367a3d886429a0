"""Validation of settings by pydantic, with errors that name the key, the value and the nearest key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from graphrec.errors import RecipeError, nearest_name


def validated(model: type[BaseModel], values: Any, where: str, *, what: str = "recipe key", prefix: str = "") -> Any:
    """Validate with pydantic; its errors become one RecipeError that names key, value and the nearest key.

    Args:
        where: file, or command line option, for the message.
        what: what the message calls a key.
        prefix: put in front of the key, such as `decoder.`.
    """
    try:
        found = model.model_validate(values)
    except ValidationError as error:
        raise _key_error(model, values, error.errors(), where, what, prefix) from None
    if key := _flag_for_number(values, found):
        raise RecipeError(
            f"{what} `{prefix}{key}` has a wrong value", expected="a number", got="true or false", where=where
        )
    return found


def _flag_for_number(values: Any, found: BaseModel) -> str:
    """A key whose true or false pydantic took for the number 1 or 0; empty where there is none."""
    for key, value in values.items():
        now = getattr(found, key)
        if isinstance(value, bool) and isinstance(now, (int, float)) and not isinstance(now, bool):
            return key
        if isinstance(now, BaseModel) and isinstance(value, Mapping) and (inner := _flag_for_number(value, now)):
            return f"{key}.{inner}"
    return ""


def _key_error(
    model: type[BaseModel], values: Any, errors: list[ErrorDetails], where: str, what: str, prefix: str
) -> RecipeError:
    first = errors[0]
    path = _path(values, first["loc"])
    key = (prefix + ".".join(path)).rstrip(".")  # no path where it takes several keys together to be wrong
    if first["type"] == "missing":
        return RecipeError(f"{what} `{key}` is missing", got="nothing", where=where, next_step=f"give `{key}`")
    if first["type"] != "extra_forbidden":
        wanted = [_expected(error) for error in errors if _path(values, error["loc"]) == path]
        return RecipeError(
            f"{what} `{key}` has a wrong value" if key else f"{what}s do not fit together",
            expected=" or ".join(dict.fromkeys(wanted)),
            got=f"`{first['input']}`",
            where=where,
        )
    known = _known_keys(model, first["loc"][:-1])
    near = nearest_name(path[-1], known)
    return RecipeError(
        f"unknown {what} `{key}`" + (f"; did you mean `{near}`?" if near else ""),
        expected="one of " + ", ".join(sorted(known)) if known else "no key here",
        got=f"`{path[-1]} = {first['input']!r}`",
        where=where,
    )


def _path(values: Any, loc: tuple[int | str, ...]) -> list[str]:
    """The keys of `loc` that a person wrote; pydantic adds its own for members of a union and dict keys."""
    path = []
    for part in loc:
        if isinstance(values, Mapping):
            values = values.get(part)
        elif isinstance(values, (list, tuple)) and isinstance(part, int):
            values = values[part]
        else:
            break
        path.append(str(part))
    return path


def _expected(error: ErrorDetails) -> str:
    if error["type"] in ("tuple_type", "list_type"):
        return "a list"
    if error["type"] in ("dict_type", "model_type"):
        return "a table"
    if error["type"] == "too_short":
        return f"at least {error['ctx']['min_length']} value"
    return error["msg"].partition(", unable to")[0].removeprefix("Value error, ").removeprefix("Input should be ")


def _known_keys(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    for part in path:
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        tables = [t for t in (annotation, *get_args(annotation)) if isinstance(t, type) and issubclass(t, BaseModel)]
        if not tables:
            return []
        model = tables[0]
    return list(model.model_fields)
