"""Imports run one way: a module imports only what lies below it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import graphrec

PACKAGE = Path(graphrec.__file__).parent

# From the bottom up; what stands on one line must not import each other.
LAYERS = [
    ["errors", "streams", "allocator", "doctor", "memory"],
    ["registry", "files", "in_processes", "environment"],
    ["data", "causal"],
    ["simulation", "graph"],
    ["backbones"],
    ["decoders"],
    ["recommender", "describe"],
    ["training", "evaluation"],
    ["export", "progress", "explanation"],
    ["recipe"],
    [
        "assemble",
        "preparation",
        "inspection",
        "scaffold",
        "testing",
        "data_place",
        "model_files",
        "found_files",
        "references",
    ],
    ["run"],
    ["analyses", "comparison"],
    ["carry_out", "report"],
    ["benchmark", "refutation", "tuning"],
    ["dose_response", "experiments"],
    ["cli"],
    ["__init__"],
]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}


def files() -> list[str]:
    return sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))


def part_of(file: str) -> str:
    return Path(file).parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, part) of every import from graphrec that runs; what is for type checkers alone does not."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for other in node.orelse:
                yield from imported(other)
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            whole = node.module == "graphrec"
            names = [f"graphrec.{alias.name}" for alias in node.names] if whole else [node.module or ""]
        else:
            yield from imported(node)
            continue
        for name in names:
            if name.startswith("graphrec."):
                yield node.lineno, name.split(".")[1]


def breaches(file: str) -> set[tuple[str, str]]:
    """(file, part) of every import that does not go down."""
    own = part_of(file)
    tree = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
    parts = {other for _, other in imported(tree)} - {own}
    return {(file, other) for other in parts if other not in LEVEL or LEVEL[other] >= LEVEL[own]}


def test_every_part_has_its_place() -> None:
    assert {part_of(file) for file in files()} <= set(LEVEL)


@pytest.mark.parametrize("file", files())
def test_nothing_imports_upward(file: str) -> None:
    assert breaches(file) == set()


@pytest.mark.parametrize("file", [file for file in files() if part_of(file) == "causal"])
def test_the_causal_layer_stands_alone(file: str) -> None:
    tree = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
    assert {other for _, other in imported(tree)} <= {"causal", "errors", "registry"}


def test_the_reader_of_imports_sees_what_it_should() -> None:
    tree = ast.parse(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from graphrec.runs.run import Run\n"
        "import graphrec.cli\n"
        "from graphrec import data\n"
        "def late():\n    from graphrec.report.run_page import write_report\n"
    )
    assert list(imported(tree)) == [(4, "cli"), (5, "data"), (7, "report")]
