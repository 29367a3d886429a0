"""Texts about MovieLens films that are not CSV: plots, and the films of the older editions.

ml_plot.zip or ml_plot.dat   movieId::word<TAB>word.., several plots of a film parted by `|`; published with ConvMF
movies.dat                   MovieID::Title::Genres, in Latin-1 (ml-1m) or UTF-8 (ml-10m)
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from graphrec.data.bags import count_bag
from graphrec.data.dataset import Feature
from graphrec.data.readers.text_blocks import BYTE_ORDER_MARK, open_text
from graphrec.errors import DataError

PLOTS = ("ml_plot.zip", "ml_plot.dat")
_MEMBER = "movielens/ml_plot.dat"
# Numbers of up to 18 digits fit into int64.
_NUMBER = re.compile(r"[0-9]{1,18}")


def read_plots(file: Path, items: pd.Index, least: int) -> Feature:
    """Bags of the words of each film's plots; films that are not in `items` are ignored.

    Args:
        least: words of fewer films are left out.

    Raises:
        DataError: names file and line.

    >>> from pathlib import Path
    >>> import pandas as pd
    >>> from graphrec.data.sources.movielens_texts import read_plots, write_plots
    >>> write_plots(Path("ml_plot.zip"), {10: ["space", "war"], 11: ["space", "love"], 12: ["space"]})
    >>> feature = read_plots(Path("ml_plot.zip"), pd.Index([10, 11, 99]), least=2)
    >>> feature.columns, feature.mask.tolist()
    (('space',), [True, True, False])
    >>> feature.provenance
    'ml_plot.zip, words counted, divided by their sum; 2 of 4 left out, in < 2 films'
    """
    rows: list[int] = []
    words: list[str] = []
    row_of = {film: row for row, film in enumerate(items.tolist())}
    for film, (text,) in _records(file, 2):
        row = row_of.get(film)
        if row is not None:
            plot = [word for word in text.replace("|", "\t").split("\t") if word]
            rows += [row] * len(plot)
            words += plot
    feature, rare = count_bag(rows, words, len(items), least=least)
    note = f"{file.name}, words counted, divided by their sum; {rare} of {len(words)} left out, in < {least} films"
    return replace(feature, provenance=note)


def read_dat_movies(file: Path) -> tuple[np.ndarray, list[str]]:
    """`[N]` film ids and their genres.

    Raises:
        DataError: names file and line.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.movielens_texts import read_dat_movies
    >>> _ = Path("movies.dat").write_text("1::Toy Story (1995)::Animation|Comedy")
    >>> read_dat_movies(Path("movies.dat"))
    (array([1]), ['Animation|Comedy'])
    """
    films, genres = [], []
    for film, (_, text) in _records(file, 3):
        films.append(film)
        genres.append(text)
    return np.asarray(films, dtype=np.int64), genres


def write_plots(file: Path, plots: Mapping[int, Sequence[str]]) -> None:
    """Write zipped plots, the same bytes each time.

    >>> import zipfile
    >>> from pathlib import Path
    >>> from graphrec.data.sources.movielens_texts import write_plots
    >>> write_plots(Path("ml_plot.zip"), {10: ["space", "war"]})
    >>> zipfile.ZipFile("ml_plot.zip").read("movielens/ml_plot.dat").split()
    [b'10::space', b'war']
    """
    text = "".join(f"{film}::" + "\t".join(words) + "\r\n" for film, words in plots.items())
    with zipfile.ZipFile(file, "w") as archive:
        # A `ZipInfo` without a time has the year 1980, not that of the call.
        archive.writestr(zipfile.ZipInfo(_MEMBER), text)


def _records(file: Path, width: int) -> Iterator[tuple[int, list[str]]]:
    """(film id, other columns) of every line; a film has one."""
    seen: set[int] = set()
    for number, line in _lines(file):
        where = f"{file}:{number}"
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            text = line.decode("latin-1")
        film, *rest = text.split("::")
        if len(rest) != width - 1 or not _NUMBER.fullmatch(film) or "\0" in text:
            expected = f"{width} columns separated by '::', the first a film's number"
            raise DataError("the line is malformed", expected=expected, got=repr(text[:80]), where=where)
        if int(film) in seen:
            raise DataError(f"film {film} has a second line", expected="one line a film", where=where)
        seen.add(int(film))
        yield int(film), rest
    if not seen:
        raise DataError("the file is empty", where=file)


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """(number, content) of every line that is not empty, of a file or of the one file in an archive."""
    # Not `read_lines`, which refuses lines that are not UTF-8.
    with open_text(file) as (stream, _):
        for number, line in enumerate(stream, start=1):
            if line.strip():
                yield number, line.removeprefix(BYTE_ORDER_MARK).rstrip(b"\r\n")
