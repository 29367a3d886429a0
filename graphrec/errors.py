"""The errors that graphrec raises for mistakes a person can mend.

Each says what happened, what was expected, what came, where, and the next step. The command line prints
them without a traceback and leaves with status 2; anything else is a bug and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class GraphrecError(Exception):
    """Base of every error that a user can mend.

    Args:
        problem: one sentence that names what is wrong.
        expected: what would have been accepted.
        got: what came instead, as it came.
        where: file and line, recipe key, or argument.
        next_step: what to do now.
    """

    def __init__(
        self,
        problem: str,
        *,
        expected: object = None,
        got: object = None,
        where: object = None,
        next_step: str | None = None,
    ) -> None:
        self.problem = problem
        self.expected = expected
        self.got = got
        self.where = where
        self.next_step = next_step
        super().__init__(str(self))

    def __str__(self) -> str:
        lines = [self.problem]
        for label, value in (
            ("expected", self.expected),
            ("got", self.got),
            ("where", self.where),
            ("next step", self.next_step),
        ):
            if value is not None:
                lines.append(f"  {label}: {value}")
        return "\n".join(lines)


class DataError(GraphrecError):
    """A raw file, table or dataset is not what its layout promises."""


class SplitError(GraphrecError):
    """A split cannot be made, or leaves a part empty."""


class RecipeError(GraphrecError):
    """A recipe has an unknown key, a value out of range, or parts that do not fit together."""


class UnknownNameError(GraphrecError):
    """A name is not among the known ones; the message lists them and the nearest."""

    def __init__(self, kind: str, name: str, known: Iterable[str], where: object = None) -> None:
        known = sorted(known)
        nearest = nearest_name(name, known)
        super().__init__(
            f"unknown {kind} `{name}`" + (f"; did you mean `{nearest}`?" if nearest else ""),
            expected="one of " + ", ".join(known) if known else "none is known",
            got=f"`{name}`",
            where=where,
        )


class ComponentError(GraphrecError):
    """A name or import path leads to no complete part of its kind, or cannot be given to a new one."""


class UnknownIdError(GraphrecError):
    """External user or item ids that the trained run does not know."""


class IdentificationError(GraphrecError):
    """An estimand is not identified on a causal graph; the message shows the path that breaks it."""


class RunError(GraphrecError):
    """A run folder is missing, incomplete, or does not match its own manifest."""


class MismatchError(RunError):
    """What a folder holds was made by another recipe, of other data, or with other code of the user's."""


def damaged(path: Path, got: str, next_step: str = "train the run again") -> RunError:
    """The error for a file in a run's folder that cannot be read."""
    return RunError("a file of the run is missing or damaged", got=got, where=path, next_step=next_step)


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to `name`, or None when none is close."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return close[0] if close else None
