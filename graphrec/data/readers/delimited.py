"""Delimited text of any length, parsed a block at a time by pyarrow's incremental CSV reader.

The parser counts rows and names the first that it cannot read. Which line of the file that is, is looked up only then,
so that a file without errors pays nothing for it.
"""

from __future__ import annotations

import csv as python_csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pyarrow import csv

from graphrec.data.readers.stray_quotes import ValuesAcrossLines
from graphrec.data.readers.text_blocks import line_at, open_text, read_blocks
from graphrec.errors import DataError

Kind = Literal["int", "float", "str", "text"]
"""What values are: a `str` is dictionary-encoded, which makes texts that repeat cheap, and a `text` is not."""
Quotes = Literal["none", "within a line", "across lines"]
"""Whether a value may be in double quotes: never (quotes are characters like others), without or with line breaks."""

FIX_LINE = "correct or remove the line"
_AGAIN = "check that it is the right file, or obtain it again"

_MARK = "\x1f"  # replaces a delimiter of several characters, which the parser does not support
_LF, _QUOTE = 10, 34
_TYPES = {"int": pa.int64(), "float": pa.float64(), "str": pa.dictionary(pa.int32(), pa.string()), "text": pa.string()}
_PROBLEMS = {"int": "is not a whole number", "float": "is not a number", "str": "is not a text"}
_EXPECTED = {"int": "a decimal integer of at most 64 bits", "float": "a finite decimal number", "str": "text"}
_LONE_RETURN = re.compile(rb"\r(?!\n|\Z)")
_HEXADECIMAL = re.compile(rb"0[xX]")
_INVALID_VALUE = re.compile(r"In CSV column #(\d+): Row #(\d+): .*?invalid value '(.*)'", re.DOTALL)


