"""docs/commands.md: every command with its options, every public name, every file of a run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer
from support.paths import ROOT

import graphrec
from graphrec.cli import app
from graphrec.runs.recipe import Recipe
from graphrec.runs.train import train

DOCUMENT = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
OF_ALL = {"--verbose", "--log-file"}
DATA = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")


def commands(group: Any, *before: str) -> Iterator[tuple[str, set[str]]]:
    """Each command with its options; short forms are left out."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *before, name)
        else:
            options = (name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts))
            yield " ".join((*before, name)), {name for name in options if name.startswith("--")}


def test_the_table_is_every_command_with_all_its_options() -> None:
    rows = [line.split(" | ") for line in DOCUMENT.split("\n## ")[0].splitlines() if line.startswith("| `")]
    named = [(re.match(r"\| `([a-z ]*[a-z])", cells[0]), cells[2]) for cells in rows]
    shown = {name[1]: set(re.findall(r"`(--[\w-]+)`", options)) for name, options in named if name}
    assert shown == {name: options - OF_ALL for name, options in commands(typer.main.get_command(app))}


def test_options_of_every_command_are_in_the_text() -> None:
    assert all(options >= OF_ALL for _, options in commands(typer.main.get_command(app)))
    assert all(f"`{option}" in DOCUMENT for option in OF_ALL)


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
