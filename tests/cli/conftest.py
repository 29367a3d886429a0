"""Fixtures of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.trained_runs import MakeRecipe


@pytest.fixture
def recipe_file(tiny_recipe: MakeRecipe, tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(tiny_recipe("ct").to_toml(), encoding="utf-8")
    return path
