"""Results of an earlier call in a benchmark's folder, which no later call takes away."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from graphrec.errors import ANOTHER_FOLDER_OR_REMOVE, OUT, MismatchError, Phrase, RunError
from graphrec.experiments.benchmark.failures import reason
from graphrec.system.integrity import read_own_json

ABOUT = "about.json"
"""What the results were made of; `runs` has each run's folder."""


def run_folder(method: str, seed: int) -> str:
    """What the folder of a method's run is called.

    Example:
        >>> from graphrec.experiments.benchmark.existing_results import run_folder
        >>> run_folder("HCR beta 5", seed=0)
        'hcr-beta-5-0'
    """
    return f"{method.lower().replace(' ', '-')}-{seed}"


def refuse_to_lose_method(method: str, error: Exception, out: Path) -> None:
    """Refuse to write results without a method that has results in `out`, because its runs there do not fit.

    Raises:
        RunError: the error is a mismatch, and `out` has results of the method.

    Example:
        >>> from pathlib import Path
        >>> from graphrec.errors import MismatchError
        >>> from graphrec.experiments.benchmark import refuse_to_lose_method
        >>> Path("about.json").write_text('{"runs": {"ct-0": {}}}')
        22
        >>> refuse_to_lose_method("HCR", MismatchError("another recipe"), Path())  # HCR has no results there
        >>> try:
        ...     refuse_to_lose_method("CT", MismatchError("another recipe"), Path())
        ... except gr.errors.RunError as error:
        ...     print(error.problem, "/", error.got)
        the results here have CT, whose trainings do not fit what is asked now; nothing was changed / another recipe
    """
    exists = any(folder == run_folder(method, seed) for folder, seed in _existing_runs(out))
    if exists and isinstance(error, MismatchError):
        raise RunError(
            f"the results here have {method}, whose trainings do not fit what is asked now; nothing was changed",
            expected="the data and the recipe that they were made of",
            got=reason(error),
            where=error.where,
            next_step=ANOTHER_FOLDER_OR_REMOVE,
        ) from error


def refuse_to_lose_seeds(seeds: Sequence[int], out: Path) -> None:
    """Refuse to replace the results in `out` by results that lack one of their seeds; see `refuse_to_lose`.

    Example:
        >>> from pathlib import Path
        >>> from graphrec.experiments.benchmark.existing_results import refuse_to_lose_seeds
        >>> Path("about.json").write_text('{"runs": {"ct-0": {}, "ct-1": {}}}')
        34
        >>> refuse_to_lose_seeds([0, 1, 2], Path())
        >>> refuse_to_lose_seeds([0], Path())
        Traceback (most recent call last):
            ...
        graphrec.errors.RunError: the results here are of seeds that are not asked for
          expected: seeds 0, 1, or more
          got: 0
          where: .
          next step: ask for them, too, or choose another `out`
    """
    refuse_to_lose("seeds", {seed for _, seed in _existing_runs(out)}, seeds, out)


def refuse_to_lose(what: str, existing: Collection[Any], requested: Collection[Any], out: Path) -> None:
    """Refuse to replace the results in `out` by results that lack some of what is there.

    >>> refuse_to_lose("seeds", existing={0, 1}, requested=[0, 1, 2], out=Path("runs"))
    >>> refuse_to_lose("seeds", existing={0, 1}, requested=[0], out=Path("runs"))
    Traceback (most recent call last):
        ...
    graphrec.errors.RunError: the results here are of seeds that are not asked for
      expected: seeds 0, 1, or more
      got: 0
      where: runs
      next step: ask for them, too, or choose another `out`

    Args:
        what: what is counted, in words.
        existing: of these there are results in `out`.
        requested: of these the new results are.

    Raises:
        RunError: not all that exists is requested.
    """
    if set(existing) - set(requested):
        raise RunError(
            f"the results here are of {what} that are not asked for",
            expected=f"{what} {', '.join(map(str, sorted(existing)))}, or more",
            got=", ".join(map(str, requested)),
            where=out,
            next_step=Phrase("ask for them, too, or choose another {}", OUT),
        )


def _existing_runs(out: Path) -> list[tuple[str, int]]:
    """The run folder and the seed of each run behind the results in `out`."""
    about = out / ABOUT
    folders = read_own_json(about).get("runs", {}) if about.is_file() else {}
    # A method's name may have dashes, too: the seed is behind the last.
    return [(folder, int(folder.rpartition("-")[2])) for folder in folders]
