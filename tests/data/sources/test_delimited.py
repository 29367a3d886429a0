"""Reading delimited text in chunks."""

import pytest

from graphrec.data.sources.delimited import line_of, read_delimited
from graphrec.errors import DataError

COLUMNS = {"a": (0, int), "x": (2, float)}


def test_chunks_join_and_blank_lines_are_skipped(tmp_path):
    file = tmp_path / "log.txt"
    file.write_text("".join(f"{row}\tword\t{row / 4}\n\n" for row in range(10)))
    columns = read_delimited(file, 3, COLUMNS, rows_at_once=3)
    assert columns["a"].tolist() == list(range(10))
    assert columns["x"].tolist() == [row / 4 for row in range(10)]
    assert line_of(file, 4) == f"{file}:9"


def test_quotes_mean_nothing(tmp_path):
    file = tmp_path / "log.txt"
    file.write_text('1\t"open\t0.5\n2\tclosed"\t1\n')
    assert read_delimited(file, 3, COLUMNS)["a"].tolist() == [1, 2]


@pytest.mark.parametrize("wrong", ["7\tb", "7\tb\t1\t1", "x\tb\t1", "1.5\tb\t1", "\tb\t1", f"{2**63}\tb\t1", "7\tb\tx"])
@pytest.mark.parametrize("place", [0, 3, 7])
def test_the_wrong_line_is_named_wherever_it_is(tmp_path, wrong, place):
    lines = ["1\tb\t0.5"] * 8
    lines[place] = wrong
    file = tmp_path / "log.txt"
    file.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError) as caught:
        read_delimited(file, 3, COLUMNS, rows_at_once=2)
    assert str(caught.value.where) == f"{file}:{place + 1}"


def test_empty_and_missing_files_are_typed_errors(tmp_path):
    with pytest.raises(DataError, match="not found"):
        read_delimited(tmp_path / "nowhere.txt", 3, COLUMNS)
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(DataError, match="empty"):
        read_delimited(tmp_path / "empty.txt", 3, COLUMNS)
