"""Reading large delimited text: fast while it is right, exact about the line where it is not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from csv import QUOTE_NONE
from pathlib import Path

import numpy as np
import pandas as pd

from graphrec.errors import DataError


def read_delimited(
    path: Path,
    width: int,
    columns: Mapping[str, tuple[int, type]],
    delimiter: str = "\t",
    rows_at_once: int = 1_000_000,
) -> dict[str, np.ndarray]:
    """The wanted columns of a file in which every line has `width` columns.

    The file is parsed in chunks; only when a chunk does not parse is it read again line by line to name the
    culprit.

    Args:
        columns: for each name its position from 0, and `int` or `float` (an empty float is NaN).

    Returns:
        int64 and float64 arrays, one entry a line; blank lines are skipped.

    Raises:
        DataError: names file and line where the columns are too few or many, or a value is not a number.
    """
    kinds = {position: np.int64 if kind is int else np.float64 for position, kind in columns.values()}
    chunks: dict[str, list[np.ndarray]] = {name: [] for name in columns}
    trusted = True
    try:
        reader = pd.read_csv(
            path,
            sep=delimiter,
            header=None,
            dtype=kinds,
            chunksize=rows_at_once,
            quoting=QUOTE_NONE,
            low_memory=False,
            encoding="utf-8",
        )
        for chunk in _quietly(reader):
            if chunk.shape[1] != width:
                raise ValueError(f"{chunk.shape[1]} columns")
            # A line that ends early is padded with missing values.
            trusted &= not chunk[width - 1].isna().any()
            for name, (position, _) in columns.items():
                chunks[name].append(chunk[position].to_numpy())
    except FileNotFoundError:
        raise DataError("file not found", where=path) from None
    except pd.errors.EmptyDataError:
        raise DataError("the file is empty", where=path) from None
    except (ValueError, OverflowError, pd.errors.ParserError) as error:
        _find_wrong_line(path, width, columns, delimiter)
        raise DataError("the file cannot be parsed", got=str(error), where=path) from error
    if not trusted:
        _find_wrong_line(path, width, columns, delimiter)
    return {name: np.concatenate(parts) for name, parts in chunks.items()}


def _quietly(reader: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The chunks, without numpy's warning when pandas tries a cast that it then refuses itself."""
    while True:
        with np.errstate(invalid="ignore"):
            chunk = next(reader, None)
        if chunk is None:
            return
        yield chunk


def line_of(path: Path, row: int) -> str:
    """`file:line` of the `row`-th (from 0) line that is not blank."""
    with open(path, encoding="utf-8", errors="replace") as stream:
        rows = (number for number, line in enumerate(stream, start=1) if line.strip())
        for place, number in enumerate(rows):
            if place == row:
                return f"{path}:{number}"
    return str(path)


def _find_wrong_line(path: Path, width: int, columns: Mapping[str, tuple[int, type]], delimiter: str) -> None:
    """Raise for the first line that is not as promised; return if there is none."""
    with open(path, encoding="utf-8", errors="replace") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            cells = line.rstrip("\r\n").split(delimiter)
            if len(cells) != width:
                raise DataError(
                    "wrong number of columns",
                    expected=f"{width} columns separated by {delimiter!r}",
                    got=f"{len(cells)}: {line.strip()[:80]!r}",
                    where=f"{path}:{number}",
                )
            for name, (position, kind) in columns.items():
                if not _is_number(cells[position], kind):
                    raise DataError(
                        f"column `{name}` is not {'a whole number' if kind is int else 'a number'}",
                        expected="an integer of at most 64 bits" if kind is int else "a decimal number",
                        got=repr(cells[position][:80]),
                        where=f"{path}:{number}",
                    )


def _is_number(text: str, kind: type) -> bool:
    if kind is float and text.strip() == "":
        return True
    try:
        return not math.isinf(float(text)) if kind is float else -(2**63) <= int(text) < 2**63
    except ValueError:
        return False
