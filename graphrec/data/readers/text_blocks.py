"""The bytes of a text file in blocks of whole lines, checked to be text, from a plain, gzipped or zipped file."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

from graphrec.errors import DataError, file_not_found

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONGEST_LINE = 1 << 26
# What the file system, gzip and zip raise for bytes that they cannot read.
_UNREADABLE = (OSError, EOFError, zlib.error, BadZipFile, RuntimeError, NotImplementedError)


@contextmanager
def open_text(file: Path) -> Iterator[tuple[IO[bytes], str]]:
    r"""The unpacked bytes of a file, and the name of the text: that of the member of a `.zip`, that without `.gz`.

    Raises:
        DataError: the file is missing or breaks off, or a zip archive holds another number of files than one.

    >>> with gzip.open("log.csv.gz", "wb") as packed:
    ...     _ = packed.write(b"a,1\n")
    >>> with open_text(Path("log.csv.gz")) as (stream, name):
    ...     stream.read(), name
    (b'a,1\n', 'log.csv')
    """
    name = file.name.lower()
    try:
        if name.endswith(".zip"):
            with ZipFile(file) as archive, archive.open(_only_member(archive, file)) as member:
                yield member, member.name.lower()
        elif name.endswith(".gz"):
            with gzip.open(file, "rb") as unpacked:
                yield unpacked, name.removesuffix(".gz")  # type: ignore[misc]
        else:
            with open(file, "rb") as plain:
                yield plain, name
    except FileNotFoundError:
        raise file_not_found(file) from None
    except _UNREADABLE as error:
        got = f"{type(error).__name__}: {error}"
        problem = "the file cannot be unpacked" if file.suffix in (".gz", ".zip") else "the file cannot be read"
        raise DataError(problem, got=got, where=file, next_step="obtain the file again") from error


def _only_member(archive: ZipFile, file: Path) -> str:
    members = [member for member in archive.namelist() if not member.endswith("/")]
    if len(members) != 1:
        got = ", ".join(members[:10]) or "none"
        step = "unpack it, and give the file"
        raise DataError("a zip archive must hold one file", expected="one member", got=got, where=file, next_step=step)
    return members[0]


def read_blocks(file: Path, size: int = 1 << 20) -> Iterator[tuple[int, bytes]]:
    r"""(number of its first line, block) of a text file without its byte order mark; a block ends where a line ends.

    Args:
        size: bytes that are read at once; a block is longer only where a line is.

    Raises:
        DataError: the file is missing or breaks off, or a line holds a NUL byte, is not UTF-8 text, or is longer than
            64 MiB.

    >>> file = Path("log.csv")
    >>> _ = file.write_bytes(b"a,1\nb,2\nc,3\n")
    >>> list(read_blocks(file, size=10))
    [(1, b'a,1\nb,2\n'), (3, b'c,3\n')]
    """
    number, rest = 1, b""
    with open_text(file) as (stream, _):
        while more := stream.read(size):
            if number == 1 and not rest:
                more = more.removeprefix(BYTE_ORDER_MARK)
            end = more.rfind(b"\n") + 1
            if end:
                block, rest = rest + more[:end], more[end:]
                yield number, _checked(file, number, block)
                number += block.count(b"\n")
            else:
                rest += more
            # A file that is no text may have no line break, and would be read into memory whole.
            if len(rest) > _LONGEST_LINE:
                got = f"more than {_LONGEST_LINE:,} bytes without a line break"
                where, step = f"{file}:{number}", "check that it is the right file, and text"
                raise DataError("a line does not end", expected="lines of text", got=got, where=where, next_step=step)
    if rest:
        yield number, _checked(file, number, rest)


def line_at(file: Path, first_line: int, block: bytes, position: int) -> str:
    """`file:line` of a byte in a block.

    >>> line_at(Path("log.csv"), 10, b"a,1\\nb,2\\n", 4)
    'log.csv:11'
    """
    line = first_line + block.count(b"\n", 0, position)
    return f"{file}:{line}"


def _checked(file: Path, first_line: int, block: bytes) -> bytes:
    """The block. Parsers end a value at a NUL byte without a word, so that it is refused here."""
    position = block.find(b"\0")
    if position >= 0:
        where = line_at(file, first_line, block, position)
        step = "the file is damaged, or not UTF-8 text"
        raise DataError("the line holds a NUL byte", where=where, next_step=step)
    if not block.isascii():
        try:
            block.decode("utf-8")
        except UnicodeDecodeError as error:
            where, got = line_at(file, first_line, block, error.start), str(error)[:200]
            raise DataError(
                "the line is not UTF-8 text", got=got, where=where, next_step="save the file as UTF-8"
            ) from None
    return block
