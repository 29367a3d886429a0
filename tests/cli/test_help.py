"""What the command line says of itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from enum import StrEnum
from importlib.metadata import version

import pytest
from support.command_line import Call
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.cli.app import GROUPS
from graphrec.cli.components import Kind
from graphrec.cli.scaffold import NewKind

COMMANDS = [command.name or command.callback.__name__ for command in app.registered_commands]


def test_help_does_not_wait_for_torch() -> None:
    code = (
        "import sys\n"
        "sys.argv = ['graphrec', '--help']\n"
        "from graphrec.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print('HEAVY', sorted({'torch', 'pandas', 'numpy', 'scipy'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "HEAVY []" in done.stdout
    for command in COMMANDS:
        assert command in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_the_groups_of_the_help_are_the_modules_of_the_command_line() -> None:
    for group, commands in GROUPS.items():
        assert {command.__module__ for command in commands} == {f"graphrec.cli.{group.lower()}"}
        assert group in CliRunner().invoke(app, ["--help"]).output


@pytest.mark.parametrize(("command", "kinds"), [("list", Kind), ("new", NewKind)])
@pytest.mark.parametrize("columns", ["80", "120"])
def test_the_help_lists_every_kind_once(command: str, kinds: type[StrEnum], columns: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": columns}).output
    argument = shown[shown.index("Arguments") : shown.index("Options ")]
    words = re.findall(r"[a-z]+", argument)
    assert [words.count(kind) for kind in kinds] == [1] * len(kinds)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_names_no_type_of_python(command: str) -> None:
    assert not re.search(
        r"<list\[|<Path|callable", CliRunner().invoke(app, [command, "--help"]).output.split("Options")[-1]
    )


def test_help_keeps_what_stands_in_brackets() -> None:
    assert "[tune.space]" in CliRunner().invoke(app, ["tune", "--help"]).output
    assert "[tune.space]" in CliRunner().invoke(app, ["--help"]).output


def test_the_version_is_printed(call: Call) -> None:
    assert call("--version").out.strip() == version("graphrec")


@pytest.mark.parametrize(
    ("words", "completed"), [("graphrec eva", ["evaluate"]), ("graphrec list s", ["sections", "sources", "splitters"])]
)
def test_a_shell_completes_commands_and_kinds(words: str, completed: list[str]) -> None:
    code = "import sys\nsys.argv = ['graphrec']\nfrom graphrec.cli import main\nmain()"
    position = str(len(words.split()) - 1)
    asked = {"_GRAPHREC_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": position}
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | asked, capture_output=True, text=True)
    assert done.stdout.split() == completed, done.stderr
    assert "--install-completion" in CliRunner().invoke(app, ["--help"]).output


def test_no_command_shows_the_help(call: Call) -> None:
    assert "Usage" in call().out


@pytest.mark.parametrize(
    "arguments",
    [["foo"], ["train"], ["recommend", "run", "--users", "1", "--k", "x"], ["show", "--foo"]],
)
def test_a_malformed_command_ends_with_status_2(call: Call, arguments: list[str]) -> None:
    answer = call(*arguments)
    assert answer.status == 2
    assert "Traceback" not in answer.err
