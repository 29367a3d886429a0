"""Values in quotes that run across lines: honest ones are text, but two stray quotes make one row of several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from graphrec.errors import DataError


class ValuesAcrossLines:
    r"""Follows the quotes of a file, block by block, and refuses a value across lines that swallows rows.

    A value does so if the line in which it begins has as many cells as a row, and so has a later line of it, with a
    number where a row has one, and no cell that is empty or begins with a blank. Prose has blanks after its commas.

    Args:
        file: for errors.
        delimiter: between cells.
        columns: how many a row has.
        numbers: the positions of columns of numbers.

    >>> rows = ValuesAcrossLines(Path("log.csv"), ",", columns=2, numbers=[])
    >>> rows.check(1, b'ann,"a title,\nin two lines"\nben,7\n')
    >>> rows.check(4, b'ann,"7\nben,8\ncho,9"\n')  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    graphrec.errors.DataError: a quoted value holds what looks like a row
      expected: a quote that closes in its row
      got: 'ben,8'
      where: log.csv:5
    ...
    """

    def __init__(self, file: Path, delimiter: str, columns: int, numbers: Sequence[int]) -> None:
        self.file, self.delimiter, self.columns, self.numbers = file, delimiter, columns, numbers
        mark = re.escape(delimiter.encode())
        # A cell that begins with a quote and does not end it in its line, or so it seems: `_is_open` looks closely.
        self._unclosed = re.compile(rb"(?:^|" + mark + rb')"(?:[^"\n]|"")*$', re.MULTILINE)
        self._is_open = False
        self._begins_in_row = False
        self._row: tuple[int, bytes] | None = None
        """The first line of the open value that looks like a row."""

    def check(self, number: int, block: bytes) -> None:
        """Look at whole lines, the first of which has this number.

        Raises:
            DataError: a value that swallows rows ends in them.
        """
        if not self._is_open and (b'"' not in block or not self._unclosed.search(block)):
            return
        lines = block.split(b"\n")
        unclosed = {block.count(b"\n", 0, match.end()) for match in self._unclosed.finditer(block)}
        for index, line in enumerate(lines):
            if self._is_open:
                self._follow(number + index, line)
            elif index in unclosed and self._ends_open(line, False):
                self._is_open, self._row = True, None
                self._begins_in_row = line.count(self.delimiter.encode()) + 1 == self.columns

    def _follow(self, number: int, line: bytes) -> None:
        """Look at a line within a value that began in an earlier one."""
        if self._row is None and self._begins_in_row and self._looks_like_a_row(line):
            self._row = number, line
        self._is_open = self._ends_open(line, True)
        if not self._is_open and self._row is not None:
            number, line = self._row
            raise DataError(
                "a quoted value holds what looks like a row",
                expected="a quote that closes in its row",
                got=repr(line.decode()[:80]),
                where=f"{self.file}:{number}",
                next_step='close the quote in a row before, or write it as `""`',
            )

    def _ends_open(self, line: bytes, is_open: bool) -> bool:
        """Whether a quoted cell is open at the end of a line. A quote opens only at the beginning of a cell."""
        text, mark = line.decode(errors="replace"), self.delimiter
        position, at_start = 0, not is_open
        while position < len(text):
            if is_open:
                end = text.find('"', position)
                if end < 0:
                    return True
                is_open = text[end + 1 : end + 2] == '"'  # two are a quote within the value
                position = end + 1 + is_open
                at_start = False
            elif at_start and text[position] == '"':
                is_open, position = True, position + 1
            else:
                end = text.find(mark, position)
                if end < 0:
                    return False
                position, at_start = end + len(mark), True
        return is_open

    def _looks_like_a_row(self, line: bytes) -> bool:
        cells = [cell.strip('"') for cell in line.decode(errors="replace").strip("\r\n").split(self.delimiter)]
        if len(cells) != self.columns or len(cells) < 2 or any(not cell or cell[0].isspace() for cell in cells):
            return False
        return all(_is_number(cells[position]) for position in self.numbers)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
