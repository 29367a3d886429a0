"""What a run's folder records besides its results: its prepared data, and every opening of the test split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from graphrec.data.store import Manifest, fingerprint, read_manifest
from graphrec.errors import DataError, RunError
from graphrec.runs.files import LEDGER
from graphrec.runs.run import Run
from graphrec.system.integrity import require_intact


def prepared_manifest(run: Run) -> tuple[Manifest | None, str | None]:
    """The manifest of the data that a run was trained on, or why it cannot be shown.

    >>> manifest, problem = prepared_manifest(run)
    >>> manifest.provenance["source"], problem
    ('tiktok', None)
    """
    folder = Path(run.recipe.data.path)
    try:
        if fingerprint(folder) == run.manifest["dataset_fingerprint"]:
            return read_manifest(folder), None
        return None, f"the data at {folder} does not have the run's fingerprint"
    except DataError:
        return None, f"the prepared data is no longer at {folder}"


def ledger(run: Run) -> list[dict[str, Any]]:
    """Every opening of the test split: its `time` and `reason`.

    Raises:
        RunError: a line is not JSON.

    >>> from graphrec.testing.small_run import small_run
    >>> [entry["reason"] for entry in ledger(small_run())]
    ['evaluate']
    """
    path = run.folder / LEDGER
    if not path.is_file():
        return []
    require_intact(path, "restore it from a copy, or remove it and say so where you report the run")
    entries = []
    for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            entries.append(dict(json.loads(text)))
        except ValueError as error:
            raise RunError(
                "malformed line in the ledger of test openings",
                expected="a JSON object a line",
                got=str(error),
                where=f"{path}:{line}",
                next_step="repair or remove the line, and say so where you report the run",
            ) from None
    return entries
