"""What the command line says of itself."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version

import pytest
from support.command_line import Call
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.cli.app import GROUPS

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


def test_help_keeps_what_stands_in_brackets() -> None:
    assert "[tune.space]" in CliRunner().invoke(app, ["tune", "--help"]).output
    assert "[tune.space]" in CliRunner().invoke(app, ["--help"]).output


def test_the_version_is_printed(call: Call) -> None:
    assert call("--version").out.strip() == version("graphrec")


def test_a_shell_completes_the_commands() -> None:
    code = "import sys\nsys.argv = ['graphrec']\nfrom graphrec.cli import main\nmain()"
    asked = {"_GRAPHREC_COMPLETE": "complete_bash", "COMP_WORDS": "graphrec eva", "COMP_CWORD": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | asked, capture_output=True, text=True)
    assert done.stdout.split() == ["evaluate"], done.stderr
    assert "--install-completion" in CliRunner().invoke(app, ["--help"]).output


def test_no_command_shows_the_help(call: Call) -> None:
    assert "Usage" in call().out


@pytest.mark.parametrize(
    "arguments",
    [["foo"], ["train"], ["list", "foo"], ["recommend", "run", "--users", "1", "--k", "x"], ["show", "--foo"]],
)
def test_a_malformed_command_ends_with_status_2(call: Call, arguments: list[str]) -> None:
    answer = call(*arguments)
    assert answer.status == 2
    assert "Traceback" not in answer.err
