"""The folder of a benchmark: one process at a time, and always the same options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from graphrec.errors import ANOTHER_FOLDER_OR_REMOVE, RunError
from graphrec.system.files import LOCK, file_lock
from graphrec.system.integrity import read_own_json
from graphrec.system.owned_folder import claim, write_own_json

KIND, OPTIONS, PREPARED = "benchmark", "benchmark.json", "prepared"
RECIPE = ".toml"
"""Ends the options that are the hash of a recipe's file."""


@contextmanager
def lock_folder(out: str | Path, options: Mapping[str, str]) -> Iterator[Path]:
    """Lock the folder `out` for a benchmark with these options; yields the folder.

    Only a benchmark with the same options resumes what was begun there.

    Args:
        options: all that a result depends on and that is not checked elsewhere. (Prepared data is checked against its
            raw files, a run against its recipe; seeds may be added.)

    Raises:
        RunError: another process works there; `out` holds a benchmark with other options, or something else.

    Example:
        >>> from graphrec.experiments.benchmark.folder import lock_folder
        >>> with lock_folder("runs", {"benchmark": "kwai", "mode": "quick"}) as folder:
        ...     (folder / "prepared").mkdir()  # the data is there, so the options are fixed
        >>> with lock_folder("runs", {"benchmark": "kwai", "mode": "full"}):
        ...     pass
        Traceback (most recent call last):
            ...
        graphrec.errors.RunError: the folder holds a benchmark with other options
          expected: mode quick
          got: mode full
          where: runs
          next step: choose another `out`, or remove the folder
    """
    out = Path(out)
    options_file = out / OPTIONS
    claim(out, KIND)
    with file_lock(out / LOCK):
        begun = options_file.is_file() and (out / PREPARED).exists()  # nothing is mixed where there is no data yet
        if begun and (before := read_own_json(options_file)) != dict(options):
            raise _refusal(before, options, out)
        write_own_json(options_file, dict(options))
        yield out


def _refusal(before: Mapping[str, str], options: Mapping[str, str], out: Path) -> RunError:
    """The error that names every option that differs, or the other benchmark that owns the folder."""
    problem, next_step = "the folder holds a benchmark with other options", ANOTHER_FOLDER_OR_REMOVE
    owner, name = before.get("benchmark"), options.get("benchmark")
    if owner != name:
        return RunError(
            f"the folder is another benchmark's: {owner}'s",
            expected=f"a folder of its own for {name}",
            where=out,
            next_step=next_step,
        )
    expected, got = [], []
    for key in sorted({*before, *options}):
        if before.get(key) == options.get(key):
            continue
        if key.endswith(RECIPE):  # a hash, which says nothing to a reader
            recipe = f"recipe {key.removesuffix(RECIPE)}"
            expected.append(f"{recipe} as it was then")
            got.append(f"another version of {recipe}")
        else:
            expected.append(f"{key} {before.get(key) or 'none'}")
            got.append(f"{key} {options.get(key) or 'none'}")
    return RunError(problem, expected=", ".join(expected), got=", ".join(got), where=out, next_step=next_step)
