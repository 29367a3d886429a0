"""What makes a recipe on the tiny world, and a private copy of a run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.system.marker import MARKER

MakeRecipe = Callable[..., Recipe]


def as_of_an_earlier_version(folder: Path) -> Path:
    """The folder without the list of its files: what a test changes in it is then taken as it is."""
    (folder / MARKER).unlink(missing_ok=True)
    return folder


def copied(run: Run, folder: Path) -> Run:
    """The run again in `folder`, where a test may change it."""
    return Run(shutil.copytree(run.folder, folder))
