"""Training: from a recipe to a complete run in a folder, or to a model in memory."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from graphrec.arguments import items_argument, path_argument, require_type
from graphrec.checks.leaks import audit_leaks
from graphrec.data.split import Split
from graphrec.evaluation.metrics import ABOUT_USERS
from graphrec.evaluation.ranking import evaluate
from graphrec.recommender import FrozenModel, Recommender
from graphrec.runs.artifacts import save_model
from graphrec.runs.build import build, prepare_split, require_no_leaks
from graphrec.runs.data_location import location_of_data
from graphrec.runs.files import HISTORY
from graphrec.runs.folder import Interrupted, RunFolder
from graphrec.runs.manifest import COMPLETE, TRAINING, begun_with, new_manifest, require_unchanged
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.system.memory import peak_mb, reset_peak
from graphrec.system.owned_folder import remove_own_file, write_own_text
from graphrec.system.signals import uninterrupted
from graphrec.training.callbacks import Callback, callbacks_named
from graphrec.training.checkpoint import Checkpoint, resume_training
from graphrec.training.loop import Trainer, TrainingState

logger = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 20.0
"""At most so much training is lost with a process."""
CALLBACKS = "instances of graphrec.training.callbacks.Callback"


def train(
    recipe: Recipe,
    out: str | Path,
    *,
    callbacks: Sequence[Callback] = (),
    resume: bool = True,
) -> Run:
    """Train a recipe's model into a folder; the test split stays locked.

    An interrupted run of the same recipe is resumed from its last checkpoint, to the same weights as without the
    interruption. A complete one is returned as it is, if its data and custom code have not changed. A run that another
    graphrec or torch made is used too; `code_versions.other_code` reports it.

    >>> run = gr.train(recipe, "runs/new")
    >>> run.manifest["status"], gr.train(recipe, "runs/new").manifest == run.manifest
    ('complete', True)

    Args:
        recipe: what to train, on which data; its `[tune]` is ignored.
        out: the run's folder. Where the data of its run was moved, the run's recipe gets the new path.
        callbacks: called by the training loop, after those that the recipe names; they observe, and no file of the
            run mentions them. A complete run that is returned as it is calls none.
        resume: False trains from scratch, over a run of the same recipe.

    Raises:
        MismatchError: `out` holds another recipe's run, or one that was trained with other data or custom code.
        RunError: it holds something that is no run, or another process trains there.
        RecipeError, DataError, SplitError, IdentificationError: the recipe cannot be trained; nothing was written.
    """
    require_type("recipe", recipe, Recipe, 'a Recipe, such as Recipe.from_toml("hcr.toml")')
    callbacks = items_argument("callbacks", callbacks, CALLBACKS)
    for callback in callbacks:
        require_type("callbacks", callback, Callback, CALLBACKS)
    require_type("resume", resume, bool, "True or False")
    folder, recipe = RunFolder(path_argument("out", out)), recipe.without_tune()
    if run := folder.existing_run(recipe, resume):
        return run
    folder.require_trainable()
    # Before the data is read: the peak memory in the manifest includes the reading.
    reset_peak()
    # The lock makes the folder, so it comes later: a recipe that cannot be trained leaves nothing behind.
    split = prepare_split(recipe)
    trainer = _trainer(recipe, split)
    with folder.lock():
        # Another process may have finished here while the data was read.
        return folder.existing_run(recipe, resume) or _trained(folder, recipe, split, trainer, callbacks, resume)


def _trained(
    folder: RunFolder,
    recipe: Recipe,
    split: Split,
    trainer: Trainer,
    callbacks: Sequence[Callback],
    resume: bool,
) -> Run:
    """Train from the folder's checkpoint, if there is one to resume, and write the run."""
    state = folder.state(recipe)
    manifest = new_manifest(recipe, split, trainer.model) | location_of_data(folder.path, recipe)
    if resume and isinstance(state, Interrupted):
        require_unchanged(state.manifest(), manifest, folder.path)
        manifest |= begun_with(state.manifest())
        resume_training(folder.checkpoint, trainer)
        logger.info("resuming %s of an interrupted training", trainer.state.position())
    else:
        if resume and folder.was_begun():
            logger.info("an interrupted training left no checkpoint: starting from the first epoch")
        folder.clear()
    folder.write_recipe(recipe)
    # From here on no reader takes the folder for a complete run, even if it held one that is trained again.
    folder.write_manifest(manifest | {"status": TRAINING})
    # The recipe's callbacks may change what is trained, so they come before the checkpoint; the caller's observe.
    checkpoint = Checkpoint(folder.checkpoint, CHECKPOINT_SECONDS)
    end = trainer.run([*callbacks_named(recipe.training.callbacks), checkpoint, *callbacks])
    with uninterrupted():
        save_model(folder.path, trainer.model, trainer.model.freeze(trainer.graph), split)
        _save_history(folder.path, end)
        folder.write_manifest(manifest | {"status": COMPLETE, **_result_of(end, recipe.training.monitor)})
        remove_own_file(folder.checkpoint)  # last: until the run is complete, a new start resumes from it
    return Run(folder.path)


def _result_of(state: TrainingState, monitor: str) -> dict[str, Any]:
    return {
        "epochs": state.epoch,
        "best_epoch": state.best_epoch,
        "best_" + monitor: state.best_value,
        "training_seconds": round(state.seconds, 2),
        "peak_memory_mb": peak_mb(),
    }


def _save_history(folder: Path, state: TrainingState) -> None:
    write_own_text(folder / HISTORY, "".join(json.dumps(row) + "\n" for row in state.history))


def fit(recipe: Recipe, split: Split, *, callbacks: Sequence[Callback] = ()) -> FrozenModel:
    """Train a recipe's model on any split, in memory: nothing is written, and `recipe.data` is not read.

    Raises:
        SplitError: the split leaks; see `graphrec.checks.leaks`.

    >>> model = fit(recipe, run.split())
    >>> (model.num_users, model.num_items) == (len(run.user_ids), len(run.item_ids))
    True
    """
    require_no_leaks(audit_leaks(split), split)
    trainer = _trainer(recipe, split)
    trainer.run([*callbacks_named(recipe.training.callbacks), *callbacks])
    return trainer.model.freeze(trainer.graph)


def _trainer(recipe: Recipe, split: Split) -> Trainer:
    """A fresh model of the recipe, with early stopping on the split's validation likes."""
    model, graph = build(recipe, split)

    def validate(model: Recommender) -> dict[str, float]:
        # Under the decoder's own variant: the estimands of a recipe change nothing about its training.
        estimand = next(iter(model.decoder.variants().values()))
        scorer, evaluation = model.freeze(graph).scorer(estimand), recipe.evaluation
        table = evaluate(scorer, split.valid, split.train_pairs("click"), evaluation.k, evaluation.metrics)
        return {name: float(table[name].mean()) for name in table.columns if name not in ABOUT_USERS}

    return Trainer(model, graph, recipe.training, recipe.seed, validate)
