"""What was found of a run, in its folder, written and read in one place.

metrics.json                        by PART/ESTIMAND: means and intervals
per_user/PART-ESTIMAND.parquet      the values of each user behind them
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from graphrec.errors import Call, RunError, damaged
from graphrec.system.files import read_json, replace_file, write_json

METRICS, VALUES = "metrics.json", "per_user"


def save_found(folder: Path, part: str, estimand: str, per_user: pd.DataFrame, entry: dict[str, Any]) -> None:
    """Add what an evaluation found; nobody else may write there at the time."""
    with replace_file(_values_file(folder, part, estimand)) as path:
        per_user.to_parquet(path, index=False)
    write_json(folder / METRICS, load_metrics(folder) | {f"{part}/{estimand}": entry})


def load_metrics(folder: Path) -> dict[str, Any]:
    """By `PART/ESTIMAND` what evaluations have found so far."""
    path = folder / METRICS
    return read_json(path) if path.is_file() else {}


def load_per_user(folder: Path, part: str, estimand: str) -> pd.DataFrame:
    """The values of each user under an estimand.

    Raises:
        RunError: it was not evaluated, or the file is damaged.
    """
    path = _values_file(folder, part, estimand)
    if f"{part}/{estimand}" not in load_metrics(folder) or not path.is_file():
        raise RunError(
            "not evaluated yet",
            got=f"`{estimand}` on {part}",
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


def _values_file(folder: Path, part: str, estimand: str) -> Path:
    return folder / VALUES / f"{part}-{estimand.replace(':', '_').replace('/', '_')}.parquet"
