"""How a shell spells a command of graphrec. Below `graphrec.cli` no other module writes an option."""

from __future__ import annotations

import shlex

OPTION_OF = {"dataset": "from", "overrides": "set", "estimands": "estimand", "options": "option"}
"""Arguments whose option has another name; of each the option is the singular, or the shorter word."""


def option(name: str, value: object = None) -> str:
    """An argument as an option; a list repeats it.

    >>> option("out"), option("resume", False), option("slices", True), option("split", "valid")
    ('--out', '--no-resume', '--slices', '--split valid')
    >>> option("overrides", ["training.epochs=20", "name=a b"])
    "--set training.epochs=20 --set 'name=a b'"
    """
    name = OPTION_OF.get(name, name).replace("_", "-")
    if isinstance(value, (list, tuple)):
        return " ".join(option(name, item) for item in value)
    if value is False:
        return f"--no-{name}"
    return f"--{name}" if value is None or value is True else f"--{name} {shlex.quote(str(value))}"


def command(name: str, *operands: object, **options: object) -> str:
    """A command line; an option that is None, False or an empty list is left out.

    >>> command("evaluate", "runs/hcr", split="valid", slices=False)
    'graphrec evaluate runs/hcr --split valid'
    """
    spelled = (option(key, value) for key, value in options.items() if value not in (None, False, []))
    return " ".join(["graphrec", name, *(shlex.quote(str(operand)) for operand in operands), *spelled])
