"""Every public function and class shows an example; `make test` runs them all as doctests."""

from __future__ import annotations

import ast
import inspect

from support.paths import ROOT

from graphrec.cli.app import GROUPS, app

PACKAGE = ROOT / "graphrec"


def test_every_public_function_and_class_shows_an_example() -> None:
    commands = help_texts()
    missing = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        names = without_example(ast.parse(path.read_text(encoding="utf-8")))
        if names := [name for name in names if (module, name) not in commands]:
            missing[str(path.relative_to(ROOT))] = names
    assert missing == {}, "\n" + "\n".join(f"{file}: {', '.join(names)}" for file, names in missing.items())


def test_an_example_may_be_in_the_docstring_of_a_method() -> None:
    source = """
def f(): "Text."
def g(): "Text. >>> g()"
def _private(): "Text."
class A:
    def method(self): "Text. >>> A().method()"
class B:
    "Text."
    def method(self): "Text."
"""
    assert without_example(ast.parse(source)) == ["f", "B"]


def help_texts() -> set[tuple[str, str]]:
    """(module, name) of every command: its docstring is what `--help` prints, so that it has no example."""
    callbacks = [command for commands in GROUPS.values() for command in commands]
    if app.registered_callback is not None and app.registered_callback.callback is not None:
        callbacks.append(app.registered_callback.callback)
    return {(function.__module__, function.__name__) for function in map(inspect.unwrap, callbacks)}


def without_example(module: ast.Module) -> list[str]:
    """The public functions and classes of a module without `>>>` in their docstring or that of a method."""
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    names = []
    for node in module.body:
        if isinstance(node, definitions) and not node.name.startswith("_"):
            methods = node.body if isinstance(node, ast.ClassDef) else []
            documented = [node, *(member for member in methods if isinstance(member, definitions))]
            if not any(">>>" in (ast.get_docstring(part) or "") for part in documented):
                names.append(node.name)
    return names
