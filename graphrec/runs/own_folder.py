"""Which files of a run's folder are graphrec's, where an earlier version wrote it without a marker."""

from __future__ import annotations

from pathlib import Path

from graphrec.errors import GraphrecError
from graphrec.runs.files import LEDGER, METRICS, PER_USER, RECIPE, REFUTATION, REFUTATION_FILES, TRAINING_FILES
from graphrec.runs.manifest import read_manifest
from graphrec.system.marker import is_marked
from graphrec.system.owned_folder import mark

KIND = "run"
WRITTEN_BY_EVERY_VERSION = {
    "schema",
    "status",
    "created",
    "environment",
    "dataset_fingerprint",
    "split_hash",
    "context",
}
"""Keys of the manifest in every version that wrote no marker."""


def files_of_an_earlier_version(folder: Path) -> list[str]:
    """The files in a folder without a marker that an earlier version wrote; none where it holds no run.

    >>> files_of_an_earlier_version(Path())
    []
    """
    folder = Path(folder)
    try:
        manifest = read_manifest(folder)
    except GraphrecError:
        return []
    # Nobody has all of these in a `run.json` of their own.
    if not ((folder / RECIPE).is_file() and manifest.keys() >= WRITTEN_BY_EVERY_VERSION):
        return []
    paths = [folder / name for name in (*TRAINING_FILES, LEDGER, METRICS)]
    paths += [
        *folder.glob(f"{PER_USER}/*.parquet"),
        *(folder / REFUTATION / name for name in REFUTATION_FILES),
    ]
    return [path.relative_to(folder).as_posix() for path in paths if path.is_file() and not path.is_symlink()]


def mark_run(folder: Path) -> None:
    """Give the folder of a run a marker, if an earlier version wrote it without one.

    >>> mark_run(run.folder)  # it has one
    """
    if not is_marked(folder):
        mark(folder, KIND, files_of_an_earlier_version(folder))
