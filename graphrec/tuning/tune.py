"""Tune a recipe: one training a trial, evaluated on the validation likes."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError

from graphrec.arguments import choice_argument, number_argument, path_argument, require_type
from graphrec.causal import label
from graphrec.data.store import fingerprint
from graphrec.errors import Argument, GraphrecError, MismatchError, RecipeError
from graphrec.runs.build import build, prepare_split
from graphrec.runs.recipe import Recipe
from graphrec.runs.train import train
from graphrec.system.files import LOCK, file_lock
from graphrec.system.owned_folder import claim, own_in_place
from graphrec.training.progress import Progress, silent
from graphrec.tuning.results import BEST, SUMMARY, TABLE, Trial, Tuning, trial_folder
from graphrec.tuning.space import RECIPE_SPACE, Space
from graphrec.tuning.study import TuningStudy, require_optuna

logger = logging.getLogger(__name__)

SAMPLERS = ("tpe", "random", "grid")
KIND, STUDY = "tuning", "study.db"


def tune(
    recipe: Recipe,
    out: str | Path,
    *,
    trials: int = 10,
    sampler: str = "tpe",
    progress: Progress = silent,
    on_trial: Callable[[Tuning], None] = lambda tuning: None,
) -> Tuning:
    """Search a recipe's space for the settings that are best on the validation likes; the test split stays locked.

    Every trial is one training with early stopping, and its value is the recipe's `training.monitor` under the recipe's
    first estimand. Where options of that estimand are searched, every trained model is scored under all of them and its
    best counts: they cost no training. A trial that fails is recorded with its reason, and the next follows. An error
    that its settings did not cause (a bug that trial 0 meets, a full disk, changed code) ends the tuning; the next call
    tries the trial again.

    >>> recipe = gr.Recipe.from_dict(
    ...     {**recipe.model_dump(), "tune": {"space": {"training.learning_rate": [1e-3, 1e-2]}}}
    ... )
    >>> tuning = gr.tune(recipe, "runs/tune", trials=2)
    >>> [trial.number for trial in tuning.trials], tuning.best in tuning.trials
    ([0, 1], True)
    >>> tuning.recipe.training.learning_rate == tuning.best.settings["training.learning_rate"]
    True

    Args:
        recipe: trial 0; its `tune.space`, or else its decoder's `grid`, is searched.
        out: folder of the tuning. An interrupted tuning of the same recipe is resumed, a complete one extended to more
            trials.
        trials: number of trainings. There are fewer where the space has fewer settings.
        sampler: `tpe` (Bergstra et al., NeurIPS 2011), `random`, or `grid`: the lists' combinations in random order.
            All draw from the recipe's seed.
        progress: shows each training, such as `graphrec.training.progress.LogProgress`.
        on_trial: called after each trial, with all so far.

    Raises:
        GraphrecError: optuna is not installed.
        RecipeError: a key or value of the space cannot be searched; raised before the first training.
        MismatchError: `out` holds a tuning of another recipe, space, sampler, data or split.
        RunError: it holds something else or another process works there; or every trial failed.
    """
    require_optuna()
    require_type("recipe", recipe, Recipe, 'a Recipe, such as Recipe.from_toml("hcr.toml")')
    out = path_argument("out", out)
    if number_argument("trials", trials) < 1:
        raise RecipeError("too few trials", expected="at least 1", got=trials, where=Argument("trials"))
    choice_argument("sampler", sampler, SAMPLERS, Argument("sampler"))
    split = prepare_split(recipe)
    # Built for the decoder's grid, variants and causal graph; its weights are not used.
    space = Space.from_recipe(recipe, build(recipe, split)[0].decoder)
    if sampler == "grid" and space.size == float("inf"):
        raise RecipeError(
            "a grid has lists only",
            expected="a list of values for every key",
            got=", ".join(key for key, values in space.dimensions.items() if not isinstance(values, tuple)),
            where=RECIPE_SPACE,
            next_step="use the sampler tpe or random",
        )
    identity = {
        "recipe": space.recipe.to_toml(),
        "space": json.dumps({key: repr(values) for key, values in space.dimensions.items()}),
        "estimands": ", ".join(map(label, space.estimands)),
        "sampler": sampler,
        "data": fingerprint(Path(recipe.data.path)),
        "split": split.hash,
    }
    claim(out, KIND, writes=(STUDY, TABLE, SUMMARY, BEST))
    with file_lock(out / LOCK):
        own_in_place(out / STUDY)
        study = TuningStudy(out / STUDY, space, sampler, identity)
        while len(study.trials) < trials and (settings := study.suggest()) is not None:
            study.add(_run_trial(Trial(len(study.trials), settings), space, out, progress))
            so_far = Tuning(out, space, sampler, tuple(study.trials))
            so_far.write()
            on_trial(so_far)
        # An earlier call may have tried more than are asked for now.
        tuning = Tuning(out, space, sampler, tuple(study.trials[:trials]))
        tuning.write()
    _ = tuning.best  # raises where every trial failed
    return tuning


def _run_trial(trial: Trial, space: Space, out: Path, progress: Progress) -> Trial:
    try:
        recipe = space.recipe_with(trial.settings)
        # What a killed call left in the trial's folder is resumed, or returned if it is complete.
        run = train(recipe, trial_folder(out, trial.number), callbacks=[progress(f"trial {trial.number}")])
        table = run.evaluate(space.estimands, split="valid")
    # No fault of the settings. A SafetensorError is one of writing here: readers turn theirs into typed errors.
    except (MismatchError, OSError, SafetensorError):
        raise
    except GraphrecError as error:
        return Trial(trial.number, trial.settings, failure=str(error))
    except Exception as error:
        # Trial 0 is the recipe as it is: what breaks it is likely to break the others, too.
        if trial.number == 0:
            raise
        # A bug, not the user's mistake: the traceback says where it is.
        logger.error("trial %d failed", trial.number, exc_info=error)
        return Trial(trial.number, trial.settings, failure=f"{type(error).__name__}: {error}")
    values = dict(zip(table["estimand"], table[recipe.training.monitor].tolist()))
    made = run.manifest
    return Trial(trial.number, trial.settings, values, made["epochs"], made["best_epoch"], made["training_seconds"])
