"""docs/commands.md: every command with its options, every public name, every file of a run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from support.command_table import IN_PYTHON, OF_ALL, PAGES, commands
from support.paths import ROOT

import graphrec
from graphrec.runs.recipe import Recipe
from graphrec.runs.train import train

DOCUMENT = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
DATA = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")


def test_options_of_every_command_are_in_the_text() -> None:
    for _, command in commands():
        forms = {form for parameter in command.params for form in parameter.opts}
        assert forms >= OF_ALL - {"--help"}
    assert all(f"`{option}" in DOCUMENT for option in OF_ALL - {"--help"})


def test_the_table_names_only_commands_that_there_are() -> None:
    assert {*IN_PYTHON, *PAGES} <= {name for name, _ in commands()}


def test_every_public_name_is_told_and_no_other() -> None:
    assert set(re.findall(r"`gr\.(\w+)", DOCUMENT)) == set(dir(graphrec))


def test_every_file_of_a_run_and_of_prepared_data_is_told(
    tiny_recipe: Callable[..., Recipe], tiny_prepared: Path, tmp_path: Path
) -> None:
    run = train(tiny_recipe("ct"), tmp_path / "run")
    run.evaluate(split="test")
    assert {f"`{file.name}" for file in run.folder.iterdir()} <= set(re.findall(r"`[\w.]+", DOCUMENT))
    assert {f"`{file.name}`" for file in tiny_prepared.iterdir()} <= set(re.findall(r"`[\w.]+`", DATA))


def test_links_lead_to_files_that_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)", DOCUMENT):
        assert (ROOT / "docs" / target).exists(), target
