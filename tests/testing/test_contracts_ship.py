"""The contracts are in the package, and nothing else in it needs pytest."""

from __future__ import annotations

import ast
from pathlib import Path

import graphrec
import graphrec.testing
from graphrec.cli.scaffold import NewKind

PACKAGE = Path(graphrec.__file__).parent


def test_every_kind_that_can_be_started_has_a_contract() -> None:
    for kind in NewKind:
        assert hasattr(graphrec.testing, f"{kind.title()}Contract")


def test_graphrec_testing_alone_imports_pytest() -> None:
    importers = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            if any(name.partition(".")[0] in ("pytest", "_pytest", "hypothesis") for name in names):
                importers.add(path.relative_to(PACKAGE).parts[0])
    assert importers == {"testing"}


def test_no_module_outside_it_imports_graphrec_testing_when_it_is_imported() -> None:
    """An installation without pytest works; examples in docstrings may import it."""
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name == "testing":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert not str(node.module).startswith("graphrec.testing"), path
