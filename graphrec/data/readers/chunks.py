"""Columns of a log whose layout is known, in chunks: memory is that of a few chunks, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from graphrec.data.readers.delimited import FIX_LINE, DelimitedText, Kind, Quotes
from graphrec.errors import DataError, nearest_name


@dataclass(frozen=True)
class Column:
    r"""A column to read, and what its values are.

    Args:
        key: its position from 0, or its name in the header.
        kind: `int` for int64, `float` for finite float64, `str` for text.
        optional: whether a value of kind `float` or `str` may be empty; it is then NaN or "".

    >>> file = Path("ratings.csv")
    >>> _ = file.write_text("7,4.5\n8,\n")
    >>> columns = {"user": Column(0, "int"), "stars": Column(1, "float", optional=True)}
    >>> read_all(file, columns, delimiter=",", width=2).columns["stars"]
    array([4.5, nan])
    """

    key: int | str
    kind: Kind
    optional: bool = False


@dataclass(frozen=True)
class Chunk:
    r"""Some consecutive rows of a file.

    Args:
        text: the file.
        columns: `[N]` int64, float64 or object arrays by name.
        first_row: number of the first row, from 0 below the header.

    >>> file = Path("ratings.csv")
    >>> _ = file.write_text("7,4.5\n8,9\n")
    >>> chunk = read_all(file, {"stars": Column(1, "float")}, delimiter=",", width=2)
    >>> len(chunk), chunk.where(1)
    (2, 'ratings.csv:2')
    >>> chunk.expect("stars", chunk.columns["stars"] <= 5, "at most 5 stars")
    Traceback (most recent call last):
    graphrec.errors.DataError: column `stars` has a bad value
      expected: at most 5 stars
      got: 9.0
      where: ratings.csv:2
      next step: correct or remove the line
    """

    text: DelimitedText
    columns: dict[str, np.ndarray]
    first_row: int

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @property
    def file(self) -> Path:
        return self.text.file

    def where(self, row: int) -> str:
        """`file:line` of a row of this chunk, counted from 0."""
        return self.text.where(self.first_row + row)

    def expect(self, column: str, valid: np.ndarray, expected: str) -> None:
        """Refuse the first row whose value is not valid.

        Args:
            valid: `[N]` bool.
            expected: what a valid value is, in words.

        Raises:
            DataError: names file, line, column and value.
        """
        if not valid.all():
            row = int(np.argmin(valid))
            raise DataError(
                f"column `{column}` has a bad value",
                expected=expected,
                got=self.columns[column][row],
                where=self.where(row),
                next_step=FIX_LINE,
            )


def read_chunks(
    file: Path,
    columns: Mapping[str, Column],
    *,
    delimiter: str,
    header: Sequence[str] | None = None,
    width: int = 0,
    quoted: bool = False,
    rows: int = 1_000_000,
) -> Iterator[Chunk]:
    r"""Some columns of delimited text, plain, gzipped or zipped, in chunks of `rows` rows. Empty lines are skipped.

    Args:
        columns: the columns to read, under the names that the chunks give them.
        delimiter: one or more characters.
        header: the names in the first line; None where there is no such line. Where every column has a name for its
            key, the names may be in any order with others among them; else the line must be exactly this.
        width: the number of columns, where there is no header.
        quoted: whether a value may be in double quotes (without a line break); else quotes are characters like others.

    Raises:
        DataError: the file is missing, empty, not UTF-8 text or an archive that breaks off; or, with file and line, has
            another header, a header twice, a NUL byte, too few or many columns, a quote that does not close, or a value
            that is missing or of another kind.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "ratings.csv"
    ...     _ = file.write_text("user,item,rating\n7,30,4.5\n8,30,2\n")
    ...     columns = {"user": Column("user", "int"), "stars": Column("rating", "float")}
    ...     for chunk in read_chunks(file, columns, delimiter=",", header=("user", "item", "rating")):
    ...         print(chunk.columns["user"], chunk.columns["stars"])
    [7 8] [4.5 2. ]
    """
    name_of = {column.key: name for name, column in columns.items()}
    names = [name_of.get(position, str(position)) for position in range(width)] if header is None else None
    quotes: Quotes = "within a line" if quoted else "none"
    text = DelimitedText(file, delimiter, header=header is not None, names=names, quotes=quotes)
    if header is not None:
        _check_header(text, columns, header)
    keys = {name: column.key for name, column in columns.items()}
    positions = {name: text.names.index(key) if isinstance(key, str) else key for name, key in keys.items()}
    for first, table in text.tables({positions[name]: column.kind for name, column in columns.items()}, rows):
        values = {name: _values(text, table, first, positions[name], column) for name, column in columns.items()}
        yield Chunk(text, values, first)


def read_all(file: Path, columns: Mapping[str, Column], **layout: Any) -> Chunk:
    r"""All rows of a small file as one chunk; the arguments are those of `read_chunks`.

    >>> file = Path("ratings.tsv")
    >>> _ = file.write_text("user\tstars\nann\t4\nben\t2\n")
    >>> columns = {"user": Column("user", "str"), "stars": Column("stars", "int")}
    >>> read_all(file, columns, delimiter="\t", header=("user", "stars")).columns
    {'user': array(['ann', 'ben'], dtype=object), 'stars': array([4, 2])}
    """
    (chunk,) = read_chunks(file, columns, **layout, rows=1 << 62)
    return chunk


def _check_header(text: DelimitedText, columns: Mapping[str, Column], header: Sequence[str]) -> None:
    names = text.names
    any_order = all(isinstance(column.key, str) for column in columns.values())
    missing = [name for name in header if names.count(name) != 1]
    if not missing and (any_order or names == list(header)):
        return
    problem = "the columns are in another order"
    if missing:
        nearest = nearest_name(missing[0], set(names) - set(header))
        problem = f"the header lacks `{missing[0]}`" + (f"; is it `{nearest}`?" if nearest else "")
    if missing and missing[0] in names:
        problem = f"the column `{missing[0]}` is named twice"
    raise DataError(
        problem,
        expected=f"the line {text.delimiter.join(header)!r}" + (" in any order" if any_order else ""),
        got=text.delimiter.join(names)[:200],
        where=text.where(-1),
        next_step="correct the first line, or obtain the file again",
    )


def _values(text: DelimitedText, table: pa.Table, first: int, position: int, column: Column) -> np.ndarray:
    """The values of a column in a table of rows, of which the first has the number `first`."""
    cells = table[str(position)]
    empty = cells.is_null().to_numpy()
    if cells.null_count and (column.kind == "int" or not column.optional):
        raise text.value_error(position, column.kind, "", first + int(np.argmax(empty)))
    if column.kind == "str":
        encoded = cells.unify_dictionaries().combine_chunks()
        encoded = encoded.chunk(0) if isinstance(encoded, pa.ChunkedArray) else encoded
        # An empty text behind the dictionary, at which the missing values point.
        texts = np.append(encoded.dictionary.to_numpy(zero_copy_only=False), "").astype(object)
        return texts[encoded.indices.fill_null(len(texts) - 1).to_numpy()]
    numbers = cells.to_numpy()
    # The parser takes the words `inf` and `nan` for numbers, and reads what is too large as infinite.
    wrong = ~np.isfinite(numbers) & ~empty
    if wrong.any():
        row = int(np.argmax(wrong))
        raise text.value_error(position, column.kind, str(numbers[row]), first + row)
    return numbers
