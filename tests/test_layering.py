"""Imports run one way: a room imports only rooms below it, and no modules import each other in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import networkx as nx

import graphrec

PACKAGE = Path(graphrec.__file__).parent

# From the bottom up; rooms on one line do not import each other.
ROOMS = [
    ["errors", "seeding"],
    ["arguments"],
    ["system"],
    ["registry", "validation", "top_k"],
    ["data", "causal"],
    ["simulation", "graph"],
    ["checks", "backbones"],
    ["decoders"],
    ["recommender"],
    ["training", "evaluation"],
    ["export", "explanation"],
    ["runs"],
    ["report"],
    ["tuning", "refutation", "testing"],
    ["experiments"],
    ["cli"],
    ["__init__"],
]
FLOOR = {room: floor for floor, rooms in enumerate(ROOMS) for room in rooms}


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    return {_dotted(path): path for path in PACKAGE.rglob("*.py")}


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def room_of(module: str) -> str:
    return module.partition(".")[2].partition(".")[0] or "__init__"


def imports(tree: ast.AST, *, late: bool = True) -> Iterator[tuple[str, str]]:
    """(module, name in it) of every import from graphrec that runs; what is for type checkers alone does not.

    Args:
        late: whether imports inside functions count.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for other in node.orelse:
                yield from imports(other, late=late)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.startswith("graphrec"))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            if (node.module or "").startswith("graphrec"):
                yield from ((str(node.module), alias.name) for alias in node.names)
        elif late or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from imports(node, late=late)


def test_rooms_import_downwards_only() -> None:
    breaches = []
    for module, path in modules().items():
        own = room_of(module)
        assert own in FLOOR or own == "__main__", f"room `{own}` has no floor"
        for target, name in imports(ast.parse(path.read_text(encoding="utf-8"))):
            other = room_of(f"{target}.{name}" if target == "graphrec" else target)
            if own not in ("__main__", other) and FLOOR[other] >= FLOOR[own]:
                breaches.append(f"{module} imports {target}")
    assert breaches == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    paths, graph = modules(), nx.DiGraph()
    for module, path in paths.items():
        for target, name in imports(ast.parse(path.read_text(encoding="utf-8")), late=False):
            inner = f"{target}.{name}"
            # `from graphrec.tuning.tune import tune` names a function, `from graphrec.runs import analyses` a module.
            loaded = inner if inner in paths and not _defines(paths[target], name) else target
            for package in (loaded, *_packages_of(loaded)):
                if not f"{module}.".startswith(f"{package}."):
                    graph.add_edge(module, package)
    circles = [sorted(circle) for circle in nx.strongly_connected_components(graph) if len(circle) > 1]
    assert circles == []


def _packages_of(module: str) -> list[str]:
    """The packages that are loaded before a module of theirs."""
    parts = module.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _defines(path: Path, name: str) -> bool:
    """Whether a module binds `name` by an import of its own, so that the name is not its submodule."""
    return any(bound == name for _, bound in imports(ast.parse(path.read_text(encoding="utf-8"))))


def test_the_causal_room_stands_alone() -> None:
    for module, path in modules().items():
        if room_of(module) == "causal":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            assert {room_of(target) for target, _ in imports(tree)} <= {"causal", "errors", "registry"}, module


def test_few_modules_lie_loose_at_the_top() -> None:
    loose = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    assert len(loose) <= 8, sorted(loose)


def test_the_reader_of_imports_sees_what_it_should() -> None:
    tree = ast.parse(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from graphrec.runs.run import Run\n"
        "import graphrec.cli\n"
        "from graphrec import data\n"
        "def late():\n    from graphrec.report.run_page import write_report\n"
    )
    early = [("graphrec.cli", ""), ("graphrec", "data")]
    assert list(imports(tree)) == [*early, ("graphrec.report.run_page", "write_report")]
    assert list(imports(tree, late=False)) == early
