"""Names for interchangeable components: backbones, decoders, estimands, sources, and every other axis.

A component is registered by an explicit decorator. Where a recipe or a command expects a name, an import path
`package.module:Class` or `./file.py:Class` works as well, if a person wrote it; see `graphrec.system.user_code`. An
installed package may offer components by name through entry points. So a user's own component needs no change in this
package:

>>> class Fruit: ...
>>> fruits: Registry[Fruit] = Registry("fruit", Fruit)
>>> @fruits.register("pear")
... class Pear(Fruit):
...     "A pear."
>>> fruits.get("pear").name
'pear'
>>> list(fruits), fruits.summaries()
(['pear'], [('pear', 'A pear.')])
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar

from graphrec.errors import ComponentError, UnknownNameError
from graphrec.system.user_code import load, names_a_file

C = TypeVar("C")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class ComponentRegistry(ABC, Generic[C]):
    """A mapping from names to components of one kind; `Registry` holds classes, `FunctionRegistry` functions.

    Args:
        kind: the word that error messages use, such as "backbone".
        group: the entry-point group in which installed packages offer components. They are looked up and imported when
            a name is not registered: a registered name goes before theirs.

    >>> from graphrec.backbones import backbones
    >>> isinstance(backbones, ComponentRegistry), backbones.get("mf").__name__, "mff" in backbones
    (True, 'MF', False)
    >>> backbones.get("mff")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    graphrec.errors.UnknownNameError: unknown backbone `mff`; did you mean `mf`?
      expected: one of ...
      got: `mff`
    """

    def __init__(self, kind: str, group: str | None = None) -> None:
        self.kind = kind
        self.group = group
        self._components: dict[str, C] = {}

    @abstractmethod
    def _checked(self, title: str, component: Any) -> C:
        """The component, or a ComponentError that says what it lacks; `title` names it in the message."""

    def _file(self, name: str, component: C) -> None:
        self._components[name] = component

    def get(self, name: str) -> C:
        """The component registered under `name`, offered by a package, or that the import path `module:Class` leads to.

        Raises:
            UnknownNameError: nothing of that name; the known names and the nearest are listed.
            ComponentError: the import path or entry point leads to something else, or to an incomplete class, or the
                entry point cannot be loaded.
        """
        if not isinstance(name, str):
            raise UnknownNameError(self.kind, name, self)
        if ":" in name:
            return self._imported(name)
        if name not in self._components:
            # Filed, so that the entry point is loaded once and a class gets its name as by the decorator.
            self._file(name, self._offered(name))
        return self._components[name]

    def _imported(self, path: str) -> C:
        module, _, _ = path.partition(":")
        # For these importlib raises ValueError or TypeError, which are not caught below.
        if not module or (module.startswith(".") and not names_a_file(path)):
            raise UnknownNameError(self.kind, path, self, reason="not of the form package.module:Class")
        try:
            component = load(path)
        except (ImportError, AttributeError) as error:
            hint = "" if names_a_file(path) or not Path(f"{module}.py").is_file() else f"; did you mean `./{module}.py:"
            hint += f"{path.partition(':')[2]}`?" if hint else ""
            raise UnknownNameError(self.kind, path, self, reason=f"import failed: {error}{hint}") from error
        # Not filed: an import path is no registered name and does not belong into lists of names.
        return self._checked(f"`{path}`", component)

    def _offers(self) -> list[EntryPoint]:
        """The entry points of installed packages, whether or not they lead anywhere."""
        return list(entry_points(group=self.group)) if self.group else []

    def _offered(self, name: str) -> C:
        """The component that a package offers under `name`."""
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
                next_step=f"name it by its import path, such as {offers[0].value}, or uninstall the other package",
            )
        try:
            component = offers[0].load()
        except Exception as error:  # the package's own code runs here: whatever it raises, the package is to be named
            raise ComponentError(
                f"the {self.kind} `{name}` of the package {packages} cannot be loaded",
                expected=f"a {self.kind} at {offers[0].value}",
                got=f"{type(error).__name__}: {error}",
                where=f"entry points of the group {self.group}",
                next_step=f"fix, update or uninstall {packages}",
            ) from error
        return self._checked(f"`{name}` of the package {packages}", component)

    def available(self) -> Iterator[tuple[str, C]]:
        """(name, component) of all that can be used, by name.

        What a package offers and cannot be loaded is left out; `summaries` says why.
        """
        for name in self:
            try:
                component = self.get(name)
            except ComponentError:
                continue
            yield name, component

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._components, *(offer.name for offer in self._offers())}))

    def __contains__(self, name: str) -> bool:
        return name in self._components or any(offer.name == name for offer in self._offers())

    def summaries(self) -> list[tuple[str, str]]:
        """(name, first line of the docstring, or why it cannot be used) of every component, by name."""
        return [(name, self._summary(name)) for name in self]

    def _summary(self, name: str) -> str:
        try:
            return (self.get(name).__doc__ or "").strip().split("\n")[0]
        except ComponentError as error:
            return f"cannot be used: {error.problem} (got {error.got})"


class Registry(ComponentRegistry[type[T]], Generic[T]):
    """A mapping from names to classes of one kind.

    Args:
        kind, group: as in `ComponentRegistry`.
        base: what a class that is named by import path or entry point must be a subclass of; None admits any object.

    >>> fruits: Registry[Any] = Registry("fruit")
    >>> @fruits.register("pear")
    ... class Pear:
    ...     "A pear."
    >>> fruits.get("pear").name, fruits.get("fractions:Fraction").__name__
    ('pear', 'Fraction')
    """

    def __init__(self, kind: str, base: type | None = None, group: str | None = None) -> None:
        super().__init__(kind, group)
        self.base = base

    def register(self, name: str) -> Callable[[type[T]], type[T]]:
        """Class decorator that files the class under `name` and sets its `name` attribute."""

        def decorate(component: type[T]) -> type[T]:
            if name in self._components:
                raise ValueError(f"{self.kind} `{name}` is registered twice")
            self._file(name, component)
            return component

        return decorate

    def _file(self, name: str, component: type[T]) -> None:
        super()._file(name, component)
        component.name = name  # type: ignore[attr-defined]

    def _checked(self, title: str, component: Any) -> type[T]:
        if self.base is not None and not (isinstance(component, type) and issubclass(component, self.base)):
            raise ComponentError(
                f"{title} is no {self.kind}",
                expected=f"a subclass of {self.base.__module__}:{self.base.__name__}",
                got=repr(component),
                where=title,
                next_step=f"name one of {', '.join(self)}, or write such a class; see docs/extending.md",
            )
        # Reported here: Python itself would raise a bare TypeError only when the first instance is made.
        missing = sorted(getattr(component, "__abstractmethods__", ()))
        if missing:
            raise ComponentError(
                f"the {self.kind} {title} is not complete",
                expected="a class that defines " + ", ".join(missing),
                got="none of these in the class or its bases",
                where=title,
                next_step="see docs/extending.md",
            )
        return component


class FunctionRegistry(ComponentRegistry[F]):
    """A mapping from names to functions of one kind.

    >>> greetings: FunctionRegistry[Callable[[str], str]] = FunctionRegistry("greeting")
    >>> @greetings.register("plain")
    ... def plain(name: str) -> str:
    ...     "Says hello."
    ...     return f"hello {name}"
    >>> [greet("you") for _, greet in greetings.available()]
    ['hello you']
    """

    def register(self, name: str) -> Callable[[F], F]:
        """Decorator that files the function under `name`."""

        def decorate(component: F) -> F:
            if name in self._components:
                raise ValueError(f"{self.kind} `{name}` is registered twice")
            self._file(name, component)
            return component

        return decorate

    def _checked(self, title: str, component: Any) -> F:
        if not callable(component) or isinstance(component, type):
            raise ComponentError(
                f"{title} is no {self.kind}",
                expected="a function",
                got=repr(component),
                where=title,
                next_step=f"name one of {', '.join(self)}, or write such a function; see docs/extending.md",
            )
        return component
