"""Parquet files that unpack to far more than they hold: they are refused by their own metadata, before they are read.

A column of equal values takes a few bytes however many rows it has, and a compressed page may be a thousand times
smaller than its content. A log or a table of ids takes about a byte a row, so both bounds are far from honest files.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from graphrec.errors import DataError
from graphrec.system.memory import available_bytes

ROWS_OF_A_BYTE = 32
"""At most so many rows a byte of the file."""
EXPANSION = 200
"""At most so many bytes a byte of the file, beyond what is small."""
SMALL = 64 * 2**20
BYTES_OF_A_VALUE = 8
"""A value takes at least so many in a table in memory."""


def require_bounded(path: Path, columns: int | None = None) -> None:
    """Refuse a Parquet file whose metadata declares more than its size can honestly hold, or than memory can.

    Args:
        columns: how many of its columns are read; by default all.

    Raises:
        DataError: it declares too much.

    >>> import pyarrow as pa
    >>> constant = pa.DictionaryArray.from_arrays(pa.array([0] * 3_000_000, pa.int32()), ["ann"])
    >>> pq.write_table(pa.table({"user": constant}), "bomb.parquet")
    >>> require_bounded(Path("bomb.parquet"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    graphrec.errors.DataError: the file declares more than its size can hold
      expected: at most 32 rows for each of its ... bytes
      got: 3,000,000 rows
      where: bomb.parquet
      next step: check where the file comes from; if it is sound, write it as CSV
    """
    path = Path(path)
    metadata, size = pq.read_metadata(path), path.stat().st_size
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    chunks = [group.column(number) for group in groups for number in range(group.num_columns)]
    unpacked = sum(chunk.total_uncompressed_size for chunk in chunks)
    rows = max(metadata.num_rows, sum(group.num_rows for group in groups))
    in_memory = rows * BYTES_OF_A_VALUE * (metadata.num_columns if columns is None else columns)
    available = available_bytes()
    if rows > ROWS_OF_A_BYTE * size and in_memory > SMALL // 4:
        expected, got = f"at most {ROWS_OF_A_BYTE} rows for each of its {size:,} bytes", f"{rows:,} rows"
    elif unpacked > max(SMALL, EXPANSION * size):
        expected, got = f"at most {EXPANSION} times its {size:,} bytes", f"{unpacked:,} bytes when unpacked"
    elif available is not None and in_memory > available:
        expected, got = f"at most the {available:,} bytes that are available", f"{in_memory:,} bytes in memory"
    else:
        return
    raise DataError(
        "the file declares more than its size can hold",
        expected=expected,
        got=got,
        where=path,
        next_step="check where the file comes from; if it is sound, write it as CSV",
    )
