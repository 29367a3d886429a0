"""The bytes of a text file, plain or gzipped, in blocks of whole lines that know their place in the file."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from graphrec.errors import DataError

_READ_AT_ONCE = 1 << 24
_LONGEST_LINE = 1 << 26
_UNREADABLE = (OSError, EOFError, zlib.error)
_LF, _CR, _QUOTE = 10, 13, 34


class Block:
    """Some whole lines, and where those that are not empty lie: `starts`, `ends` (bytes) and `numbers`, `[N]` each.

    Args:
        first_line: the number in the file, from 1, of the first line.
    """

    def __init__(self, file: Path, content: bytes, first_line: int) -> None:
        view = np.frombuffer(content, dtype=np.uint8)
        ends = np.flatnonzero(view == _LF) + 1
        if len(content) and content[-1] != _LF:
            ends = np.append(ends, len(content))
        starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
        lengths, first = ends - starts, view[starts]
        empty = (first == _LF) & (lengths == 1)
        pairs = np.flatnonzero((first == _CR) & (lengths == 2))
        empty[pairs] = view[starts[pairs] + 1] == _LF
        filled = np.flatnonzero(~empty)
        self.file, self.content = file, content
        self.starts, self.ends, self.numbers = starts[filled], ends[filled], first_line + filled

    def lines(self, start: int, stop: int) -> bytes:
        """The bytes from the `start`-th to before the `stop`-th line that is not empty."""
        return self.content[self.starts[start] : self.ends[stop - 1]] if stop > start else b""

    def drop_first(self) -> None:
        """Leave out the first line that is not empty: the header."""
        self.starts, self.ends, self.numbers = self.starts[1:], self.ends[1:], self.numbers[1:]

    def row_at(self, position: int) -> int:
        """Which of the lines that are not empty holds a byte."""
        return int(np.searchsorted(self.ends, position, side="right"))

    def where(self, row: int) -> str:
        """`file:line` of a line that is not empty."""
        return f"{self.file}:{self.numbers[row]}"


def read_blocks(file: Path, rows: int) -> Iterator[Block]:
    """Every `rows` lines of a file (fewer where lines are long), without a byte order mark.

    Raises:
        DataError: the file is missing or breaks off, or a line is not UTF-8 text, or longer than 64 MiB.
    """
    number, held = 1, b""
    try:
        with gzip.open(file, "rb") if file.name.endswith(".gz") else open(file, "rb") as stream:
            while True:
                more = stream.read(_READ_AT_ONCE)
                if number == 1 and not held:
                    more = more.removeprefix(b"\xef\xbb\xbf")
                held += more
                ends = np.flatnonzero(np.frombuffer(held, dtype=np.uint8) == _LF) + 1
                count = rows if len(held) < _LONGEST_LINE else max(1, min(rows, len(ends)))
                start = 0
                for cut in ends[count - 1 :: count].tolist():
                    yield _checked(Block(file, held[start:cut], number))
                    number, start = number + count, cut
                held = held[start:]
                if not more:
                    break
                if len(held) > _LONGEST_LINE:
                    got = f"more than {_LONGEST_LINE:,} bytes without a line break"
                    raise DataError("a line does not end", expected="lines of text", got=got, where=f"{file}:{number}")
            if held:
                yield _checked(Block(file, held, number))
    except FileNotFoundError:
        raise DataError("file not found", where=file) from None
    except _UNREADABLE as error:
        got = f"{type(error).__name__}: {error}"
        problem = "the file cannot be unpacked" if file.name.endswith(".gz") else "the file cannot be read"
        raise DataError(problem, got=got, where=file, next_step="obtain the file again") from error


def check_quotes(block: Block) -> None:
    """Refuse a line in which a quote does not close: a parser would swallow the lines that follow.

    Raises:
        DataError: names file and line.
    """
    if b'"' not in block.content:
        return
    quotes = np.cumsum(np.frombuffer(block.content, dtype=np.uint8) == _QUOTE)
    odd = (quotes[block.ends - 1] - np.where(block.starts > 0, quotes[block.starts - 1], 0)) % 2 == 1
    if odd.any():
        row = int(np.argmax(odd))
        got = repr(block.lines(row, row + 1)[:80])
        raise DataError("a quote does not close in its line", got=got, where=block.where(row))


def _checked(block: Block) -> Block:
    zero = block.content.find(b"\0")
    if zero >= 0:
        step = "the file is damaged, or not UTF-8 text"
        raise DataError("the line holds a NUL byte", where=block.where(block.row_at(zero)), next_step=step)
    if not block.content.isascii():
        try:
            block.content.decode("utf-8")
        except UnicodeDecodeError as error:
            where = block.where(block.row_at(error.start))
            step = "save the file as UTF-8"
            raise DataError("the line is not UTF-8 text", got=str(error)[:200], where=where, next_step=step) from None
    return block
