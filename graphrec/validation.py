"""Validation of settings by pydantic, with errors that name the key, the value and the nearest key."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from graphrec.errors import Mistakes, RecipeError, nearest_name


def validated(model: type[BaseModel], values: Any, where: object, *, what: str = "recipe key", prefix: str = "") -> Any:
    """The settings `values` as an instance of `model`.

    >>> class Config(BaseModel):
    ...     layers: int = 2
    >>> validated(Config, {"layers": 3}, "my.toml").layers
    3
    >>> validated(Config, {"layers": "many"}, "my.toml")
    Traceback (most recent call last):
    graphrec.errors.RecipeError: recipe key `layers` has a wrong value
      expected: a valid integer
      got: `many`
      where: my.toml

    Args:
        model: names the keys and their types.
        where: the file, or the `Argument`, that the values come from, for the message.
        what: what the message calls a key.
        prefix: put in front of the key in the message, such as `decoder.`.

    Raises:
        RecipeError: a key is unknown or missing, or a value is of a wrong type or out of range.
        SeveralErrors: there are several such mistakes.
    """
    mistakes = Mistakes()
    mistakes.add(*wrong_settings(model, values, where, what=what, prefix=prefix).values())
    mistakes.report()
    return model.model_validate(values)


def wrong_settings(
    model: type[BaseModel], values: Any, where: object, *, what: str = "recipe key", prefix: str = ""
) -> dict[tuple[str, ...], RecipeError]:
    """The mistakes in the settings `values`, by the path of the key; the arguments are those of `validated`.

    >>> class Config(BaseModel, extra="forbid"):
    ...     layers: int = 2
    ...     size: int = 8
    >>> list(wrong_settings(Config, {"layers": "many", "sise": 3}, "my.toml"))
    [('layers',), ('sise',)]
    """
    wrong: dict[tuple[str, ...], RecipeError] = {}
    try:
        settings = model.model_validate(values)
    except ValidationError as error:
        by_path: dict[tuple[str, ...], list[ErrorDetails]] = {}
        for details in error.errors():
            by_path.setdefault(tuple(_path(values, details["loc"])), []).append(details)
        for path in list(by_path):
            # Pydantic counts only the valid values of a list: it may be too short because one is invalid.
            if any(other[: len(path)] == path and other != path for other in by_path):
                by_path[path] = [details for details in by_path[path] if details["type"] != "too_short"]
        by_path = {path: errors for path, errors in by_path.items() if errors}
        wrong = {path: _key_error(model, path, errors, where, what, prefix) for path, errors in by_path.items()}
        values = without_paths(values, wrong)
        try:
            settings = model.model_validate(values)
        except ValidationError:  # without a key that is missing, nothing more can be said
            return wrong
    for path in _flags_for_numbers(values, settings):
        key = prefix + ".".join(path)
        wrong[path] = RecipeError(
            f"{what} `{key}` has a wrong value", expected="a number", got="true or false", where=where
        )
    return wrong


def without_paths(values: Any, paths: Iterable[tuple[str, ...]]) -> Any:
    """A copy of nested dicts without the keys at some paths; a path into a list removes the list.

    >>> without_paths({"seed": 3, "evaluation": {"k": [0, 5]}}, [("evaluation", "k", "0")])
    {'seed': 3, 'evaluation': {}}
    """
    if not isinstance(values, Mapping):
        return values
    inner: dict[str, list[tuple[str, ...]]] = {}
    for first, *rest in filter(None, paths):
        inner.setdefault(first, []).append(tuple(rest))
    return {
        key: without_paths(value, inner.get(key, ()))
        for key, value in values.items()
        if key not in inner or (isinstance(value, Mapping) and () not in inner[key])
    }


def _flags_for_numbers(values: Any, settings: BaseModel) -> Iterator[tuple[str, ...]]:
    """The paths of keys whose true or false pydantic took for the number 1 or 0."""
    for key, value in values.items():
        setting = getattr(settings, key)
        if isinstance(value, bool) and isinstance(setting, (int, float)) and not isinstance(setting, bool):
            yield (key,)
        elif isinstance(setting, BaseModel) and isinstance(value, Mapping):
            yield from ((key, *path) for path in _flags_for_numbers(value, setting))


def _key_error(
    model: type[BaseModel], path: tuple[str, ...], errors: list[ErrorDetails], where: object, what: str, prefix: str
) -> RecipeError:
    first = errors[0]
    key = (prefix + ".".join(path)).rstrip(".")  # the path is empty where several keys are wrong together
    if first["type"] == "missing":
        return RecipeError(f"{what} `{key}` is missing", got="nothing", where=where, next_step=f"give `{key}`")
    if first["type"] != "extra_forbidden":
        # A union has an error for each of its members: any of them would do.
        return RecipeError(
            f"{what} `{key}` has a wrong value" if key else f"{what}s do not fit together",
            expected=" or ".join(dict.fromkeys(map(_expected, errors))),
            got=f"`{first['input']}`",
            where=where,
        )
    keys = _keys_of(model, first["loc"][:-1])
    near = nearest_name(path[-1], keys)
    parent = key.rpartition(".")[0]
    nothing = f"`{parent}` takes no settings" if parent else f"there is no {what}"
    return RecipeError(
        f"unknown {what} `{key}`" + (f"; did you mean `{near}`?" if near else ""),
        expected="one of " + ", ".join(sorted(keys)) if keys else f"nothing: {nothing}",
        got=f"`{path[-1]} = {first['input']!r}`",
        where=where,
    )


def _path(values: Any, loc: tuple[int | str, ...]) -> list[str]:
    """The keys of `loc` that the user wrote; pydantic adds its own for members of a union and for keys of a dict."""
    path = []
    for step in loc:
        if isinstance(values, Mapping):
            values = values.get(step)
        elif isinstance(values, (list, tuple)) and isinstance(step, int):
            if step >= len(values):  # a value that is missing at the end of a list
                break
            values = values[step]
        else:
            break
        path.append(str(step))
    return path


def _expected(error: ErrorDetails) -> str:
    if error["type"] in ("tuple_type", "list_type"):
        return "a list"
    if error["type"] in ("dict_type", "model_type"):
        return "a table"
    if error["type"] == "too_short":
        return f"at least {error['ctx']['min_length']} value"
    return error["msg"].partition(", unable to")[0].removeprefix("Value error, ").removeprefix("Input should be ")


def _keys_of(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """The keys of the table at `path`; empty where it is no table."""
    for step in path:
        annotation = model.model_fields[step].annotation if step in model.model_fields else None
        tables = [t for t in (annotation, *get_args(annotation)) if isinstance(t, type) and issubclass(t, BaseModel)]
        if not tables:
            return []
        model = tables[0]
    return list(model.model_fields)


@cache
def field_meanings(config: type) -> dict[str, str]:
    """By field the docstring under it, in the class and its bases; none where there is no source to read.

    >>> from graphrec.training.config import TrainingConfig
    >>> field_meanings(TrainingConfig)["validate_every"]
    'Epochs between validations.'
    """
    meanings: dict[str, str] = {}
    for base in reversed(config.__mro__[: config.__mro__.index(object)]):
        if base.__module__.startswith("pydantic"):
            continue
        try:
            (tree,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        except (OSError, TypeError):
            continue
        assert isinstance(tree, ast.ClassDef)
        for field, text in zip(tree.body, tree.body[1:]):
            match field, text:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(meaning))):
                    meanings[name] = " ".join(meaning.split())
    return meanings
