"""Estimands as short text, `total_indirect_effect:strength=0.4`, for commands, tables and files."""

from __future__ import annotations

from itertools import product

from pydantic import ValidationError

from graphrec.causal.estimands import Estimand, estimands
from graphrec.errors import RecipeError, UnknownNameError


def parse_estimand(text: str) -> list[Estimand]:
    """The estimands that `text` names: one, or one for every combination of a sweep's values.

    The form is `name`, `name:option=value`, or `name:option=value,value:option=value`; the name may be an
    import path `package.module:Class`.

    Raises:
        UnknownNameError: an unknown estimand or option; names the nearest.
        RecipeError: a malformed option, a value out of range, or an option of an estimand that takes none.

    >>> from graphrec.causal import parse_estimand
    >>> [estimand.strength for estimand in parse_estimand("total_indirect_effect:strength=0.5,1")]
    [0.5, 1.0]
    """
    if not isinstance(text, str):
        raise UnknownNameError("estimand", text, estimands)
    parts = text.strip().split(":")
    # An import path has a colon as well: the name is everything that is no option.
    name = ":".join(part for part in parts if "=" not in part)
    if name.startswith((":", ".")):
        raise UnknownNameError("estimand", name, estimands, where=text)
    kind = estimands.get(name)
    sweep: dict[str, list[str]] = {}
    for part in parts:
        if "=" not in part:
            continue
        if not kind.model_fields:
            raise RecipeError(
                f"estimand `{name}` takes no options", expected=f"`{name}` alone", got=f"`{part}`", where=text
            )
        key, _, values = part.partition("=")
        key = key.strip()
        if key not in kind.model_fields:
            raise UnknownNameError(f"option of `{name}`", key, kind.model_fields, where=text)
        if key in sweep:
            raise RecipeError(f"option `{key}` is given twice", expected=f"{key}=a,b for a sweep", got=text)
        sweep[key] = list(dict.fromkeys(value.strip() for value in values.split(",")))
    parsed: list[Estimand] = []
    for choice in product(*sweep.values()):
        options = dict(zip(sweep, choice))
        try:
            estimand = kind.model_validate(options)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(step) for step in first["loc"])
            what, got = (f"option `{key}`", f"`{first['input']}`") if key else ("the options", f"`{text}`")
            message = first["msg"].removeprefix("Value error, ")
            raise RecipeError(f"{what} of estimand `{name}`: {message}", got=got, where=text) from None
        # `0.5` and `0.50` are different texts of the same estimand.
        if estimand not in parsed:
            parsed.append(estimand)
    return parsed


def label(estimand: Estimand) -> str:
    """The text from which `parse_estimand` makes the same estimand; options at their default are left out.

    >>> from graphrec.causal import label, parse_estimand
    >>> (estimand,) = parse_estimand("total_indirect_effect:reference=mean:strength=0.50")
    >>> label(estimand)
    'total_indirect_effect:strength=0.5'
    """
    kind = type(estimand)
    parts = [vars(kind).get("name") or f"{kind.__module__}:{kind.__qualname__}"]  # its own: a parent has another text
    for key, spec in kind.model_fields.items():
        value = getattr(estimand, key)
        if value != spec.default:
            parts.append(f"{key}={_number(value) if isinstance(value, float) else value}")
    return ":".join(parts)


def _number(value: float) -> str:
    # `g` rounds to six digits, and the label must lead back to the same float.
    short = f"{value:g}"
    return short if float(short) == value else repr(value)
