"""Text read line by line: matrices, lists of different lengths, and records of JSON or of Python literals."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphrec.data.readers.delimited import FIX_LINE
from graphrec.data.readers.text_blocks import read_blocks
from graphrec.errors import DataError

_NO_LITERAL = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)


def read_lines(file: Path) -> Iterator[tuple[str, str]]:
    r"""(`file:line`, text) of every line that is not empty.

    Raises:
        DataError: the file is missing, empty, not UTF-8, or a gzip that breaks off.

    >>> file = Path("lists.txt")
    >>> _ = file.write_text("0 7 8\n\n1 8\n")
    >>> list(read_lines(file))
    [('lists.txt:1', '0 7 8'), ('lists.txt:3', '1 8')]
    """
    empty = True
    for first, block in read_blocks(file):
        for number, line in enumerate(block.decode().split("\n"), start=first):
            if line.strip("\r"):
                empty = False
                yield f"{file}:{number}", line.rstrip("\r")
    if empty:
        raise DataError("the file is empty", where=file, next_step="obtain the file again")


def read_records(file: Path, keys: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(`file:line`, record) of every line: a JSON object, or a Python dict of literals, which is read and never run.

    Args:
        keys: what every record must have.

    Raises:
        DataError: a line is neither, or its record lacks a key.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "meta.json"
    ...     _ = file.write_text("\\n".join(['{"asin": "B1", "price": 9.5}', "{'asin': 'B2'}"]))
    ...     [record for _, record in read_records(file, ("asin",))]
    [{'asin': 'B1', 'price': 9.5}, {'asin': 'B2'}]
    """
    for where, line in read_lines(file):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            try:
                record = ast.literal_eval(line.strip())
            except _NO_LITERAL as error:
                got = f"{line[:80]!r} ({type(error).__name__})"
                expected = "a JSON object or a dict of Python literals"
                raise DataError(
                    "the line is not a record", expected=expected, got=got, where=where, next_step=FIX_LINE
                ) from None
        missing = [key for key in keys if not isinstance(record, dict) or key not in record]
        if missing:
            raise DataError(
                f"the record lacks `{missing[0]}`",
                expected="a record with " + ", ".join(keys),
                got=repr(line[:80]),
                where=where,
                next_step=FIX_LINE,
            )
        yield where, record
