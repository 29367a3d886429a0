"""Stray quotes: they end in an error, or in the rows that are there; they never make one row of several."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphrec.data.prepare import prepare
from graphrec.data.readers import delimited
from graphrec.data.readers.text_blocks import read_blocks
from graphrec.data.store import load
from graphrec.errors import DataError

ROWS = [f"u{number % 7},i{number % 5},{number},title {number}" for number in range(40)]


def prepared(tmp_path: Path, rows: list[str], **options: str) -> int:
    """The number of events that the rows become."""
    (tmp_path / "log.csv").write_text("\n".join(["user,item,time,title", *rows]) + "\n")
    folder = prepare("table", tmp_path / "log.csv", tmp_path / "prepared", {"timestamp": "time", **options})
    return len(load(folder).interactions)


@pytest.mark.parametrize("distance", [1, 2, 3, 17])
@pytest.mark.parametrize("column", [0, 1, 3])
def test_two_stray_quotes_never_make_one_row_of_several(tmp_path: Path, distance: int, column: int) -> None:
    rows = list(ROWS)
    for index, is_last in ((5, False), (5 + distance, True)):
        cells = rows[index].split(",")
        cells[column] = f'{cells[column]}"' if is_last else f'"{cells[column]}'
        rows[index] = ",".join(cells)
    with pytest.raises(DataError):
        prepared(tmp_path, rows)


def test_two_stray_quotes_in_a_table_without_numbers_are_found(tmp_path: Path) -> None:
    rows = [row.rpartition(",")[0].rpartition(",")[0] for row in ROWS]
    rows[3], rows[6] = '"' + rows[3], rows[6] + '"'
    (tmp_path / "log.csv").write_text("\n".join(["user,item", *rows]) + "\n")
    with pytest.raises(DataError, match="looks like a row"):
        prepare("table", tmp_path / "log.csv", tmp_path / "prepared")


def test_the_error_names_the_line_that_would_have_been_lost(tmp_path: Path) -> None:
    rows = list(ROWS)
    rows[5], rows[8] = rows[5].replace("title", '"title'), rows[8] + '"'
    with pytest.raises(DataError, match="looks like a row") as caught:
        prepared(tmp_path, rows)
    assert caught.value.where == f"{tmp_path / 'log.csv'}:8" and "u6,i1,6" in str(caught.value.got)


def test_honest_values_across_lines_are_read(tmp_path: Path) -> None:
    rows = list(ROWS)
    rows[5] = 'u5,i0,5,"a title, in two lines,\nwith commas, and ""quotes"", and all"'
    rows[9] = 'u2,i4,9,"one\n\n\ntwo, three"'
    assert prepared(tmp_path, rows) == len(ROWS)


def test_quotes_across_a_block_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "read_blocks", lambda file: read_blocks(file, 64))
    rows = [row for _ in range(5) for row in ROWS]
    rows[40], rows[160] = rows[40].replace("title", '"title'), rows[160] + '"'
    with pytest.raises(DataError):
        prepared(tmp_path, rows)
