"""Checks of arguments that users pass: a value of a wrong type is an error that names the argument."""

from __future__ import annotations

import numbers
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from graphrec.errors import Argument, ArgumentError, UnknownNameError


def require_type(name: str, value: object, kinds: type | tuple[type, ...], expected: str) -> None:
    """Refuse a value of another type.

    >>> require_type("reason", 3, str, "a text")
    Traceback (most recent call last):
    graphrec.errors.ArgumentError: `reason` is of a wrong type
      expected: a text
      got: `3`, an int

    Args:
        name: of the argument.
        value: what came.
        kinds: the types that are accepted.
        expected: what they are, in words.

    Raises:
        ArgumentError: the value has none of the types.
    """
    if not isinstance(value, kinds):
        raise wrong_type(name, value, expected)


def wrong_type(name: str, value: object, expected: str) -> ArgumentError:
    """The error for an argument of a wrong type.

    >>> print(wrong_type("k", None, "a whole number"))
    `k` is of a wrong type
      expected: a whole number
      got: `None`
    """
    kind, text = type(value).__name__, repr(value)
    text = text if len(text) <= 60 else text[:60] + "..."
    article = "an" if kind[0] in "aeiou" else "a"
    got = f"`{text}`" if value is None else f"`{text}`, {article} {kind}"
    return ArgumentError(f"{Argument(name)} is of a wrong type", expected=expected, got=got)


def path_argument(name: str, value: object) -> Path:
    """A text or path as a path.

    >>> path_argument("out", "runs/hcr").name
    'hcr'

    Raises:
        ArgumentError: it is neither, or an empty text, or has a null character, or is no text in UTF-8.
    """
    text = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    if not isinstance(text, str) or not text or "\0" in text or not is_utf8(text):
        raise wrong_type(name, value, "a path, such as 'runs/hcr'")
    return Path(text)


def is_utf8(text: str) -> bool:
    r"""Whether a text can be written as UTF-8. Python takes bytes of arguments and paths that cannot as surrogates.

    >>> is_utf8("données"), is_utf8("donn\udce9es")
    (True, False)
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def number_argument(name: str, value: object) -> int:
    """A whole number, numpy's included.

    >>> number_argument("k", 20)
    20

    Raises:
        ArgumentError: it is none; true and false are none.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise wrong_type(name, value, "a whole number")
    return int(value)


def texts_argument(name: str, value: object, expected: str) -> list[str]:
    """Several texts as a list; a single text is none of them, as it would become its letters.

    >>> texts_argument("overrides", ("seed=3",), "texts")
    ['seed=3']

    Raises:
        ArgumentError: it is a single text, or something in it is no text.
    """
    values = items_argument(name, value, expected)
    if wrong := [text for text in values if not isinstance(text, str)]:
        raise wrong_type(name, wrong[0], expected)
    return values


def items_argument(name: str, value: object, expected: str) -> list[Any]:
    """The values of a sequence or another iterable, as a list.

    >>> items_argument("runs", (1, 2), "runs")
    [1, 2]

    Raises:
        ArgumentError: it cannot be iterated, or is a text.
    """
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise wrong_type(name, value, expected)
    return list(value)


def choice_argument(kind: str, value: object, names: Iterable[str], argument: Argument) -> str:
    """A value that must be among some names.

    >>> choice_argument("split", "valid", ["test", "valid"], Argument("split"))
    'valid'

    Args:
        kind: what the names are, for the message.
        argument: as the message names it.

    Raises:
        UnknownNameError: it is none of the names, or no text.
    """
    names = list(names)
    if not isinstance(value, str) or value not in names:
        raise UnknownNameError(kind, str(value), names, where=argument)
    return value
