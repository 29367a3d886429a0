"""All commands, in the order in which `graphrec --help` shows them, and the entry point."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from graphrec.arguments import is_utf8
from graphrec.cli.components import causal, doctor, list_components, new, verify
from graphrec.cli.data import check, datasets, prepare, simulate
from graphrec.cli.errors import handle_user_errors
from graphrec.cli.evaluation import compare, evaluate, refute
from graphrec.cli.log import log_warning, show_logs, with_log_options
from graphrec.cli.recommendations import explain, export, recommend
from graphrec.cli.training import show, train, tune
from graphrec.errors import ArgumentError
from graphrec.system.safe_path import leave_working_folder
from graphrec.system.signals import stops_in_order

GROUPS: dict[str, tuple[Callable[..., None], ...]] = {
    "Data": (datasets, simulate, prepare, check),
    "Training": (show, train, tune),
    "Evaluation": (evaluate, compare, refute),
    "Recommendations": (recommend, explain, export),
    "Components": (list_components, causal, new, verify, doctor),
}
"""The commands as `graphrec --help` groups them; a group is a module of `graphrec.cli`."""

app = typer.Typer(
    name="graphrec",
    help="Causal multimodal graph recommendation: from raw logs to a trained, evaluated and exported recommender.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for group, commands in GROUPS.items():
    for command in commands:
        name = "list" if command is list_components else None  # a function called `list` would hide Python's
        app.command(name, rich_help_panel=group)(with_log_options(command))


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(version("graphrec"))
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
]


@app.callback()
def _root(version: Version = False) -> None:
    pass


def _require_utf8(arguments: Sequence[str]) -> None:
    """Refuse arguments whose bytes are no UTF-8: such names reach files, tables and messages that cannot hold them."""
    for argument in arguments:
        if not is_utf8(argument):
            raise ArgumentError(
                "an argument is no text in UTF-8",
                expected="letters, in a terminal whose encoding is UTF-8",
                got=repr(os.fsencode(argument))[1:],
                next_step="rename the file or folder, or set the locale to UTF-8, such as LC_ALL=C.UTF-8",
            )


def main() -> None:
    """Run the command that `sys.argv` names; always ends with SystemExit.

    >>> import sys
    >>> from contextlib import suppress
    >>> from unittest.mock import patch
    >>> from graphrec.cli import main
    >>> with patch.multiple(sys, argv=["graphrec", "list", "worlds"], path=[*sys.path]), suppress(SystemExit):
    ...     main()
    name    what it is
    amazon  A twin of Amazon's ratings (2014) with visual bias: pictures draw ratings that the match does not earn.
    coat    A twin of Coat: self-selected ratings to train on, ratings of uniformly random coats to test on.
    kwai    A twin of Kwai (China MM 2018) with a hidden confounder in the covers.
    taobao  A twin of Taobao (the Tmall log) with a hidden confounder in sellers and brands.
    tiktok  A twin of Tiktok (ICME-2019 track 2) with a hidden confounder in the titles, or in the pictures.
    """
    # In the log, warnings reach the file of `--log-file`, too.
    warnings.showwarning = log_warning
    leave_working_folder()
    with stops_in_order(), show_logs(), handle_user_errors():
        _require_utf8(sys.argv[1:])
        app()
