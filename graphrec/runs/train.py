"""Carrying out a recipe: the run folder is made, guarded, filled, and complete only at the very end."""

from __future__ import annotations

import json
import logging
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from graphrec.backbones import backbones
from graphrec.causal import Estimand
from graphrec.data.split import Split
from graphrec.data.store import fingerprint
from graphrec.decoders import decoders
from graphrec.errors import ANOTHER_FOLDER_OR_REMOVE, TRAIN_AGAIN, Argument, GraphrecError, MismatchError, Phrase
from graphrec.evaluation.ranking import evaluate
from graphrec.recommender import FrozenModel, Recommender
from graphrec.runs.artifacts import save_model
from graphrec.runs.build import build, prepare_split
from graphrec.runs.data_location import location_of_data
from graphrec.runs.old_names import MANIFEST_KEYS, SCHEMA, with_new_keys
from graphrec.runs.recipe import Recipe
from graphrec.runs.results import remove_found
from graphrec.runs.run import BEGUN_WITH, CHECKPOINT, MANIFEST, REFUTATION, Run
from graphrec.system.environment import Environment, code_of
from graphrec.system.files import LOCK, file_lock, read_json, require_place, sha256, write_json, write_text
from graphrec.system.memory import peak_mb, reset_peak
from graphrec.training.checkpoint import resume_training, save_training
from graphrec.training.loop import Trainer, TrainingState

logger = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 20.0


def train(
    recipe: Recipe,
    out: str | Path,
    *,
    on_epoch: Callable[[TrainingState], None] = lambda state: None,
    resume: bool = True,
) -> Run:
    """Carry out a recipe up to the trained model; the test split stays locked.

    Args:
        recipe: what to do.
        out: the run's folder. A run of the same recipe that was interrupted there goes on from its last
            checkpoint; a complete one is returned as it is, if data and code of one's own are still the same. Where
            the same data now lies elsewhere, the run's recipe names the new place. Another graphrec or torch is no
            hindrance: `other_code` tells.
        on_epoch: called after each epoch.
        resume: False starts anew.

    Raises:
        MismatchError: `out` holds another recipe's run, or one of other data or code of one's own.
        RunError: it holds something that is no run, or another process trains there.
    """
    out, recipe = Path(out), recipe.without_tune()
    if kept := _kept(out, recipe, resume):
        return kept
    reset_peak()
    split = prepare_split(recipe)
    trainer = _trainer(recipe, split)
    out.mkdir(parents=True, exist_ok=True)
    with file_lock(out / LOCK):
        # Another process may have ended here since the folder was looked at.
        run = _kept(out, recipe, resume) or _trained(out, recipe, split, trainer, on_epoch, resume)
        (out / LOCK).unlink(missing_ok=True)
    return run


def _kept(out: Path, recipe: Recipe, resume: bool) -> Run | None:
    """The complete run of this recipe that lies there, if it is to be kept; an error if something else does."""
    if not (_same_run(out, recipe) and resume and (run := complete_run(out))):
        return None
    _require_unchanged(out, _materials(recipe))
    if run.recipe == recipe:
        return run
    _write_recipe(out, recipe)
    write_json(out / MANIFEST, run.manifest | location_of_data(out, recipe))
    return Run(out)


