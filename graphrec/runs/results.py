"""What was found of a run, in its folder, written and read in one place.

metrics.json                        by RESULT_SET/ESTIMAND: means and intervals
per_user/RESULT_SET-ESTIMAND.parquet      the values of each user behind them
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from graphrec.errors import Call, RunError, damaged
from graphrec.runs.old_names import RESULT_KEYS, with_new_keys
from graphrec.system.files import read_json, replace_file, write_json

METRICS, VALUES = "metrics.json", "per_user"


def save_found(folder: Path, result_set: str, estimand: str, per_user: pd.DataFrame, entry: dict[str, Any]) -> None:
    """Add what an evaluation found; nobody else may write there at the time."""
    with replace_file(_values_file(folder, result_set, estimand)) as path:
        per_user.to_parquet(path, index=False)
    write_json(folder / METRICS, load_metrics(folder) | {f"{result_set}/{estimand}": entry})


def load_metrics(folder: Path) -> dict[str, Any]:
    """By `RESULT_SET/ESTIMAND` what evaluations have found so far."""
    path = folder / METRICS
    entries = read_json(path) if path.is_file() else {}
    return {key: with_new_keys(entry, RESULT_KEYS) for key, entry in entries.items()}


def load_per_user(folder: Path, result_set: str, estimand: str) -> pd.DataFrame:
    """The values of each user under an estimand.

    Raises:
        RunError: it was not evaluated, or the file is damaged.
    """
    path = _values_file(folder, result_set, estimand)
    if f"{result_set}/{estimand}" not in load_metrics(folder) or not path.is_file():
        raise RunError(
            "not evaluated yet",
            got=f"`{estimand}` on {result_set}",
            where=folder,
            next_step=Call("run.evaluate([estimand])", "evaluate", "RUN", estimands="NAME"),
        )
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise damaged(path, str(error)[:300], "evaluate the run again") from None


def remove_found(folder: Path) -> None:
    """Remove all of it."""
    (folder / METRICS).unlink(missing_ok=True)
    shutil.rmtree(folder / VALUES, ignore_errors=True)


def _values_file(folder: Path, result_set: str, estimand: str) -> Path:
    return folder / VALUES / f"{result_set}-{estimand.replace(':', '_').replace('/', '_')}.parquet"