class DelimitedText:
    r"""A file of delimited text, plain, gzipped or zipped. Empty lines are skipped.

    Args:
        file: its path.
        delimiter: one or more characters; one only where values may be quoted.
        header: whether the first row names the columns.
        names: the names of the columns; by default those in the header, or else their positions from 0.
        quotes: whether values may be in double quotes.

    Raises:
        DataError: the file is missing or empty, or its first row cannot be read.

    >>> file = Path("log.csv")
    >>> _ = file.write_text("user,item\nann,7\n\nben,8\n")
    >>> text = DelimitedText(file, ",", header=True)
    >>> text.names, text.where(1)
    (['user', 'item'], 'log.csv:4')
    >>> [(first, table["1"].to_pylist()) for first, table in text.tables({1: "int"}, rows=1)]
    [(0, [7]), (1, [8])]
    """

    def __init__(
        self,
        file: Path,
        delimiter: str,
        *,
        header: bool,
        names: Sequence[str] | None = None,
        quotes: Quotes = "none",
    ) -> None:
        self.file, self.delimiter, self.quotes = Path(file), delimiter, quotes
        self._mark = delimiter if len(delimiter) == 1 else _MARK
        quoting = python_csv.QUOTE_NONE if quotes == "none" else python_csv.QUOTE_MINIMAL
        self._dialect: dict[str, Any] = {"delimiter": self._mark, "quoting": quoting}
        lines: list[str] = []
        try:
            first_row = next(filter(None, python_csv.reader(self._lines(lines), **self._dialect)), None)
        except python_csv.Error as error:
            raise DataError(
                "the first line cannot be parsed", got=str(error), where=self.file, next_step=_AGAIN
            ) from None
        if first_row is None:
            raise DataError("the file is empty", expected="at least one row", where=self.file, next_step=_AGAIN)
        self._header = "".join(lines).encode() if header else b""
        self.names = list(names or (first_row if header else map(str, range(len(first_row)))))

    def where(self, row: int) -> str:
        """`file:line` of the end of a row, counted from 0 below the header; reads the file up to there."""
        with open_text(self.file) as (stream, _):
            if self.quotes == "across lines":
                reader = python_csv.reader(io.TextIOWrapper(stream, "utf-8-sig", newline=""), **self._dialect)
                lines = (reader.line_num for cells in reader if cells)
            else:
                lines = (line for line, content in enumerate(stream, start=1) if content.strip(b"\r\n"))
            return f"{self.file}:{next(islice(lines, row + bool(self._header), None))}"

    def tables(self, kinds: Mapping[int, Kind], rows: int) -> Iterator[tuple[int, pa.Table]]:
        """(number of its first row, table) of every `rows` rows; an empty cell is null.

        Args:
            kinds: what the values are of each column to read, by its position; columns are named by their positions.

        Raises:
            DataError: as for `read_chunks`, except for what a cell may not be beyond its kind.
        """
        first = 0
        for table in _in_tables_of(self._batches(kinds), rows):
            yield first, table
            first += table.num_rows
        if first == 0:
            problem = "the file has no rows below its header"
            raise DataError(problem, expected="at least one row", where=self.file, next_step=_AGAIN)

    def value_error(self, position: int, kind: Kind, value: str, row: int) -> DataError:
        """The error for a cell that is not of its kind, or is empty."""
        return self._bad_value(position, kind, value, self.where(row))

    def _bad_value(self, position: int, kind: Kind, value: str, where: str) -> DataError:
        problem = _PROBLEMS[kind] if value else "is empty"
        got = repr(value.replace(self._mark, self.delimiter)[:80])
        return DataError(
            f"column `{self.names[position]}` {problem}",
            expected=_EXPECTED[kind],
            got=got,
            where=where,
            next_step=FIX_LINE,
        )

    def _lines(self, lines: list[str]) -> Iterator[str]:
        """The lines of the file, which are also appended to `lines`."""
        for _, block in read_blocks(self.file):
            for line in io.StringIO(block.decode(), newline=""):
                lines.append(line)
                yield line.replace(self.delimiter, self._mark)

    def _batches(self, kinds: Mapping[int, Kind]) -> Iterator[pa.RecordBatch]:
        """The rows of a block of the file at a time."""
        types = {str(position): _TYPES[kind] for position, kind in kinds.items()}
        end = "\0" + self._mark * len(self.names)
        integers = [position for position, kind in kinds.items() if kind == "int"]
        numbers = [position for position, kind in kinds.items() if kind in ("int", "float")]
        invalid: list[csv.InvalidRow] = []
        rows, ended = 0, False

        def refuse(row: csv.InvalidRow) -> str:
            nonlocal ended
            ended = row.text == end
            # In a user's own table a line of blanks counts as an empty line.
            if ended or (self.quotes == "across lines" and row.text.isspace() and self._mark not in row.text):
                return "skip"
            invalid.append(row)
            return "error"

        try:
            for batch in csv.open_csv(
                _Stream(self._blocks(end.encode(), integers, numbers)),
                # Only without threads does the parser know the number of a row.
                read_options=csv.ReadOptions(use_threads=False, column_names=[*map(str, range(len(self.names)))]),
                parse_options=csv.ParseOptions(
                    delimiter=self._mark,
                    quote_char=False if self.quotes == "none" else '"',
                    newlines_in_values=self.quotes == "across lines",
                    invalid_row_handler=refuse,
                ),
                convert_options=csv.ConvertOptions(
                    column_types=types,
                    include_columns=list(types),
                    null_values=[""],
                    strings_can_be_null=True,
                    check_utf8=False,
                ),
            ):
                rows += batch.num_rows
                yield batch
        except pa.ArrowInvalid as error:
            raise self._parse_error(str(error), invalid, kinds, rows) from None
        if not ended:
            raise self._open_quote(rows - 1)

    def _blocks(self, end: bytes, integers: Sequence[int], numbers: Sequence[int]) -> Iterator[bytes]:
        """The blocks of the file without the header, checked for what the parser would let pass.

        Args:
            end: a last line of a wrong width. It cannot be in the file, since it has a NUL byte: where the parser does
                not find it, a quote is open.
            integers: the positions of the columns of whole numbers.
            numbers: the positions of the columns of numbers of any kind.
        """
        unread, block = len(self._header), b""
        quoted = ValuesAcrossLines(self.file, self.delimiter, len(self.names), numbers)
        for number, content in read_blocks(self.file):
            if block:  # an empty one would end the stream
                yield block
            block = content[unread:]
            number += content.count(b"\n", 0, unread)
            unread -= min(unread, len(content))
            self._check_block(number, block)
            if self.quotes == "across lines":
                quoted.check(number, block)
            if integers and _HEXADECIMAL.search(block):
                self._refuse_hexadecimal(number, block, integers)
            if self._mark != self.delimiter:
                block = block.replace(self.delimiter.encode(), self._mark.encode())
        # In one piece with the last line: the parser lets a row cross from one block to the next, but not to a third.
        yield block + (b"" if block[-1:] in (b"", b"\n") else b"\n") + end + b"\n"

    def _check_block(self, number: int, block: bytes) -> None:
        """Refuse a repeated header; and where a value ends in its line, other line ends and quotes that stay open."""
        header = self._header.strip(b"\r\n")
        lines = b"\n" + block.replace(b"\r", b"\n") + b"\n"
        if header and (position := lines.find(b"\n" + header.replace(b"\r", b"\n") + b"\n")) >= 0:
            where = line_at(self.file, number, block, position)
            raise DataError("the header is repeated", where=where, next_step="remove the line")
        if self._mark != self.delimiter and self._mark.encode() in block:
            where = line_at(self.file, number, block, block.index(self._mark.encode()))
            raise DataError("the line holds a control character", got=repr(self._mark), where=where, next_step=FIX_LINE)
        if self.quotes != "across lines" and b"\r" in block and (lone := _LONE_RETURN.search(block)):
            where = line_at(self.file, number, block, lone.start())
            expected, step = "lines that end in LF or CR LF", "save the file with such line ends"
            raise DataError("the line holds a carriage return", expected=expected, where=where, next_step=step)
        if self.quotes == "within a line" and b'"' in block:
            content = np.frombuffer(block, dtype=np.uint8)
            line_of_quote = np.searchsorted(np.flatnonzero(content == _LF), np.flatnonzero(content == _QUOTE))
            odd = np.flatnonzero(np.bincount(line_of_quote) % 2)
            if len(odd):
                got = repr(block.split(b"\n", odd[0] + 1)[odd[0]].decode()[:80])
                where = f"{self.file}:{number + odd[0]}"
                raise DataError("a quote does not close in its line", got=got, where=where, next_step=FIX_LINE)

    def _refuse_hexadecimal(self, number: int, block: bytes, integers: Sequence[int]) -> None:
        """Refuse an integer such as `0x10`, which the parser would read as 16."""
        for line, content in enumerate(block.split(b"\n"), start=number):
            if not _HEXADECIMAL.search(content):
                continue
            text = content.decode().rstrip("\r").replace(self.delimiter, self._mark)
            try:
                cells = next(python_csv.reader([text], **self._dialect))
            except python_csv.Error:
                continue  # a value longer than the csv module's limit
            for position in integers:
                if position < len(cells) and cells[position].strip().lower().startswith("0x"):
                    raise self._bad_value(position, "int", cells[position], f"{self.file}:{line}")

    def _parse_error(
        self, message: str, invalid: Sequence[csv.InvalidRow], kinds: Mapping[int, Kind], rows: int
    ) -> DataError:
        """What the parser says of a row, in our words and with its line."""
        if invalid:
            row = invalid[0]
            return DataError(
                "wrong number of columns",
                expected=f"{row.expected_columns} columns separated by {self.delimiter!r}",
                got=f"{row.actual_columns}: {row.text.replace(self._mark, self.delimiter)[:80]!r}",
                where=self.where(row.number - 1),
                next_step=FIX_LINE,
            )
        if match := _INVALID_VALUE.search(message):
            position, number, value = int(match[1]), int(match[2]), match[3]
            return self.value_error(position, kinds[position], value, number - 1)
        if "straddling object" in message:
            return self._open_quote(rows, expected="a quote that closes within a mebibyte")
        return DataError("the file cannot be parsed", got=message, where=self.file, next_step=_AGAIN)

    def _open_quote(self, row: int, expected: str = "a quote that closes") -> DataError:
        where = f"{self.file}, row {row + 1} (without the header)"
        step = 'write a quote within a value as `""`'
        return DataError("a quote does not close", expected=expected, where=where, next_step=step)


class _Stream(io.RawIOBase):
    """Passes blocks to the parser as if they were the content of a file."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        # The parser accepts more and less than `size`.
        return next(self._blocks, b"")


def _in_tables_of(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """The batches joined and cut into tables of `rows` rows."""
    pending: list[pa.RecordBatch] = []
    for batch in batches:
        while batch.num_rows:
            pending.append(batch.slice(0, rows - sum(map(len, pending))))
            batch = batch.slice(len(pending[-1]))
            if sum(map(len, pending)) == rows:
                yield pa.Table.from_batches(pending)
                pending = []
    if pending:
        yield pa.Table.from_batches(pending)
