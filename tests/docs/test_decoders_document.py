"""docs/decoders.md: its commands run, and the options that it names exist."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from support.paths import ROOT
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.decoders import decoders
from graphrec.runs.recipe import Recipe

DOCUMENT = (ROOT / "docs" / "decoders.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```(toml|bash)\n(.*?)```", DOCUMENT, re.DOTALL))


def test_links_lead_to_files_that_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)", DOCUMENT):
        assert (ROOT / "docs" / target).exists(), target


def test_the_commands_run_one_after_the_other(
    tmp_path: Path, tiny_prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_prepared, tmp_path / "runs" / "try" / "prepared")
    (tmp_path / "recipe.toml").write_text(BLOCKS["toml"])
    monkeypatch.chdir(tmp_path)
    commands = BLOCKS["bash"].splitlines()
    assert len(commands) == 4
    for command in commands:
        program, *arguments = shlex.split(command, comments=True)
        answer = CliRunner().invoke(app, arguments)
        assert program == "graphrec" and answer.exit_code == 0, (command, answer.output, answer.exception)


@pytest.mark.parametrize("settings", re.findall(r"`decoder\.name=[^`]+`", DOCUMENT))
def test_the_settings_that_it_names_are_accepted(settings: str) -> None:
    recipe = Recipe.from_dict({"data": {"path": "none"}}, settings.strip("`").split())
    assert recipe.decoder["name"] in decoders
