"""Numbers of features as float32: what is not finite there is refused where its row and column are still known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from graphrec.errors import DataError


def finite_float32(
    values: np.ndarray, path: Path, *, rows: Sequence[str] | None = None, columns: Sequence[str] | None = None
) -> np.ndarray:
    """The numbers `[n, D]` as float32.

    A product with a NaN stays NaN through training, and a number beyond float32 would become infinite.

    Args:
        values: of any numeric type.
        path: of the file, for the error.
        rows: names of the rows, such as ids; by default their numbers from 0.
        columns: names of the columns; by default their numbers from 0.

    Raises:
        DataError: a value is not finite, or larger than float32 can hold.

    >>> finite_float32(np.array([[1.0, 2.0]]), Path("colours.parquet")).dtype
    dtype('float32')
    >>> finite_float32(np.array([[1.0, 1e39]]), Path("colours.parquet"), rows=["x"], columns=["red", "blue"])
    Traceback (most recent call last):
    graphrec.errors.DataError: 1 values are not finite
      expected: finite numbers of float32, at most 3.4e+38
      got: 1e+39
      where: colours.parquet, row x, column blue
      next step: a missing item is a row of zeros
    """
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    finite = np.isfinite(narrow)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        cell = f"row {row if rows is None else rows[row]}, column {column if columns is None else columns[column]}"
        counted = "" if rows is not None and columns is not None else " (counted from 0)"
        raise DataError(
            f"{int((~finite).sum())} values are not finite",
            expected=f"finite numbers of float32, at most {np.finfo(np.float32).max:.2g}",
            got=values[row, column],
            where=f"{path}, {cell}{counted}",
            next_step="a missing item is a row of zeros",
        )
    return narrow
