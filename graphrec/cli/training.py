"""The commands that train: a recipe shown, carried out, tuned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from graphrec.cli.options import Json, Overrides, RecipeFile
from graphrec.cli.terminal import print_table


def show(
    recipe: RecipeFile,
    overrides: Overrides = None,
) -> None:
    """Print a recipe with every default resolved."""
    from graphrec.runs.recipe import Recipe

    typer.echo(Recipe.from_toml(recipe, overrides or ()).to_toml(), nl=False)


def train(
    recipe: RecipeFile,
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="Folder of the run; a finished run of the recipe there is kept, an interrupted one goes on."
        ),
    ],
    overrides: Overrides = None,
    resume: Annotated[
        bool, typer.Option(help="Keep a finished run of the same recipe, go on with an interrupted one; or start anew.")
    ] = True,
) -> None:
    """Carry out a recipe; the test split stays locked until `evaluate`."""
    from graphrec.system.memory import keep_large_blocks

    keep_large_blocks()
    from graphrec.cli.progress import training_progress
    from graphrec.runs.code_versions import warn_of_other_code
    from graphrec.runs.folder import complete_run
    from graphrec.runs.recipe import Recipe
    from graphrec.runs.train import train as carry_out

    parsed = Recipe.from_toml(recipe, overrides or ())
    kept = resume and complete_run(out) is not None
    try:
        run = carry_out(parsed, out, callbacks=[training_progress(parsed.name)], resume=resume)
    except KeyboardInterrupt:
        typer.echo(f"\ninterrupted; {_goes_on(out, resume)}", err=True)
        raise
    facts = run.manifest
    monitor = parsed.training.monitor
    if kept:
        typer.echo("this recipe was trained there before, and nothing was done; --no-resume trains it anew")
    warn_of_other_code([run], remedy="--no-resume trains it anew")
    typer.echo(
        f"{out}: {run.name}, best epoch {facts['best_epoch']} of {facts['epochs']}, "
        f"validation {monitor} {facts['best_' + monitor]:.4f}, {facts['training_seconds']:.0f} s"
    )


def tune(
    recipe: RecipeFile,
    out: Annotated[Path, typer.Option("--out", help="Folder of the trials; the same command goes on there.")],
    trials: Annotated[int, typer.Option(help="Number of trainings; the first is the recipe as it is.")] = 10,
    sampler: Annotated[str, typer.Option(help="tpe, random or grid.")] = "tpe",
    overrides: Overrides = None,
    as_json: Json = False,
) -> None:
    r"""Search a recipe's \[tune.space], or its decoder's own, for what is best on the validation likes."""
    from graphrec.system.memory import keep_large_blocks

    keep_large_blocks()
    from graphrec.cli.progress import training_progress
    from graphrec.runs.code_versions import warn_of_other_code
    from graphrec.runs.recipe import Recipe
    from graphrec.tuning import Tuning
    from graphrec.tuning import tune as carry_out

    def on_trial(so_far: Tuning) -> None:
        typer.echo(f"{len(so_far.trials)} of {trials}, {so_far.last_line()}", err=True)

    parsed = Recipe.from_toml(recipe, overrides or ())
    try:
        found = carry_out(parsed, out, trials=trials, sampler=sampler, progress=training_progress, on_trial=on_trial)
    except KeyboardInterrupt:
        typer.echo("\ninterrupted; the same command goes on where it was", err=True)
        raise
    warn_of_other_code(found.runs)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2))
        return
    print_table(*found.rows())
    for trial in found.trials:
        if trial.failure:
            typer.echo(f"trial {trial.number} failed: {trial.failure.splitlines()[0]}")
    typer.echo(f"best: trial {found.best.number}; its recipe is {found.folder / 'best.toml'}")


def _goes_on(out: Path, resume: bool) -> str:
    """What an interrupted training's next call does."""
    from graphrec.runs.files import CHECKPOINT
    from graphrec.training.checkpoint import saved_epoch

    epoch = saved_epoch(out / CHECKPOINT)
    if not epoch:
        return "no checkpoint was kept yet: the same command starts from the first epoch"
    return ("the same command" if resume else "without --no-resume it") + f" goes on after epoch {epoch}"