def _trained(
    out: Path,
    recipe: Recipe,
    split: Split,
    trainer: Trainer,
    on_epoch: Callable[[TrainingState], None],
    resume: bool,
) -> Run:
    """Train in the folder `out`, from its checkpoint if there is one to resume, and write the run."""
    model, graph = trainer.model, trainer.graph
    checkpoint = out / CHECKPOINT
    manifest = _manifest(recipe, split, model) | location_of_data(out, recipe)
    if resume and checkpoint.is_file():
        _require_unchanged(out, manifest)
        manifest |= _begun_with(out)
        resume_training(checkpoint, trainer)
        logger.debug("resumed from %s", checkpoint)
    else:
        _clear(out)
    _write_recipe(out, recipe)
    write_json(out / MANIFEST, manifest | {"status": "training"})
    saved = time.monotonic()

    def after_epoch(state: TrainingState) -> None:
        nonlocal saved
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            save_training(checkpoint, trainer)
            logger.debug("wrote %s", checkpoint)
            saved = time.monotonic()
        on_epoch(state)

    state = trainer.run(after_epoch)
    save_model(out, model, model.freeze(graph), split)
    _save_history(out, state)
    write_json(
        out / MANIFEST,
        manifest
        | {
            "status": "complete",
            "epochs": state.epoch,
            "best_epoch": state.best_epoch,
            "best_" + recipe.training.monitor: state.best_value,
            "training_seconds": round(state.seconds, 2),
            "peak_memory_mb": peak_mb(),
        },
    )
    checkpoint.unlink(missing_ok=True)  # last: until the run is complete it is what a new start goes on from
    return Run(out)


def fit(recipe: Recipe, split: Split, *, on_epoch: Callable[[TrainingState], None] = lambda state: None) -> FrozenModel:
    """Train a recipe's model on any split, in memory: nothing is written, and `recipe.data` is not read."""
    trainer = _trainer(recipe, split)
    trainer.run(on_epoch)
    return trainer.model.freeze(trainer.graph)


def _trainer(recipe: Recipe, split: Split) -> Trainer:
    """A fresh model of the recipe, with early stopping on the split's validation likes."""
    model, graph = build(recipe, split)

    def validate(model: Recommender) -> dict[str, float]:
        estimand = next(iter(model.decoder.variants().values()))
        return _mean_metrics(model.freeze(graph), estimand, split, split.valid, recipe.evaluation.k)

    return Trainer(model, graph, recipe.training, recipe.seed, validate)


def _materials(recipe: Recipe) -> dict[str, Any]:
    """What a training is made of besides its recipe and graphrec: hashes of the data and of the user's own code."""
    parts = (backbones.get(recipe.backbone["name"]), decoders.get(recipe.decoder["name"]))
    own = {part.__module__ for part in parts if part.__module__.partition(".")[0] != "graphrec"}
    files = {module: getattr(sys.modules[module], "__file__", None) for module in sorted(own)}
    return {
        "dataset_fingerprint": fingerprint(Path(recipe.data.path)),
        "custom_code": {module: sha256(Path(file)) for module, file in files.items() if file},
    }


def _manifest(recipe: Recipe, split: Split, model: Recommender) -> dict[str, Any]:
    context = model.decoder.context
    return {
        "schema": SCHEMA,
        "name": recipe.name,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "environment": asdict(Environment()),
        "threads": torch.get_num_threads(),
        "dataset": split.dataset.name,
        "simulated": "simulated" in split.dataset.provenance,
        **_materials(recipe),
        "split_hash": split.hash,
        "counts": split.counts,
        "filter": split.dataset.provenance.get("recipe_filter"),
        "context": asdict(context),
        "single_behaviour": split.dataset.single_behaviour,
        "parameters": sum(p.numel() for p in model.parameters()),
    }


def _save_history(out: Path, state: TrainingState) -> None:
    write_text(out / "history.jsonl", "".join(json.dumps(row) + "\n" for row in state.history))


def _same_run(out: Path, recipe: Recipe) -> bool:
    """True if `out` holds a run of this very recipe; an error if it holds anything else worth keeping."""
    file = out / "recipe.toml"
    require_place(out, file.name, "a run", goes_on="one with a run of this recipe")
    if not file.is_file():
        return False
    try:
        kept = Recipe.from_toml(file)
    except GraphrecError:  # a recipe of another version, or one that names a class of its own that is gone
        kept = None
    if kept == recipe:
        return True
    if complete_run(out) is None and not (out / CHECKPOINT).is_file():
        return False  # it failed before its first checkpoint: nothing is lost
    moved = kept is not None and kept.with_data_at(recipe.data.path) == recipe
    if moved and read_json(out / MANIFEST)["dataset_fingerprint"] == fingerprint(Path(recipe.data.path)):
        return True
    raise MismatchError(
        "the folder holds a run of another recipe",
        expected=f"a new folder, or a run of recipe `{recipe.name}` as it is now",
        got="a run of this recipe on other data" if moved else "a run whose recipe.toml differs",
        where=out,
        next_step=ANOTHER_FOLDER_OR_REMOVE,
    )


