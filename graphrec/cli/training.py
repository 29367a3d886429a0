"""The commands about training: show a recipe, train it, tune it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from graphrec.cli.options import Json, Overrides, RecipeFile, Trust, trust_folders
from graphrec.cli.terminal import print_table


def show(
    recipe: RecipeFile,
    overrides: Overrides = None,
    trust: Trust = None,
) -> None:
    """Print a recipe with every default filled in."""
    trust_folders(trust)
    from graphrec.runs.recipe import Recipe

    typer.echo(Recipe.from_toml(recipe, overrides or ()).to_toml(), nl=False)


def train(
    recipe: RecipeFile,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FOLDER",
            help="Folder of the run. A finished run of the same recipe is kept, an interrupted one resumes.",
        ),
    ],
    overrides: Overrides = None,
    resume: Annotated[
        bool, typer.Option(help="Keep a finished run and resume an interrupted one; or train from scratch.")
    ] = True,
    trust: Trust = None,
) -> None:
    """Train a recipe; the test split stays locked until `evaluate`."""
    trust_folders(trust)
    from graphrec.system.memory import keep_large_blocks

    # Before the imports below load torch: the setting is for blocks that are allocated from now on.
    keep_large_blocks()
    from graphrec.cli.progress import training_progress
    from graphrec.runs.code_versions import warn_of_other_code
    from graphrec.runs.folder import complete_run
    from graphrec.runs.recipe import Recipe
    from graphrec.runs.train import train as train_recipe

    parsed = Recipe.from_toml(recipe, overrides or ())
    # Asked before the training, as every run is complete after it.
    was_complete = resume and complete_run(out) is not None
    try:
        run = train_recipe(parsed, out, callbacks=[training_progress(parsed.name)], resume=resume)
    except KeyboardInterrupt:
        typer.echo(f"\ninterrupted; {_what_is_next(out, resume)}", err=True)
        raise
    facts = run.manifest
    monitor = parsed.training.monitor
    if was_complete:
        typer.echo("the run in this folder is complete, nothing was done; --no-resume trains it from scratch")
    warn_of_other_code([run], remedy="--no-resume trains it from scratch")
    typer.echo(
        f"{out}: {run.name}, best epoch {facts['best_epoch']} of {facts['epochs']}, "
        f"validation {monitor} {facts['best_' + monitor]:.4f}, {facts['training_seconds']:.0f} s"
    )


def tune(
    recipe: RecipeFile,
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Folder of the trials; the same command resumes there.")
    ],
    trials: Annotated[int, typer.Option(help="Number of trainings. The first is the recipe as it is.")] = 10,
    sampler: Annotated[
        str, typer.Option(metavar="NAME", help="How the settings are searched: tpe, random or grid.")
    ] = "tpe",
    overrides: Overrides = None,
    trust: Trust = None,
    as_json: Json = False,
) -> None:
    r"""Search a recipe's \[tune.space], or else its decoder's, for the settings best on the validation likes."""
    trust_folders(trust)
    from graphrec.system.memory import keep_large_blocks

    keep_large_blocks()
    from graphrec.cli.progress import training_progress
    from graphrec.runs.code_versions import warn_of_other_code
    from graphrec.runs.recipe import Recipe
    from graphrec.tuning import Tuning
    from graphrec.tuning import tune as tune_recipe

    def on_trial(so_far: Tuning) -> None:
        typer.echo(f"{len(so_far.trials)} of {trials}, {so_far.last_line()}", err=True)

    parsed = Recipe.from_toml(recipe, overrides or ())
    try:
        tuning = tune_recipe(parsed, out, trials=trials, sampler=sampler, progress=training_progress, on_trial=on_trial)
    except KeyboardInterrupt:
        typer.echo("\ninterrupted; the same command resumes", err=True)
        raise
    warn_of_other_code(tuning.runs)
    if as_json:
        typer.echo(json.dumps(tuning.to_dict(), indent=2))
        return
    print_table(*tuning.rows())
    for trial in tuning.trials:
        if trial.failure:
            typer.echo(f"trial {trial.number} failed: {trial.failure.splitlines()[0]}")
    typer.echo(f"best: trial {tuning.best.number}; its recipe is {tuning.folder / 'best.toml'}")


def _what_is_next(out: Path, resume: bool) -> str:
    """What the next call does after an interruption."""
    from graphrec.runs.files import CHECKPOINT
    from graphrec.runs.folder import complete_run
    from graphrec.training.checkpoint import saved_state

    if complete_run(out) is not None:
        return "the run is complete"
    if (state := saved_state(out / CHECKPOINT)) is None:
        return "there is no checkpoint yet: the same command starts from the first epoch"
    return ("the same command" if resume else "without --no-resume it") + f" resumes {state.position()}"
