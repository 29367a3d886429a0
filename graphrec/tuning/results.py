"""The result of a tuning: its trials, the best of them, and their files."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from graphrec.causal import label
from graphrec.errors import OUT, Phrase, RunError
from graphrec.report.primitives.tables import counted, markdown_table, metric_label, number
from graphrec.runs.folder import complete_run
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.system.owned_folder import write_own_text
from graphrec.tuning.space import Space

TRIALS, BEST, TABLE, SUMMARY = "trials", "best.toml", "trials.csv", "tune.md"


@dataclass(frozen=True)
class Trial:
    """One training, and what its model reaches on the validation likes.

    Args:
        number: from 0, which is the unchanged recipe.
        settings: by recipe key.
        values: of the recipe's `training.monitor`, by estimand; the recipe's own estimand first. Empty if it failed.
        epochs, best_epoch, seconds: of its training.
        failure: why it failed, or nothing.

    >>> from graphrec.tuning import Trial
    >>> values = {"total_indirect_effect": 0.21, "total_indirect_effect:strength=0.5": 0.24}
    >>> trial = Trial(3, {"training.learning_rate": 0.01}, values)
    >>> trial.estimand, trial.value
    ('total_indirect_effect:strength=0.5', 0.24)
    """

    number: int
    settings: Mapping[str, Any]
    values: Mapping[str, float] = field(default_factory=dict)
    epochs: int = 0
    best_epoch: int = 0
    seconds: float = 0.0
    failure: str = ""

    @property
    def estimand(self) -> str:
        """The estimand under which it is best; the recipe's own where none is better."""
        return max(self.values, key=self.values.__getitem__) if self.values else ""

    @property
    def value(self) -> float:
        """Its value under its best estimand; NaN if it failed."""
        return max(self.values.values(), default=math.nan)


