"""Reading a user's own table: CSV, TSV, other delimited text, gzipped or zipped, and Parquet."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from graphrec.data.readers.delimited import DelimitedText
from graphrec.data.readers.raw_files import listing
from graphrec.data.readers.text_blocks import open_text
from graphrec.errors import DataError
from graphrec.system.parquet_bounds import require_bounded

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".zip", ".parquet")
_DELIMITER_NAMES = {"\\t": "\t", "tab": "\t", "space": " ", "comma": ","}


def find_table(raw: Path, delimiter: str | None, others: Collection[Path]) -> Path:
    """The table file: `raw` itself, or the only one in the folder `raw` that is none of `others`.

    Text files of another ending count only when a delimiter is given.

    Raises:
        DataError: there is no such file, or more than one.

    >>> Path("log.csv").touch(), Path("features.csv").touch()
    (None, None)
    >>> find_table(Path(), None, [Path("features.csv").resolve()]).name
    'log.csv'
    >>> find_table(Path(), None, [])
    Traceback (most recent call last):
    graphrec.errors.DataError: no single table here
      expected: a file, or a folder with exactly one of .csv, .tsv, .csv.gz, .tsv.gz, .zip, .parquet
      got: features.csv, log.csv
      where: .
      next step: give the file itself; a .txt needs the option delimiter
    """
    raw = Path(raw)
    if raw.is_file():
        return raw
    endings = (*_ENDINGS, ".txt", ".txt.gz") if delimiter else _ENDINGS
    tables = []
    if raw.is_dir():
        # A feature file may be a table, too.
        files = [file for file in sorted(raw.iterdir()) if file.is_file() and file.resolve() not in others]
        tables = [file for file in files if file.name.lower().endswith(endings)]
    if len(tables) != 1:
        raise DataError(
            "no single table here" if tables else "no table here",
            expected=f"a file, or a folder with exactly one of {', '.join(endings)}",
            got=", ".join(file.name for file in tables) or listing(raw),
            where=raw,
            next_step="give the file itself" + ("" if delimiter else "; a .txt needs the option delimiter"),
        )
    return tables[0]


class TableFile:
    """A table of delimited text or Parquet, which is read a piece at a time.

    Args:
        file: its path; its ending tells what it is.
        header: whether the first row of a text names the columns; else they are named "0", "1", ...
        delimiter: one character, or `tab`, `space` or `comma`; by default from the ending.

    Raises:
        DataError: the file cannot be read, is empty, or its delimiter is not known.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "log.csv"
    ...     _ = file.write_text('user,item,note\\na,1,"one, two"\\nb,2,\\n')
    ...     table = TableFile(file)
    ...     table.names, table.read().to_dict("list")
    (['user', 'item', 'note'], {'user': ['a', 'b'], 'item': ['1', '2'], 'note': ['one, two', nan]})
    """

    def __init__(self, file: Path, header: bool = True, delimiter: str | None = None) -> None:
        self.file = Path(file)
        self._text: DelimitedText | None = None
        if self.file.name.lower().endswith(".parquet"):
            with _unreadable_parquet(self.file):
                require_bounded(self.file)
                self.names = [str(name) for name in pq.read_schema(self.file).names]
        else:
            separator = _delimiter(self.file, delimiter)
            self._text = DelimitedText(self.file, separator, header=header, quotes="across lines")
            self.names = self._text.names

    def frames(self, columns: Collection[str] | None = None, rows: int = 100_000) -> Iterator[pd.DataFrame]:
        """Every `rows` rows with their numbers from 0 as index.

        Columns of a text are of pandas' dtype `str`; an empty cell is missing.

        Args:
            columns: the names of the columns to read, each in `names`; by default all.

        Raises:
            DataError: the file cannot be read or has no rows; or, with its line, a row has too few or too many columns,
                repeats the header, or is not UTF-8 text.
        """
        positions = {name: self.names.index(name) for name in (self.names if columns is None else columns)}
        start = 0
        for frame in self._text_frames(positions, rows) if self._text else self._parquet_frames(positions, rows):
            frame.index = pd.RangeIndex(start, start + len(frame))
            start += len(frame)
            yield frame
        if start == 0:
            step = "check that it is the right file"
            raise DataError("the table has no rows", expected="at least one", got="0", where=self.file, next_step=step)

    def read(self) -> pd.DataFrame:
        """All rows and columns of a table that fits in memory."""
        return pd.concat(self.frames())

    def _text_frames(self, positions: dict[str, int], rows: int) -> Iterator[pd.DataFrame]:
        assert self._text is not None
        for _, table in self._text.tables(dict.fromkeys(positions.values(), "text"), rows):
            yield table.to_pandas().set_axis(list(positions), axis=1)

    def _parquet_frames(self, positions: dict[str, int], rows: int) -> Iterator[pd.DataFrame]:
        with _unreadable_parquet(self.file), pq.ParquetFile(self.file) as file:
            for batch in file.iter_batches(batch_size=rows, columns=list(positions)):
                # The metadata may make a column the index, which then could not be read by its name.
                yield batch.to_pandas(ignore_metadata=True)


@contextmanager
def _unreadable_parquet(file: Path) -> Iterator[None]:
    """Report what pyarrow raises for a file that it cannot read; ArrowInvalid is a ValueError."""
    try:
        yield
    except (ValueError, OSError, NotImplementedError) as error:
        got = f"{type(error).__name__}: {error}"
        step = "write the table again, as Parquet or as CSV"
        raise DataError("the table cannot be read", got=got, where=file, next_step=step) from error


def _delimiter(file: Path, delimiter: str | None) -> str:
    if delimiter is not None:
        return _DELIMITER_NAMES.get(delimiter, delimiter)
    with open_text(file) as (_, name):
        ending = Path(name).suffix
    if ending not in _DELIMITERS:
        raise DataError(
            f"the delimiter of a `{ending}` file is not known",
            expected="the option delimiter, or a file that ends in .csv or .tsv",
            got=name,
            where=file,
            next_step="set the option delimiter, such as `,` or `tab`",
        )
    return _DELIMITERS[ending]
