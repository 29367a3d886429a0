"""What makes a recipe on the tiny world, and a private copy of a run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run

MakeRecipe = Callable[..., Recipe]


def copied(run: Run, folder: Path) -> Run:
    """The run again in `folder`, where a test may change it."""
    return Run(shutil.copytree(run.folder, folder))
