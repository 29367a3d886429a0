"""Code of the user's own: which import paths may be loaded, and from where.

A name with a colon, `package.module:Class` or `./file.py:Class`, makes graphrec run code that is not its own. It is
loaded only if a person named it: on the command line, in a recipe of their own, or as an argument in Python. What is
named in a run, prepared data or a benchmark is data, as somebody else may have made them; it is loaded only if the
folder is trusted.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterable
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from graphrec.errors import Argument, ComponentError, Phrase

TRUST = Argument("trust", True)
FILES = "graphrec_user_"
"""Begins the name of a module that is loaded from a file: no installed package has such a name."""

_permitted: set[str] = set()
_trusted: set[Path] = set()


def permit(values: object) -> None:
    """Allow the import paths in what a person wrote: a text, or nested dicts and lists of them.

    >>> permit({"backbone": {"name": "fractions:Fraction"}})
    >>> is_permitted("fractions:Fraction"), is_permitted("statistics:NormalDist")
    (True, False)
    """
    if isinstance(values, str):
        if ":" in values:
            # An estimand has options behind its name.
            _permitted.add(":".join(part for part in values.split(":") if "=" not in part).strip())
    elif isinstance(values, dict):
        permit([*values, *values.values()])
    elif isinstance(values, Iterable) and not isinstance(values, (bytes, type)):
        for value in values:
            permit(value)


def permitted() -> frozenset[str]:
    """All that is allowed so far, for a process that this one starts.

    >>> permit("fractions:Fraction")
    >>> "fractions:Fraction" in permitted()
    True
    """
    return frozenset(_permitted)


def is_permitted(path: str) -> bool:
    """Whether an import path may be loaded.

    >>> is_permitted("nobody:Named")
    False
    """
    return path in _permitted


def trust(folder: Path) -> None:
    """Allow what the recipe in a folder names, such as a run of a colleague's.

    >>> trust(Path("runs/hcr"))
    >>> is_trusted(Path("runs/hcr/recipe.toml")), is_trusted(Path("runs/other/recipe.toml"))
    (True, False)
    """
    _trusted.add(Path(folder).resolve())


def is_trusted(file: Path) -> bool:
    """Whether a file lies in a folder that is trusted.

    >>> is_trusted(Path("nobody/recipe.toml"))
    False
    """
    return any(folder in _trusted for folder in Path(file).resolve().parents)


def anchored(name: str, folder: Path) -> str:
    """An import path whose file, if it names one, no longer depends on the working folder.

    >>> anchored("nets.mine:Net", Path("/data"))
    'nets.mine:Net'
    >>> anchored("./mine.py:Net", Path("/data")), anchored("/nets/mine.py:Net", Path("/data"))
    ('/data/mine.py:Net', '/nets/mine.py:Net')
    """
    file, colon, attribute = name.partition(".py:")
    if not colon:
        return name
    return f"{(folder / file).resolve()}.py:{attribute}"


def names_a_file(path: str) -> bool:
    """Whether an import path names a file, not a module.

    >>> names_a_file("./mine.py:Net"), names_a_file("nets.mine:Net")
    (True, False)
    """
    return ".py:" in path


def load(path: str) -> Any:
    """What an import path leads to. Its code runs, so a name of somebody else's is refused.

    A module that is imported already runs nothing: its content needs no permission.

    Raises:
        ComponentError: nobody permitted it; the message says what would be loaded from where.
        ImportError, AttributeError: there is no such module, file, or name in it.

    >>> permit("fractions:Fraction")
    >>> load("fractions:Fraction").__name__
    'Fraction'
    >>> load("nobody.named:It")
    Traceback (most recent call last):
    graphrec.errors.ComponentError: `nobody.named:It` is code that graphrec does not have, and nobody here named it
      expected: a registered name, or an import path that you name yourself
      got: no module `nobody` can be found
      where: nobody.named:It
      next step: read that code; if you trust it, allow the folder that names it with `trust=True`
    """
    module, _, attribute = path.rpartition(":") if names_a_file(path) else path.partition(":")
    if not is_permitted(path) and (names_a_file(path) or module not in sys.modules):
        raise ComponentError(
            f"`{path}` is code that graphrec does not have, and nobody here named it",
            expected="a registered name, or an import path that you name yourself",
            got=_origin(module, names_a_file(path)),
            where=path,
            next_step=Phrase("read that code; if you trust it, allow the folder that names it with {}", TRUST),
        )
    return getattr(_from_file(Path(module)) if names_a_file(path) else importlib.import_module(module), attribute)


def _from_file(file: Path) -> ModuleType:
    file = file.resolve()
    if not file.is_file():
        raise ImportError(f"there is no file {file}")
    name, digest = FILES + file.stem, hashlib.sha256(file.read_bytes()).hexdigest()
    loaded = sys.modules.get(name)
    if loaded is not None and (loaded.__file__, getattr(loaded, "__digest__", "")) == (str(file), digest):
        return loaded
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    module.__digest__ = digest  # type: ignore[attr-defined]
    # Pickle, dataclasses and typing look the module up by its name.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _origin(module: str, is_file: bool) -> str:
    """What loading would run, in words; nothing is imported to find out."""
    file = Path(module) if is_file else _file_of(module)
    if file is None:
        return f"no module `{module.partition('.')[0]}` can be found"
    if not file.is_file():
        return f"no file {file}"
    return f"{file} with the SHA-256 {hashlib.sha256(file.read_bytes()).hexdigest()}"


def _file_of(module: str) -> Path | None:
    # `importlib.util.find_spec` would import the packages above the module.
    first, *rest = module.split(".")
    spec = PathFinder.find_spec(first)
    if spec is None or not spec.origin:
        return None
    if not rest:
        return Path(spec.origin)
    inner = Path(spec.origin).parent.joinpath(*rest)
    return inner / "__init__.py" if inner.is_dir() else inner.with_suffix(".py")
