"""One column of a user's own table as ids, numbers or times, with errors that name the row and the column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from graphrec.errors import DataError, nearest_name

_DELIMITERS = {"\t": "tab", ";": "`;`", "|": "`|`", ",": "comma"}


def require_column(names: Sequence[str], name: str, option: str, file: Path) -> None:
    """Refuse a table without the column that an option names.

    Args:
        names: the columns of the table.

    Raises:
        DataError: there is no such column; lists those that exist and the nearest.

    >>> require_column(["user", "item_id"], "item_id", "item", Path("log.csv"))
    >>> require_column(["user", "item_id"], "item", "item", Path("log.csv"))
    Traceback (most recent call last):
    graphrec.errors.DataError: no column `item`; did you mean `item_id`?
      expected: one of `user`, `item_id`
      got: `item` for the option item
      where: log.csv
      next step: set the option item; columns of a table without a header are counted from 0
    """
    if name in names:
        return
    nearest = nearest_name(name, names)
    step = f"set the option {option}; columns of a table without a header are counted from 0"
    other = [word for mark, word in _DELIMITERS.items() if mark in names[0]] if len(names) == 1 else []
    if other:
        step = f"the table came out as one column: set the option delimiter to {other[0]}"
    raise DataError(
        f"no column `{name}`" + (f"; did you mean `{nearest}`?" if nearest else ""),
        expected="one of " + ", ".join(f"`{column}`" for column in names),
        got=f"`{name}` for the option {option}",
        where=file,
        next_step=step,
    )


def as_ids(column: pd.Series, file: Path) -> pd.api.extensions.ExtensionArray:
    """External ids, `[N]` of pandas' dtype `str`; floats lose their `.0`.

    Raises:
        DataError: an id is missing, or a fraction.

    >>> as_ids(pd.Series([10.0, 2.0]), Path("log.parquet")).tolist()
    ['10', '2']
    """
    _refuse(column, column.isna(), "an id is missing", "an id in every row", file)
    if pd.api.types.is_float_dtype(column.dtype):
        # From 2^53 on a float cannot tell neighbouring whole numbers apart: two ids could become one.
        wrong = (column % 1 != 0) | (column.abs() >= 2.0**53)
        _refuse(column, wrong, "an id is not a whole number", "whole numbers or text", file)
        column = column.astype(np.int64)
    return column.astype(str).array


def as_numbers(column: pd.Series, file: Path) -> np.ndarray:
    """Finite numbers, `[N]` float64.

    Raises:
        DataError: a value is missing, not a number or not finite.

    >>> as_numbers(pd.Series(["4.5", "2"], name="rating"), Path("log.csv"))
    array([4.5, 2. ])
    """
    numbers = _parsed(column, pa.float64()).astype(np.float64)
    _refuse(column, ~np.isfinite(numbers), "a value is not a number", "a finite number in every row", file)
    return numbers.to_numpy()


def as_times(column: pd.Series, file: Path) -> tuple[np.ndarray, str]:
    """Times that sort, `[N]` int64, and their unit.

    Whole numbers stay as they are; ISO dates and times become microseconds since 1970 (UTC where no zone is
    given).

    Raises:
        DataError: a value is missing or neither.

    >>> as_times(pd.Series(["1970-01-02", "1970-01-01T00:00:01"], name="at"), Path("log.csv"))
    (array([86400000000,     1000000]), 'microseconds since 1970')
    """
    if not pd.api.types.is_datetime64_any_dtype(column.dtype):
        numbers = _parsed(column, pa.int64())
        # A single number makes it a column of numbers; ISO times among them are then errors.
        if numbers.notna().any():
            wrong = numbers.isna() | (numbers % 1 != 0) | (numbers.abs() >= 2.0**63)
            _refuse(column, wrong, "a time is not a whole number", "a whole number in every row", file)
            return numbers.to_numpy().astype(np.int64), "as given"
        column = column.astype(str).where(column.notna())
    times = pd.to_datetime(column, format="ISO8601", utc=True, errors="coerce")
    expected = "a whole number or an ISO time such as 2019-06-10T12:00:00 in every row"
    _refuse(column, times.isna(), "a time is neither a whole number nor an ISO time", expected, file)
    return times.dt.as_unit("us").astype(np.int64).to_numpy(), "microseconds since 1970"


def _parsed(column: pd.Series, kind: pa.DataType) -> pd.Series:
    """The numbers of a column, NaN where a value is none."""
    if isinstance(column.dtype, pd.StringDtype) and not column.hasnans:
        cells = pa.array(column)
        try:
            # Arrow reads `0x10` as the integer 16; pandas refuses it, as it does for fractions.
            if not pc.any(pc.match_substring(cells, "x", ignore_case=True)).as_py():
                return pd.Series(cells.cast(kind).to_numpy())
        except pa.ArrowInvalid:
            pass  # pandas is ten times slower, but reads more spellings and says which values are no numbers
    return pd.to_numeric(column, errors="coerce")


def _refuse(column: pd.Series, wrong: pd.Series, problem: str, expected: str, file: Path) -> None:
    if not wrong.any():
        return
    row = int(np.argmax(wrong))
    value = column.iloc[row]
    raise DataError(
        f"{problem} in {int(wrong.sum())} rows",
        expected=expected,
        got="an empty cell" if pd.isna(value) else repr(value),
        where=f"{file}, row {column.index[row] + 1} (without the header), column `{column.name}`",
        next_step="repair or remove these rows",
    )
