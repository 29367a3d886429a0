"""Names for interchangeable parts: backbones, decoders, estimands, sources.

A part is registered by an explicit decorator. Where a recipe expects a name, `package.module:Class` works as well, and
an installed package may offer parts by name through entry points, so a user's own class needs no change here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from graphrec.errors import ComponentError, UnknownNameError

T = TypeVar("T")


class Registry(Generic[T]):
    """A mapping from names to classes of one kind.

    Args:
        kind: the word that error messages use, such as "backbone".
        base: what a class named by import path must be a subclass of; None admits any.
        group: the entry-point group in which installed packages offer parts. They are looked up and imported when a
            name is not registered, and a registered name goes before theirs.
    """

    def __init__(self, kind: str, base: type | None = None, group: str | None = None) -> None:
        self.kind = kind
        self.base = base
        self.group = group
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
        """The class registered under `name`, offered by a package, or that the import path `module:Class` leads to.

        Raises:
            UnknownNameError: nothing of that name; the known names and the nearest are listed.
            ComponentError: the import path or entry point leads to something else, or to an incomplete class, or the
                entry point cannot be loaded.
        """
        if ":" in name:
            module, _, attribute = name.partition(":")
            if not module or module.startswith("."):
                raise UnknownNameError(self.kind, name, self, where="not of the form package.module:Class")
            try:
                return self._complete(f"`{name}`", getattr(importlib.import_module(module), attribute))
            except (ImportError, AttributeError) as error:
                raise UnknownNameError(self.kind, name, self, where=f"import failed: {error}") from error
        if name not in self._parts:
            self._parts[name] = self._load(name)
        return self._parts[name]

    def _offers(self) -> list[EntryPoint]:
        """The entry points of installed packages, whether or not they lead anywhere."""
        return list(entry_points(group=self.group)) if self.group else []

    def _load(self, name: str) -> Any:
        """The class that a package offers under `name`."""
        offers = [offer for offer in self._offers() if offer.name == name]
        packages = ", ".join(sorted(f"`{offer.dist.name}`" for offer in offers if offer.dist))
        if not offers:
            raise UnknownNameError(self.kind, name, self)
        if len(offers) > 1:
            raise ComponentError(
                f"the {self.kind} `{name}` is offered by more than one package",
                expected="one",
                got=packages,
                where=f"entry points of the group {self.group}",
                next_step=f"name the class itself, such as {offers[0].value}, or uninstall the other package",
            )
        try:
            part = offers[0].load()
        except Exception as error:  # the package's own code runs here: whatever it raises, the package is to be named
            raise ComponentError(
                f"the {self.kind} `{name}` of the package {packages} cannot be loaded",
                expected=f"a class at {offers[0].value}",
                got=f"{type(error).__name__}: {error}",
                where=f"entry points of the group {self.group}",
                next_step=f"mend, update or uninstall {packages}",
            ) from error
        part = self._complete(f"`{name}` of the package {packages}", part)
        part.name = name
        return part

    def _complete(self, title: str, part: Any) -> Any:
        if self.base is not None and not (isinstance(part, type) and issubclass(part, self.base)):
            raise ComponentError(
                f"{title} is no {self.kind}",
                expected=f"a subclass of {self.base.__module__}:{self.base.__name__}",
                got=repr(part),
                where=title,
                next_step=f"name one of {', '.join(self)}, or write such a class; see docs/extending.md",
            )
        missing = sorted(getattr(part, "__abstractmethods__", ()))
        if missing:
            raise ComponentError(
                f"the {self.kind} {title} is not complete",
                expected="a class that defines " + ", ".join(missing),
                got="none of these in the class or its bases",
                where=title,
                next_step="see docs/extending.md",
            )
        return part

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._parts, *(offer.name for offer in self._offers())}))

    def __contains__(self, name: str) -> bool:
        return name in self._parts or any(offer.name == name for offer in self._offers())

    def summaries(self) -> list[tuple[str, str]]:
        """(name, first line of the class's docstring, or why it cannot be used) of every part, by name."""
        return [(name, self._summary(name)) for name in self]

    def _summary(self, name: str) -> str:
        try:
            return (self.get(name).__doc__ or "").strip().split("\n")[0]
        except ComponentError as error:
            return f"cannot be used: {error.problem} (got {error.got})"
