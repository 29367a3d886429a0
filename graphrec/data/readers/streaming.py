"""Reading a log of any length: text in chunks, events gathered into a dataset.

Memory is the result and a few chunks, whatever the number of rows. A chunk is parsed at once; only one that is not as
promised is halved until the culprit is found, so that an error names the line at no cost to a log without one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pyarrow import csv

from graphrec.data.readers.events import EventBuilder
from graphrec.data.readers.text_blocks import Block, check_quotes, read_blocks
from graphrec.errors import DataError, nearest_name

__all__ = ["Chunk", "Column", "EventBuilder", "read_all", "read_chunks"]

_MARK = b"\x1f"  # stands for a delimiter of several characters, which the parser does not know
_TYPES = {"int": pa.int64(), "float": pa.float64(), "str": pa.dictionary(pa.int32(), pa.string())}
_PROBLEMS = {"int": "is not a whole number", "float": "is not a number", "str": "is not a text"}
_EXPECTED = {"int": "an integer of at most 64 bits", "float": "a finite decimal number", "str": "text"}


@dataclass(frozen=True)
class Column:
    """A column that is wanted: its position from 0 or its name in the header, and what its values are.

    Where `optional`, a value of kind float or str may be empty: NaN or "".
    """

    place: int | str
    kind: Literal["int", "float", "str"]
    optional: bool = False


@dataclass(frozen=True)
class Chunk:
    """Some consecutive rows of a file: int64, float64 or object arrays by name, and the line of each row."""

    file: Path
    columns: dict[str, np.ndarray]
    numbers: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def first_line(self) -> int:
        return int(self.numbers[0])

    def lines(self, mask: np.ndarray) -> np.ndarray:
        """Line numbers in the file, from 1, of the rows that `mask` marks."""
        return self.numbers[mask]

    def expect(self, column: str, right: np.ndarray, expected: str) -> None:
        """Refuse the first row that `right` does not mark.

        Raises:
            DataError: names file, line, column and value.
        """
        if not right.all():
            row = int(np.argmin(right))
            raise DataError(
                f"column `{column}` has a bad value",
                expected=expected,
                got=self.columns[column][row],
                where=f"{self.file}:{self.numbers[row]}",
            )


def read_chunks(
    file: Path,
    columns: Mapping[str, Column],
    *,
    delimiter: str,
    header: Sequence[str] | None = None,
    width: int | None = None,
    quoted: bool = False,
    rows: int = 1_000_000,
) -> Iterator[Chunk]:
    """The wanted columns of delimited text, plain or (by the ending .gz) gzipped, in chunks of `rows` lines.

    Lines that are empty are skipped and still counted.

    Args:
        columns: what is wanted, under the names that the chunks give it.
        delimiter: one or more characters.
        header: the names in the first line; None where there are none. Where every column is wanted by name, the names
            may be in any order with others among them; else the line must be just this.
        width: the number of columns; by default that of the first line.
        quoted: whether a value may stand in double quotes (without a line break); else they are characters like others.

    Raises:
        DataError: the file is missing, empty, not UTF-8 text or a gzip that breaks off; or, with file and line, has
            another header, a header twice, a NUL byte, too few or many columns, a quote that does not close, or a value
            that is missing or of another kind.
    """
    file = Path(file)
    layout: _Layout | None = None
    empty = True
    for block in read_blocks(file, rows):
        if quoted:
            check_quotes(block)
        if layout is None and len(block.numbers):
            layout = _layout(block, columns, delimiter, header, width, quoted)
            if header is not None:
                block.drop_first()
        if layout is not None and len(block.numbers):
            empty = False
            yield _chunk(block, layout)
    if empty:
        problem = "the file is empty" if layout is None else "the file has no rows below its header"
        raise DataError(problem, expected="at least one row", where=file)


def read_all(file: Path, columns: Mapping[str, Column], **layout: Any) -> Chunk:
    """All rows of a file that is known to be small, as one chunk; the arguments are those of `read_chunks`."""
    chunks = list(read_chunks(file, columns, **layout))
    joined = {name: np.concatenate([chunk.columns[name] for chunk in chunks]) for name in columns}
    return Chunk(file, joined, np.concatenate([chunk.numbers for chunk in chunks]))


@dataclass(frozen=True)
class _Layout:
    """How a line is to be read: positions and kinds of the wanted columns, and the line that names them."""

    columns: dict[str, tuple[int, Column]]
    width: int
    delimiter: bytes
    quoted: bool
    header: bytes | None


def _layout(
    block: Block,
    columns: Mapping[str, Column],
    delimiter: str,
    header: Sequence[str] | None,
    width: int | None,
    quoted: bool,
) -> _Layout:
    """The layout of a file that begins with `block`."""
    line, where = block.lines(0, 1), block.where(0)
    separator = delimiter.encode()
    cells = _cells(line, separator, quoted)
    if header is None:
        places = {name: (int(column.place), column) for name, column in columns.items()}
        needed = max(place for place, _ in places.values()) + 1
        if needed > (width or len(cells)):
            raise _wrong_width(f"at least {needed}", delimiter, cells, line, where)
        return _Layout(places, width or len(cells), separator, quoted, None)
    named = all(isinstance(column.place, str) for column in columns.values())
    expected = f"the line {delimiter.join(header)!r}" + (" in any order" if named else "")
    missing = [name for name in header if cells.count(name) != 1]
    if missing or (not named and cells != list(header)):
        nearest = nearest_name(missing[0], set(cells) - set(header)) if missing else None
        if cells.count(missing[0] if missing else "") > 1:
            problem = f"the column `{missing[0]}` is named twice"
        else:
            problem = f"the header lacks `{missing[0]}`" if missing else "the columns are in another order"
        raise DataError(
            problem + (f"; is it `{nearest}`?" if nearest else ""),
            expected=expected,
            got=line.decode().strip()[:200],
            where=where,
        )
    places = {
        name: (cells.index(column.place) if isinstance(column.place, str) else column.place, column)
        for name, column in columns.items()
    }
    return _Layout(places, len(cells), separator, quoted, line.strip())


def _chunk(block: Block, layout: _Layout) -> Chunk:
    _check_header(block, layout)
    try:
        return Chunk(block.file, _parse(block, layout, 0, len(block.numbers)), block.numbers)
    except ValueError:
        low, high = 0, len(block.numbers)
        while high - low > 1:
            middle = (low + high) // 2
            try:
                _parse(block, layout, low, middle)
                low = middle
            except ValueError:
                high = middle
        raise _wrong_line(block, layout, low) from None


def _check_header(block: Block, layout: _Layout) -> None:
    """Refuse a second header, which may well look like a row."""
    found = block.content.find(layout.header) if layout.header else -1
    while found >= 0:
        row = block.row_at(found)
        if block.lines(row, row + 1).strip() == layout.header:
            raise DataError("the header stands here again", where=block.where(row), next_step="remove the line")
        found = block.content.find(layout.header or b"", found + 1)


def _parse(block: Block, layout: _Layout, start: int, stop: int) -> dict[str, np.ndarray]:
    """The wanted columns of some lines; a ValueError where a line is not as promised."""
    content, delimiter = block.lines(start, stop), layout.delimiter
    if len(delimiter) > 1:
        if _MARK in content:
            raise ValueError("the line holds a control character")
        content, delimiter = content.replace(delimiter, _MARK), _MARK
    names = [str(place) for place in range(layout.width)]
    table = csv.read_csv(
        pa.BufferReader(content),
        read_options=csv.ReadOptions(use_threads=False, column_names=names, block_size=len(content) + 1),
        parse_options=csv.ParseOptions(delimiter=delimiter.decode(), quote_char='"' if layout.quoted else False),
        convert_options=csv.ConvertOptions(
            column_types={names[place]: _TYPES[column.kind] for place, column in layout.columns.values()},
            include_columns=[*dict.fromkeys(names[place] for place, _ in layout.columns.values())],
            null_values=[""],
            strings_can_be_null=True,
            check_utf8=False,
        ),
    )
    if table.num_rows != stop - start:  # a carriage return alone ends a row for the parser, and nothing else does
        raise ValueError("the line holds a carriage return")
    return {name: _values(table[names[place]], column) for name, (place, column) in layout.columns.items()}


def _values(column: pa.ChunkedArray, wanted: Column) -> np.ndarray:
    if column.null_count and (wanted.kind == "int" or not wanted.optional):
        raise ValueError("a value is missing")
    if wanted.kind != "str":
        values = column.to_numpy()
        if wanted.kind == "float" and (np.isinf(values).any() or np.isnan(values).sum() != column.null_count):
            raise ValueError("a value is not finite")
        return values
    encoded = column.unify_dictionaries().combine_chunks()
    encoded = encoded.chunk(0) if isinstance(encoded, pa.ChunkedArray) else encoded
    texts = np.append(encoded.dictionary.to_numpy(zero_copy_only=False), "").astype(object)
    return texts[encoded.indices.fill_null(len(texts) - 1).to_numpy()]


def _wrong_line(block: Block, layout: _Layout, row: int) -> DataError:
    """What is wrong with a line that does not parse."""
    line = block.lines(row, row + 1)
    where, delimiter = block.where(row), layout.delimiter.decode()
    cells = _cells(line, layout.delimiter, layout.quoted)
    if len(cells) != layout.width:
        return _wrong_width(str(layout.width), delimiter, cells, line, where)
    for name, (place, column) in layout.columns.items():
        alone = _Layout({name: (place, column)}, layout.width, layout.delimiter, layout.quoted, None)
        try:
            _parse(block, alone, row, row + 1)
        except ValueError:
            problem = "is empty" if cells[place] == "" else _PROBLEMS[column.kind]
            got = repr(cells[place][:80])
            return DataError(f"column `{name}` {problem}", expected=_EXPECTED[column.kind], got=got, where=where)
    return DataError("the line cannot be parsed", got=repr(line[:80]), where=where)


def _wrong_width(expected: str, delimiter: str, cells: list[str], line: bytes, where: str) -> DataError:
    return DataError(
        "wrong number of columns",
        expected=f"{expected} columns separated by {delimiter!r}",
        got=f"{len(cells)}: {line.decode().strip()[:80]!r}",
        where=where,
    )


def _cells(line: bytes, delimiter: bytes, quoted: bool) -> list[str]:
    """The cells of one line as text."""
    text = line.decode().rstrip("\r\n")
    if not (quoted and '"' in text):
        return text.split(delimiter.decode())
    cells, open_quote = [""], False
    for character in text:
        open_quote ^= character == '"'
        if character == delimiter.decode() and not open_quote:
            cells.append("")
        elif character != '"':
            cells[-1] += character
    return cells
