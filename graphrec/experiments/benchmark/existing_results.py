"""What an earlier call left in a benchmark's folder, which no later one takes away."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from graphrec.errors import ANOTHER_FOLDER_OR_REMOVE, OUT, MismatchError, Phrase, RunError
from graphrec.experiments.benchmark.failures import reason
from graphrec.system.files import read_json

ABOUT = "about.json"
"""What the results were made of; `runs` has each run's folder."""


def run_folder(method: str, seed: int) -> str:
    """What the folder of a method's run is called."""
    return f"{method.lower().replace(' ', '-')}-{seed}"


def refuse_to_lose_method(method: str, error: Exception, out: Path) -> None:
    """Do not go on to results without a method that has some there, because its runs there do not fit.

    Raises:
        RunError: the error is a mismatch, and `out` has results of the method.
    """
    if isinstance(error, MismatchError) and any(folder == run_folder(method, seed) for folder, seed in _kept(out)):
        raise RunError(
            f"the results here have {method}, whose trainings do not fit what is asked now; nothing was changed",
            expected="the data and the recipe that they were made of",
            got=reason(error),
            where=error.where,
            next_step=ANOTHER_FOLDER_OR_REMOVE,
        ) from error


def refuse_to_lose_seeds(seeds: Sequence[int], out: Path) -> None:
    """Do not replace the results in `out` by those that lack one of their seeds; see `refuse_to_lose`."""
    refuse_to_lose("seeds", {seed for _, seed in _kept(out)}, seeds, out)


def refuse_to_lose(what: str, kept: Collection[Any], asked: Collection[Any], out: Path) -> None:
    """Do not replace the results in `out` by those that lack some of what is kept there.

    Raises:
        RunError: not all that is kept is asked for.
    """
    if set(kept) - set(asked):
        raise RunError(
            f"the results here are of {what} that are not asked for",
            expected=f"{what} {', '.join(map(str, sorted(kept)))}, or more",
            got=", ".join(map(str, asked)),
            where=out,
            next_step=Phrase("ask for them, too, or choose another {}", OUT),
        )


def _kept(out: Path) -> list[tuple[str, int]]:
    """The run folder and the seed of each run behind the results in `out`."""
    about = out / ABOUT
    folders = read_json(about).get("runs", {}) if about.is_file() else {}
    return [(folder, int(folder.rpartition("-")[2])) for folder in folders]