def codes(run: Run) -> set[str]:
    """The code that trained a run, in words: one, or two where it was begun with another than it was ended with."""
    return {code_of(run.manifest[key]) for key in ("environment", BEGUN_WITH) if key in run.manifest}


def other_code(runs: Sequence[Run]) -> str:
    """One line on the runs that another source of graphrec or another torch made, or began; empty where none is.

    They are kept all the same: whether the difference matters is for the reader to say.
    """
    here = code_of(asdict(Environment()))
    others = [found for run in runs if (found := codes(run)) != {here}]
    if not others:
        return ""
    which = "the run was" if len(runs) == 1 else f"{len(others)} of {len(runs)} runs were"
    named = "; ".join(sorted(set().union(*others) - {here}))
    return f"{which} made with other code ({named}) than is here ({here}), and kept"


def warn_of_other_code(runs: Sequence[Run], of: str = "", remedy: str = "a new folder trains all again") -> None:
    """Log what `other_code` says, if anything.

    Args:
        of: words before it, such as "of the tuning, ".
        remedy: what trains them anew instead.
    """
    if said := other_code(runs):
        logger.warning("%s%s; %s", of, said, remedy)


def complete_run(out: Path) -> Run | None:
    """The run that lies there; None where there is none, or its training has not finished."""
    try:
        return Run(out)
    except GraphrecError:
        return None


def _require_unchanged(out: Path, now: dict[str, Any]) -> None:
    """Going on with other data or code would mix two trainings; an old run would be taken for one of the new."""
    before = with_new_keys(read_json(out / MANIFEST), MANIFEST_KEYS)
    for key in now.keys() & {"dataset_fingerprint", "split_hash"}:
        if before.get(key) != now[key]:
            raise MismatchError(
                "the data changed since the run in this folder was trained",
                expected=f"{key} {str(before.get(key))[:12]}",
                got=f"{key} {now[key][:12]}",
                where=out,
                next_step=Phrase(
                    "prepare the same raw data again, or train from scratch with {}", Argument("resume", False)
                ),
            )
    for module, code in now["custom_code"].items():
        trained = str(before.get("custom_code", {}).get(module))
        if trained != code:
            raise MismatchError(
                f"the file of `{module}` changed since the run in this folder was trained",
                expected=f"sha256 {trained[:12]}",
                got=f"sha256 {code[:12]}",
                where=out,
                next_step=TRAIN_AGAIN,
            )


def _begun_with(out: Path) -> dict[str, Any]:
    """The environment in which an interrupted training began, if its code was another than goes on with it."""
    before = read_json(out / MANIFEST)
    begun = before.get(BEGUN_WITH, before["environment"])
    return {} if code_of(begun) == code_of(asdict(Environment())) else {BEGUN_WITH: begun}


def _write_recipe(out: Path, recipe: Recipe) -> None:
    write_text(out / "recipe.toml", recipe.to_toml())


def _clear(out: Path) -> None:
    """Remove what an earlier training left; the ledger stays, as the test split was opened all the same."""
    (out / CHECKPOINT).unlink(missing_ok=True)
    remove_found(out)
    shutil.rmtree(out / REFUTATION, ignore_errors=True)


def _mean_metrics(
    frozen: FrozenModel, estimand: Estimand, split: Split, positives: np.ndarray, cutoffs: tuple[int, ...]
) -> dict[str, float]:
    table = evaluate(frozen.scorer(estimand), positives, split.train_pairs("click"), cutoffs)
    return {name: float(table[name].mean()) for name in table.columns if name not in ("user", "positives")}
