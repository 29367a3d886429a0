"""Errors: worded for Python by themselves and for the shell by the command line, and whole after a process boundary."""

from __future__ import annotations

import ast
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import graphrec
from graphrec.cli import app
from graphrec.cli.errors import in_shell
from graphrec.errors import (
    ANOTHER_FOLDER,
    TRAIN_AGAIN,
    Argument,
    Call,
    GraphrecError,
    MismatchError,
    Phrase,
    RunError,
    UnknownNameError,
)
from graphrec.evaluation.result_sets import EVALUATE_ARGUMENTS, evaluation_of
from graphrec.system.shell import option

PACKAGE = Path(graphrec.__file__).parent
OPTION = re.compile(r"(?<![\w-])--[a-z]")


def test_python_reads_arguments_and_the_shell_reads_options() -> None:
    error = MismatchError("the code changed", where="runs/a", next_step=TRAIN_AGAIN)
    assert str(error).endswith("next step: train from scratch with `resume=False`, or choose another `out`")
    assert error.worded(in_shell).endswith("next step: train from scratch with --no-resume, or choose another --out")


def test_a_call_is_a_command_in_the_shell() -> None:
    step = Call("run.evaluate(split='valid')", "evaluate", "runs/a b", split="valid", slices=True)
    error = RunError("not evaluated yet", next_step=Phrase("{} for each seed", step))
    assert "`run.evaluate(split='valid')` for each seed" in str(error)
    assert "graphrec evaluate 'runs/a b' --split valid --slices for each seed" in error.worded(in_shell)


def test_a_plain_text_stays_as_it_is() -> None:
    error = GraphrecError("broken", expected="{}", next_step="lower {this}")
    assert str(error) == error.worded(in_shell) == "broken\n  expected: {}\n  next step: lower {this}"


@pytest.mark.parametrize(
    "error",
    [
        GraphrecError("broken", got=1, next_step=ANOTHER_FOLDER),
        UnknownNameError("decoder", "hrc", ["hcr"], where=Argument("overrides", ["decoder.name=hrc"])),
    ],
    ids=["base", "unknown name"],
)
def test_an_error_survives_pickling_with_its_fields(error: GraphrecError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), copy.args) == (str(error), (str(error),))
    assert copy.worded(in_shell) == error.worded(in_shell)


def test_no_option_of_the_command_line_is_spelled_below_it() -> None:
    """`graphrec.system.shell` spells them; the examples in its docstrings are of what it returns."""
    spelled = []
    for path in PACKAGE.rglob("*.py"):
        relative = path.relative_to(PACKAGE)
        if relative.parts[0] != "cli" and relative != Path("system/shell.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            spelled += [f"{relative}:{line}: {text}" for line, text in _texts(tree) if OPTION.search(text)]
    assert spelled == []


def _texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def test_the_commands_of_the_next_steps_have_the_options_that_they_are_given() -> None:
    """An option of another name than its argument is listed in `graphrec.system.shell`."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    takes = {
        name: {option for parameter in command.params for option in parameter.opts}
        for name, command in commands.items()
    }
    for result_set in EVALUATE_ARGUMENTS:
        words = in_shell(evaluation_of(result_set, "runs/a")).split()
        assert words[:3] == ["graphrec", "evaluate", "runs/a"]
        assert {word for word in words if word.startswith("--")} <= takes["evaluate"]
    for argument, command in (("overrides", "train"), ("dataset", "simulate"), ("estimands", "evaluate")):
        assert option(argument) in takes[command]
