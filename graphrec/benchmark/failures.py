"""What becomes of a method that fails: it is told with its reason, and nothing of others is lost."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from graphrec.errors import GraphrecError, MismatchError, RunError
from graphrec.files import read_json

ABOUT = "about.json"
"""In a benchmark's folder: what its results were made of."""


def keep_results(name: str, error: Exception, out: Path) -> None:
    """Refuse to go on to results without a method that has some there, because its runs there do not fit.

    Raises:
        RunError: the error is a mismatch, and `out` has results of the method.
    """
    about = out / ABOUT
    if not isinstance(error, MismatchError) or not about.is_file():
        return
    if slug(name) in {folder.rpartition("-")[0] for folder in read_json(about).get("runs", {})}:
        raise RunError(
            f"the results here have {name}, whose trainings do not fit what is asked now; nothing was changed",
            expected="the data and the recipe that they were made of",
            got=reason(error),
            where=error.where,
            next_step="choose another --out, or remove the folder",
        ) from error


def keep_seeds(seeds: Sequence[int], out: Path) -> None:
    """Refuse to replace results by those of fewer seeds.

    Raises:
        RunError: `out` has results of a seed that is not among `seeds`.
    """
    about = out / ABOUT
    if not about.is_file():
        return
    known = {int(folder.rpartition("-")[2]) for folder in read_json(about).get("runs", {})}
    if known - set(seeds):
        raise RunError(
            "the results here are of more seeds",
            expected=f"seeds {', '.join(map(str, sorted(known)))}, or more",
            got=", ".join(map(str, seeds)),
            where=out,
            next_step="ask for as many seeds, or choose another --out",
        )


def tell_failure(name: str, error: Exception) -> str:
    """Say on stderr that a method failed, and why; returns the reason in short, see `shown_reason`."""
    print(f"{name} failed: {error}", file=sys.stderr)
    return shown_reason(error)


def shown_reason(error: Exception) -> str:
    """The reason of a failure; the traceback of a bug goes to stderr, as whoever mends it wants to see where it is."""
    if not isinstance(error, GraphrecError):
        traceback.print_exception(error)
    return reason(error)


def reason(error: BaseException) -> str:
    """Why something failed, in one line that names no place on this machine."""
    if not isinstance(error, GraphrecError):
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    said = (("expected", error.expected), ("got", error.got))
    parts = [error.problem, *(f"{name} {text}" for name, text in said if text is not None)]
    return "; ".join(" ".join(part.split()) for part in parts)


def slug(method: str) -> str:
    """A method's name as part of a folder's."""
    return method.lower().replace(" ", "-")
