"""Names for interchangeable parts: backbones, decoders, estimands, sources.

A part is registered by an explicit decorator. Where a recipe expects a name, `package.module:Class` works as well,
so a user's own class needs no change here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from graphrec.errors import PartError, UnknownNameError

T = TypeVar("T")


class Registry(Generic[T]):
    """A mapping from names to classes of one kind.

    Args:
        kind: the word that error messages use, such as "backbone".
        base: what a class named by import path must be a subclass of; None admits any.
    """

    def __init__(self, kind: str, base: type | None = None) -> None:
        self.kind = kind
        self.base = base
        self._parts: dict[str, type[T]] = {}

    def register(self, name: str) -> Callable[[type[T]], type[T]]:
        """Class decorator that files the class under `name` and sets its `name` attribute."""

        def decorate(part: type[T]) -> type[T]:
            if name in self._parts:
                raise ValueError(f"{self.kind} `{name}` is registered twice")
            self._parts[name] = part
            part.name = name  # type: ignore[attr-defined]
            return part

        return decorate

    def get(self, name: str) -> type[T]:
        """The class registered under `name`, or the one that the import path `module:Class` leads to.

        Raises:
            UnknownNameError: nothing of that name; the known names and the nearest are listed.
            PartError: the import path leads to something else, or to a class that is not complete.
        """
        if ":" in name:
            module, _, attribute = name.partition(":")
            if not module or module.startswith("."):
                raise UnknownNameError(self.kind, name, self._parts, where="not of the form package.module:Class")
            try:
                return self._complete(name, getattr(importlib.import_module(module), attribute))
            except (ImportError, AttributeError) as error:
                raise UnknownNameError(self.kind, name, self._parts, where=f"import failed: {error}") from error
        if name not in self._parts:
            raise UnknownNameError(self.kind, name, self._parts)
        return self._parts[name]

    def _complete(self, name: str, part: Any) -> Any:
        if self.base is not None and not (isinstance(part, type) and issubclass(part, self.base)):
            raise PartError(
                f"`{name}` is no {self.kind}",
                expected=f"a subclass of {self.base.__module__}:{self.base.__name__}",
                got=repr(part),
                where=name,
                next_step=f"name one of {', '.join(self)}, or write such a class; see docs/extending.md",
            )
        missing = sorted(getattr(part, "__abstractmethods__", ()))
        if missing:
            raise PartError(
                f"the {self.kind} `{name}` is not complete",
                expected="a class that defines " + ", ".join(missing),
                got="none of these in the class or its bases",
                where=name,
                next_step="see docs/extending.md",
            )
        return part

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._parts))

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    def summaries(self) -> list[tuple[str, str]]:
        """(name, first line of the class's docstring) of every registered part, by name."""
        return [(name, (self._parts[name].__doc__ or "").strip().split("\n")[0]) for name in self]
