"""Refute a run: check by check, each written as soon as it is done."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from graphrec.arguments import number_argument, require_type, texts_argument
from graphrec.errors import TRAIN_OR_RESTORE, Argument, RecipeError
from graphrec.refutation.base import refutation_checks
from graphrec.refutation.experiment import RefutationExperiment
from graphrec.refutation.results import CheckResult, Refutation
from graphrec.runs.files import RECIPE, REFUTATION
from graphrec.runs.own_folder import mark_run
from graphrec.runs.run import Run
from graphrec.system.integrity import require_intact
from graphrec.system.owned_folder import write_own_json, write_own_text
from graphrec.system.user_code import anchored, permit
from graphrec.training.progress import Progress, silent

DEFAULT_CHECKS = ("placebo_modality", "placebo_treatment", "injected_confounder", "subset_stability")


def refute(
    run: Run,
    *,
    checks: Sequence[str] = DEFAULT_CHECKS,
    seeds: int = 3,
    epochs: int | None = None,
    progress: Progress = silent,
) -> Refutation:
    """Retrain a run's recipe on altered training data, and compare with what a sound model must show.

    Everything is measured on the validation likes; the test split stays locked. Results go to `refutation/` in the
    run's folder after each check. A check that is there already, with the same settings, is not repeated.

    >>> refutation = gr.refute(run, checks=["placebo_treatment"], epochs=1)
    >>> [check.name for check in refutation.checks]
    ['placebo_treatment']

    Args:
        run: a complete run whose data is still there.
        checks: registered names or import paths.
        seeds: number of subsets of `subset_stability`, at least 2.
        epochs: of each retraining, and of the model on unaltered data, in place of the recipe's number.
        progress: shows each training, such as `graphrec.training.progress.LogProgress`.

    Raises:
        UnknownNameError: no such check.
        RecipeError: no check, or a setting is out of range.
        RunError, DataError: the data has changed, or is gone.
        SplitError: too few validation users.
    """
    require_type("run", run, Run, "a Run, such as gr.Run('runs/hcr')")
    checks = texts_argument("checks", checks, "names of checks, such as ['placebo_treatment']")
    if not checks:
        raise RecipeError("nothing to refute with", expected="at least one check", got="none", where=Argument("checks"))
    number_argument("seeds", seeds)
    if epochs is not None:
        number_argument("epochs", epochs)
    checks = [anchored(name, Path.cwd()) if isinstance(name, str) else name for name in checks]
    permit(checks)
    chosen = {name: refutation_checks.get(name) for name in checks}
    experiment = RefutationExperiment.from_run(run, seeds=seeds, epochs=epochs, progress=progress)
    settings = _settings(run, seeds, epochs)
    # The results of checks that are not chosen now stay in the file.
    results = run.refutation()
    for name, check in chosen.items():
        if results.get(name, {}).get("settings") != settings:
            results[name] = asdict(check().run(experiment)) | {"name": name, "settings": settings}
            _write(run, results, epochs)
    return Refutation(run.name, tuple(CheckResult.from_dict(results[name]) for name in chosen), epochs)


def _settings(run: Run, seeds: int, epochs: int | None) -> dict[str, Any]:
    """What a result depends on; equal settings give equal results."""
    # The text in the run's folder, and not `run.recipe` as text: the recipe has the settings that later versions of
    # graphrec added, at defaults which change nothing, and the path where the data is now.
    require_intact(run.folder / RECIPE, TRAIN_OR_RESTORE)
    recipe = (run.folder / RECIPE).read_text(encoding="utf-8")
    return {
        "recipe": hashlib.sha256(recipe.encode()).hexdigest(),
        "dataset_fingerprint": run.manifest["dataset_fingerprint"],
        "split_hash": run.manifest["split_hash"],
        "seeds": seeds,
        "epochs": epochs,
    }


def _write(run: Run, results: dict[str, Any], epochs: int | None) -> None:
    folder: Path = run.folder / REFUTATION
    refutation = Refutation(run.name, tuple(map(CheckResult.from_dict, results.values())), epochs)
    mark_run(run.folder)
    write_own_json(folder / "results.json", results)
    write_own_text(folder / "refutation.md", refutation.markdown())
