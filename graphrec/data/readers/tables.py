"""Reading anyone's table: CSV, TSV, other delimited text, gzipped or zipped, and Parquet."""

from __future__ import annotations

import csv
import gzip
import io
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

import pandas as pd
import pyarrow.parquet as pq

from graphrec.data.readers.raw_files import listing
from graphrec.errors import DataError

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".zip", ".parquet")
# What gzip, zip, pandas and pyarrow raise for bytes they cannot read; ArrowInvalid is a ValueError.
_UNREADABLE = (ValueError, OSError, EOFError, BadZipFile, zlib.error, RuntimeError, NotImplementedError)


def find_table(raw: Path, delimiter: str | None, others: set[Path]) -> Path:
    """The table file: `raw` itself, or the only one in the folder `raw` that is none of `others`.

    Text files of another ending count only when a delimiter is given.

    Raises:
        DataError: there is no such file, or more than one.
    """
    raw = Path(raw)
    if raw.is_file():
        return raw
    endings = (*_ENDINGS, ".txt", ".txt.gz") if delimiter else _ENDINGS
    found = []
    if raw.is_dir():
        files = [file for file in sorted(raw.iterdir()) if file.is_file() and file.resolve() not in others]
        found = [file for file in files if file.name.lower().endswith(endings)]
    if len(found) != 1:
        raise DataError(
            "no single table here" if found else "no table here",
            expected=f"a file, or a folder with exactly one of {', '.join(endings)}",
            got=", ".join(file.name for file in found) or listing(raw),
            where=raw,
            next_step="give the file itself" + ("" if delimiter else "; a .txt needs the option delimiter"),
        )
    return found[0]


def read_table(path: Path, header: bool = True, delimiter: str | None = None) -> pd.DataFrame:
    """All columns of a table that fits in memory; otherwise as `read_frames`."""
    return pd.concat(read_frames(path, header, delimiter))


def read_frames(
    path: Path, header: bool = True, delimiter: str | None = None, rows: int = 250_000
) -> Iterator[pd.DataFrame]:
    """All columns of a table, `rows` rows at a time with their number from 0 as index.

    Columns of text files are strings; without a header they are named "0", "1", ...

    Raises:
        DataError: unreadable, empty, not UTF-8, a header that is repeated, or a line with too few or too many columns
            (named as file:line).
    """
    start = 0
    try:
        is_parquet = path.name.lower().endswith(".parquet")
        for frame in _parquet_frames(path, rows) if is_parquet else _text_frames(path, header, delimiter, rows):
            frame.columns = frame.columns.map(str)
            frame.index = pd.RangeIndex(start, start + len(frame))
            start += len(frame)
            yield frame
    except UnicodeDecodeError as error:
        step = "save the table as UTF-8"
        raise DataError("the table is not UTF-8 text", got=str(error), where=path, next_step=step) from None
    except _UNREADABLE as error:
        raise DataError("the table cannot be read", got=f"{type(error).__name__}: {error}", where=path) from error
    if start == 0:
        raise DataError("the table has no rows", expected="at least one", got="0", where=path)


def _parquet_frames(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=rows):
            yield batch.to_pandas(ignore_metadata=True)


def _text_frames(path: Path, header: bool, delimiter: str | None, rows: int) -> Iterator[pd.DataFrame]:
    delimiter = _delimiter(path, delimiter)
    try:
        with _opened(path) as (stream, _), warnings.catch_warnings():
            # pandas only warns when it cuts off the columns for which the header has no name
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frames = pd.read_csv(
                _WithoutNul(stream, path),  # type: ignore[call-overload]
                sep=delimiter,
                header=0 if header else None,
                dtype=str,
                index_col=False,
                encoding="utf-8-sig",
                low_memory=False,
                chunksize=rows,
            )
            for frame in frames:
                # A line that ends early is padded with missing values, as is an empty last cell: only a second look
                # can tell.
                if len(frame) and frame.iloc[:, -1].isna().any():
                    _find_ragged_line(path, delimiter)
                if header:
                    _refuse_header(frame, path)
                yield frame
    except pd.errors.EmptyDataError:
        raise DataError("the table is empty", where=path) from None
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        _find_ragged_line(path, delimiter)
        raise DataError("the table cannot be parsed", got=str(error), where=path) from None


def _refuse_header(frame: pd.DataFrame, path: Path) -> None:
    suspects = frame[frame.iloc[:, 0] == frame.columns[0]]
    repeated = suspects[(suspects == suspects.columns).all(axis=1)]
    if len(repeated):
        where = f"{path}, row {repeated.index[0] + 1} (without the header)"
        raise DataError("the header stands in the table again", where=where, next_step="remove the line")


class _WithoutNul(io.RawIOBase):
    """Passes on the bytes of a text; the parser would end a value at a NUL byte without a word."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream, self._path, self._line = stream, path, 1

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._stream.read(len(buffer))
        zero = content.find(b"\0")
        if zero >= 0:
            line = self._line + content.count(b"\n", 0, zero)
            step = "the table is damaged, or not UTF-8 text"
            raise DataError("the line holds a NUL byte", where=f"{self._path}:{line}", next_step=step)
        self._line += content.count(b"\n")
        buffer[: len(content)] = content
        return len(content)


def _find_ragged_line(path: Path, delimiter: str) -> None:
    with _opened(path) as (stream, _):
        reader = csv.reader(io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""), delimiter=delimiter)
        width: int | None = None
        try:
            for cells in reader:
                if not cells:
                    continue
                width = len(cells) if width is None else width
                if len(cells) != width:
                    raise DataError(
                        "wrong number of columns",
                        expected=f"{width} columns separated by {delimiter!r}, as in the first line",
                        got=f"{len(cells)}: {delimiter.join(cells)[:80]!r}",
                        where=f"{path}:{reader.line_num}",
                    )
        except csv.Error as error:
            raise DataError("the line cannot be parsed", got=str(error), where=f"{path}:{reader.line_num}") from None


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], str]]:
    """The (unpacked) bytes of a text table and the name of the file that they are."""
    name = path.name.lower()
    if name.endswith(".zip"):
        with ZipFile(path) as archive:
            members = [member for member in archive.namelist() if not member.endswith("/")]
            if len(members) != 1:
                got = ", ".join(members[:10]) or "none"
                raise DataError("a zip archive must hold one table", expected="one member", got=got, where=path)
            with archive.open(members[0]) as member_stream:
                yield member_stream, members[0].lower()
    elif name.endswith(".gz"):
        with gzip.open(path, "rb") as unzipped:
            yield unzipped, name.removesuffix(".gz")  # type: ignore[misc]
    else:
        with open(path, "rb") as plain:
            yield plain, name


def _delimiter(path: Path, given: str | None) -> str:
    if given is not None:
        return {"\\t": "\t", "tab": "\t", "space": " ", "comma": ","}.get(given, given)
    with _opened(path) as (_, name):
        ending = Path(name).suffix
    if ending not in _DELIMITERS:
        raise DataError(
            f"the delimiter of a `{ending}` file is not known",
            expected="the option delimiter, or a file that ends in .csv or .tsv",
            got=name,
            where=path,
            next_step="set the option delimiter, such as `,` or `tab`",
        )
    return _DELIMITERS[ending]
