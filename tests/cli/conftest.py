"""Fixtures of the command line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from graphrec.recipe import Recipe
from graphrec.run import Run


@pytest.fixture
def recipe_file(tiny_recipe: Callable[..., Recipe], tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(tiny_recipe("ct").to_toml(), encoding="utf-8")
    return path


@pytest.fixture
def own(tiny_runs: dict[str, Run], tmp_path: Path) -> Callable[[str], Path]:
    """A private copy of a tiny run's folder."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(tiny_runs[name].folder, tmp_path / f"run-{name}"))

    return copy
