"""All commands, in the order in which `graphrec --help` shows them, and the entry point."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from graphrec.cli.components import causal, doctor, list_parts, new
from graphrec.cli.data import check, datasets, prepare, simulate
from graphrec.cli.errors import handle_user_errors
from graphrec.cli.evaluation import compare, evaluate, refute
from graphrec.cli.log import log_warning, show_logs, with_log_options
from graphrec.cli.outputs import explain, export, recommend
from graphrec.cli.training import show, train, tune

app = typer.Typer(
    name="graphrec",
    help="Causal multimodal graph recommendation: raw logs to a trained, judged and exported recommender.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("list")(with_log_options(list_parts))
for command in (
    datasets,
    simulate,
    prepare,
    check,
    show,
    train,
    tune,
    evaluate,
    export,
    recommend,
    explain,
    causal,
    compare,
    refute,
    doctor,
    new,
):
    app.command()(with_log_options(command))


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("graphrec"))
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
]


@app.callback()
def options(version: Version = False) -> None:
    pass


def main() -> None:
    """Entry point."""
    warnings.showwarning = log_warning
    sys.path.append(str(Path.cwd()))  # a class of one's own is found in the current folder, after everything else
    with show_logs(), handle_user_errors():
        app()
