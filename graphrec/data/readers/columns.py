"""One column of anyone's table as ids, numbers or times, with errors that name the row and the column."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from graphrec.errors import DataError, nearest_name

_DELIMITERS = {"\t": "tab", ";": "`;`", "|": "`|`", ",": "comma"}


def find_column(frame: pd.DataFrame, name: str, option: str, path: Path) -> pd.Series:
    """The column called `name`.

    Raises:
        DataError: there is none; lists those that exist and the nearest.
    """
    if name in frame.columns:
        return frame[name]
    nearest = nearest_name(name, frame.columns)
    step = f"set the option {option}; columns of a table without a header are counted from 0"
    other = [word for mark, word in _DELIMITERS.items() if mark in str(frame.columns[0])]
    if frame.shape[1] == 1 and other:
        step = f"the table came out as one column: set the option delimiter to {other[0]}"
    raise DataError(
        f"no column `{name}`" + (f"; did you mean `{nearest}`?" if nearest else ""),
        expected=f"one of {_shown(frame.columns)}",
        got=f"`{name}` for the option {option}",
        where=path,
        next_step=step,
    )


def as_ids(column: pd.Series, path: Path) -> pd.Series:
    """External ids as strings; floats lose their `.0`.

    Raises:
        DataError: an id is missing, or a fraction.
    """
    _refuse(column, column.isna(), "an id is missing", "an id in every row", path)
    if pd.api.types.is_float_dtype(column.dtype):
        wrong = (column % 1 != 0) | (column.abs() >= 2.0**53)
        _refuse(column, wrong, "an id is not a whole number", "whole numbers or text", path)
        column = column.astype(np.int64)
    return column.astype(str)


def as_numbers(column: pd.Series, path: Path) -> np.ndarray:
    """Finite numbers, `[N]` float64.

    Raises:
        DataError: a value is missing, not a number or not finite.
    """
    numbers = pd.to_numeric(column, errors="coerce").astype(np.float64)
    _refuse(column, ~np.isfinite(numbers), "a value is not a number", "a finite number in every row", path)
    return numbers.to_numpy(np.float64)


def as_times(column: pd.Series, path: Path) -> tuple[np.ndarray, str]:
    """Times as `[N]` int64 that sort, and their unit.

    Whole numbers stay as they are; ISO dates and times become microseconds since 1970 (UTC where no zone is
    given).

    Raises:
        DataError: a value is missing or neither.
    """
    if not pd.api.types.is_datetime64_any_dtype(column.dtype):
        numbers = pd.to_numeric(column, errors="coerce")
        if numbers.notna().any():
            wrong = numbers.isna() | (numbers % 1 != 0) | (numbers.abs() >= 2.0**63)
            _refuse(column, wrong, "a time is not a whole number", "a whole number in every row", path)
            return numbers.to_numpy().astype(np.int64), "as given"
        column = column.astype(str).where(column.notna())
    times = pd.to_datetime(column, format="ISO8601", utc=True, errors="coerce")
    expected = "a whole number or an ISO time such as 2019-06-10T12:00:00 in every row"
    _refuse(column, times.isna(), "a time is neither a whole number nor an ISO time", expected, path)
    return times.dt.as_unit("us").astype(np.int64).to_numpy(), "microseconds since 1970"


def _refuse(column: pd.Series, wrong: Iterable[bool], problem: str, expected: str, path: Path) -> None:
    flags = np.asarray(wrong, dtype=bool)
    if not flags.any():
        return
    row = int(np.argmax(flags))
    raise DataError(
        f"{problem} in {int(flags.sum())} rows",
        expected=expected,
        got=repr(column.iloc[row]),
        where=f"{path}, row {column.index[row] + 1} (without the header), column `{column.name}`",
        next_step="repair or remove these rows",
    )


def _shown(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
