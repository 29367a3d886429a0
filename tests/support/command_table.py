"""The table of docs/commands.md: every command with its options, from the command line itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer

from graphrec.cli import app
from graphrec.report.primitives.tables import markdown_table

OF_ALL = {"--verbose", "--log-file", "--help"}
"""Options that every command takes; the text has them."""
IN_PYTHON = {
    "simulate": "`gr.simulate`",
    "prepare": "`gr.prepare`",
    "check": "`gr.check(gr.load(DATASET))`, the data alone",
    "show": "`gr.Recipe.from_toml(...).to_toml()`",
    "train": "`gr.train`",
    "tune": "`gr.tune`, which gives a `gr.Tuning`",
    "evaluate": "`run.evaluate`, `run.evaluate_truth`; `graphrec.runs.analyses`",
    "export": "`run.export`",
    "recommend": "`run.recommend`",
    "explain": "`run.explain`",
    "causal": "`graphrec.decoders.description.describe`",
    "compare": "`gr.compare`, without tests; `gr.write_report`",
    "refute": "`gr.refute`",
}
PAGES = {
    "datasets": "data.md#cards",
    "simulate": "worlds.md",
    "prepare": "data.md#prepared-data",
    "check": "data.md#checks",
    "show": "recipe.md",
    "train": "recipe.md",
    "tune": "tuning.md",
    "evaluate": "metrics.md",
    "explain": "explanation.md",
    "causal": "causality.md",
    "compare": "report.md",
    "refute": "refutation.md",
    "new": "extending.md",
}


def commands() -> Iterator[tuple[str, Any]]:
    """(name, command) of every command, in the order of `graphrec --help`."""
    group: Any = typer.main.get_command(app)
    for name in group.list_commands(typer.Context(group)):
        yield name, group.commands[name]


def options_of(command: Any) -> list[str]:
    """The long forms of a command's options, those of all commands left out."""
    forms = [form for parameter in command.params for form in (*parameter.opts, *parameter.secondary_opts)]
    return [form for form in forms if form.startswith("--") and form not in OF_ALL]


def command_table() -> str:
    return markdown_table(
        ["command", "what it does", "options", "in Python"], [_row(name, command) for name, command in commands()]
    )


def _row(name: str, command: Any) -> tuple[str, str, str, str]:
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    usage = " ".join([name, *(_operand(argument) for argument in arguments)])
    shown = f"[`{usage}`]({PAGES[name]})" if name in PAGES else f"`{usage}`"
    options = ", ".join(f"`{form}`" for form in options_of(command))
    return (
        shown,
        re.sub(r"\s+", " ", (command.help or "").partition("\n\n")[0]).replace("\\[", "[").strip(),
        options,
        IN_PYTHON.get(name, ""),
    )


def _operand(argument: Any) -> str:
    word = (argument.metavar or argument.name.upper()).strip("[]")
    word += f" {word} ..." if argument.nargs == -1 else ""
    return word if argument.required else f"[{word}]"
