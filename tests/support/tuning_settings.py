"""Settings that tests of tuning search, and a tuning read back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from support.paths import ROOT

from graphrec.runs.recipe import Recipe
from graphrec.tuning import Tuning

DOCUMENT = ROOT / "docs" / "tuning.md"
Objective = Callable[[Recipe], float]
RATE, DECAY, STRENGTH = "training.learning_rate", "training.weight_decay", "estimand.strength"


def rate(recipe: Recipe) -> float:
    return recipe.training.learning_rate


def settings(tuning: Tuning) -> list[dict[str, Any]]:
    return [dict(trial.settings) for trial in tuning.trials]