@dataclass(frozen=True)
class Tuning:
    """The trials of a recipe.

    Args:
        folder: `trials/NUMBER` are their runs, `study.db` is optuna's study, and what `write` writes.
        space: what was searched.
        sampler: how.
        trials: in order.

    >>> tuning = gr.tune(recipe, "runs/tuned", trials=1)
    >>> tuning.best.number, len(tuning.table())
    (0, 1)
    """

    folder: Path
    space: Space
    sampler: str
    trials: tuple[Trial, ...]

    @property
    def monitor(self) -> str:
        """The validation metric that was tuned."""
        return self.space.recipe.training.monitor

    @property
    def succeeded(self) -> list[Trial]:
        """The trials that did not fail, the best first; of equal ones the first tried."""
        return sorted((trial for trial in self.trials if not trial.failure), key=lambda trial: -trial.value)

    @property
    def best(self) -> Trial:
        """The trial with the highest value.

        Raises:
            RunError: every trial failed.
        """
        if not self.succeeded:
            raise RunError(
                "every trial failed",
                expected="at least one training that ends",
                got="; ".join(dict.fromkeys(trial.failure.split("\n")[0] for trial in self.trials)),
                where=self.folder,
                next_step=Phrase(f"see {TABLE}, fix the recipe or its space, and tune into another {{}}", OUT),
            )
        return self.succeeded[0]

    @property
    def recipe(self) -> Recipe:
        """The winning recipe; its estimand is the best trial's. Training it gives that trial's model again."""
        return self.space.recipe_with(self.best.settings, self.best.estimand)

    @property
    def run(self) -> Run:
        """The best trial's run."""
        return Run(trial_folder(self.folder, self.best.number))

    @property
    def runs(self) -> list[Run]:
        """The runs of the trials, in order; without those that failed or were removed since."""
        runs = (complete_run(trial_folder(self.folder, trial.number)) for trial in self.trials)
        return [run for run in runs if run is not None]

    def table(self) -> pd.DataFrame:
        """A row a trial: `trial`, its value (named as the metric), a column a setting, `estimand`, cost, `failure`."""
        rows = [
            {"trial": trial.number, self.monitor: trial.value, **trial.settings, "estimand": trial.estimand}
            | {"epochs": trial.epochs, "best_epoch": trial.best_epoch}
            | {"seconds": trial.seconds, "failure": trial.failure}
            for trial in self.trials
        ]
        return pd.DataFrame(rows)

    def rows(self) -> tuple[list[str], list[tuple[str, ...]]]:
        """Headers and rows of the trials for a terminal or a Markdown file."""
        swept = ["estimand"] if len(self.space.estimands) > 1 else []
        headers = ["trial", metric_label(self.monitor), *self.space.dimensions, *swept, "epochs", "seconds"]
        rows = []
        for trial in self.trials:
            value = "failed" if trial.failure else number(trial.value)
            settings = [_shown(trial.settings[key]) for key in self.space.dimensions]
            cost = ["–", "–"] if trial.failure else [str(trial.epochs), f"{trial.seconds:.1f}"]
            rows.append((str(trial.number), value, *settings, *([trial.estimand or "–"] if swept else []), *cost))
        return headers, rows

    def last_line(self) -> str:
        """One line on the last trial, and the best so far."""
        last = self.trials[-1]
        settings = ", ".join(f"{key} {_shown(value)}" for key, value in last.settings.items())
        if last.failure:
            outcome = f"failed: {last.failure.splitlines()[0]}"
        else:
            outcome = f"{metric_label(self.monitor)} {number(last.value)}"
        best = f", best {number(self.best.value)} in trial {self.best.number}" if self.succeeded else ""
        return f"trial {last.number} ({settings}): {outcome}{best}"

    def markdown(self) -> str:
        """The trials, what was searched and how, for a paper's appendix."""
        recipe, count = self.space.recipe, len(self.trials)
        text = [
            f"# Tuning of {recipe.name}",
            "",
            f"{metric_label(self.monitor)} on the validation likes after each of {counted(count, 'training')}; "
            f"sampler {self.sampler}, seed {recipe.seed}. Trial 0 is the unchanged recipe. The test split stayed "
            "locked.",
            "",
        ]
        if self.succeeded:
            best = self.best
            text += [
                f"Best: trial {best.number}, {number(best.value)}. Its recipe is `{BEST}`. The best of several "
                "is chosen with luck: expect less of it on the test split.",
                "",
            ]
        searched = [(key, _values_shown(values)) for key, values in self.space.dimensions.items()]
        if len(self.space.estimands) > 1:
            searched.append(("estimand (no training)", ", ".join(map(label, self.space.estimands))))
        text += [markdown_table(["searched", "values"], searched), "", markdown_table(*self.rows())]
        failed = [
            f"- trial {trial.number}: {' '.join(trial.failure.split())}" for trial in self.trials if trial.failure
        ]
        return "\n".join([*text, *(["", "Failed:", "", *failed] if failed else [])]) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """All of it in what JSON can hold."""
        trials = [
            # JSON has no NaN.
            asdict(trial) | {"value": None if trial.failure else trial.value, "estimand": trial.estimand}
            for trial in self.trials
        ]
        return {
            "monitor": self.monitor,
            "sampler": self.sampler,
            "best": self.best.number,
            "best_recipe": str(self.folder / BEST),
            "trials": trials,
        }

    def write(self) -> None:
        """Write `trials.csv`, `tune.md` and, once a trial has succeeded, `best.toml`."""
        texts = {TABLE: self.table().to_csv(index=False), SUMMARY: self.markdown()}
        if self.succeeded:
            texts[BEST] = self.recipe.to_toml()
        for name, text in texts.items():
            write_own_text(self.folder / name, text)


def trial_folder(folder: Path, trial: int) -> Path:
    """The folder of a trial's run.

    >>> from pathlib import Path
    >>> from graphrec.tuning.results import trial_folder
    >>> trial_folder(Path("runs/tuned"), 3).as_posix()
    'runs/tuned/trials/003'
    """
    return folder / TRIALS / f"{trial:03d}"


def _values_shown(values: Any) -> str:
    return ", ".join(map(_shown, values)) if isinstance(values, tuple) else str(values)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)
