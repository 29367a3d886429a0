"""Reading tables of every kind."""

import gzip
import zipfile
from functools import partial

import pandas as pd
import pytest

from graphrec.data.readers.tables import TableFile, find_table
from graphrec.data.readers.text_blocks import read_blocks
from graphrec.errors import DataError

TEXT = "user,item\na,x\nb,y\n"


def read(file):
    return TableFile(file).read()


@pytest.fixture
def files(tmp_path):
    (tmp_path / "log.csv").write_text(TEXT)
    (tmp_path / "marked.csv").write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    (tmp_path / "log.tsv").write_text(TEXT.replace(",", "\t"))
    with gzip.open(tmp_path / "log.csv.gz", "wt") as stream:
        stream.write(TEXT)
    with zipfile.ZipFile(tmp_path / "log.zip", "w") as archive:
        archive.writestr("folder/log.csv", TEXT)
    pd.DataFrame({"user": ["a", "b"], "item": ["x", "y"]}).to_parquet(tmp_path / "log.parquet")
    return tmp_path


@pytest.mark.parametrize("name", ["log.csv", "marked.csv", "log.tsv", "log.csv.gz", "log.zip", "log.parquet"])
def test_every_kind_gives_the_same_table(files, name):
    assert read(files / name).to_dict("list") == {"user": ["a", "b"], "item": ["x", "y"]}


def test_a_zip_with_two_members_is_refused(files):
    with zipfile.ZipFile(files / "log.zip", "a") as archive:
        archive.writestr("other.csv", TEXT)
    with pytest.raises(DataError, match="one member"):
        read(files / "log.zip")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("user,item\na,x\nb\n", 3),
        ("user,item\na,x\nb,y,z\n", 3),
        ("user,item\na,x,extra\n", 2),
        ('user,item\n"a\nb",x\n\nc\n', 5),
    ],
)
def test_a_ragged_line_is_named(tmp_path, text, line):
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(DataError, match="wrong number of columns") as caught:
        read(tmp_path / "log.csv")
    assert str(caught.value.where).endswith(f"log.csv:{line}")


def test_an_empty_last_cell_is_not_a_ragged_line(tmp_path):
    (tmp_path / "log.csv").write_text("user,item,note\na,x,\nb,y,hello\n")
    assert read(tmp_path / "log.csv")["note"].isna().tolist() == [True, False]


@pytest.mark.parametrize("name", ["log.csv.gz", "log.zip", "log.parquet"])
def test_damaged_archives_are_refused(files, name):
    content = (files / name).read_bytes()
    for broken in (b"", b"garbage", content[: len(content) // 2]):
        (files / name).write_bytes(broken)
        with pytest.raises(DataError, match=name):
            read(files / name)


def test_other_encodings_and_empty_tables_are_refused(tmp_path):
    file = tmp_path / "log.csv"
    file.write_bytes("user,item\né,x\n".encode("latin1"))
    with pytest.raises(DataError, match="UTF-8"):
        read(file)
    file.write_text("user,item\n")
    with pytest.raises(DataError, match="no rows"):
        read(file)


def test_a_folder_must_hold_one_table(files, tmp_path):
    with pytest.raises(DataError, match="no single table"):
        find_table(files, None, set())
    others = {file.resolve() for file in files.iterdir() if file.name != "log.tsv"}
    assert find_table(files, None, others).name == "log.tsv"
    with pytest.raises(DataError, match="no such folder"):
        find_table(tmp_path / "nowhere", None, set())


@pytest.mark.parametrize("name", ["log.csv", "log.parquet"])
def test_frames_number_the_rows_and_join_to_the_table(files, name):
    frames = list(TableFile(files / name).frames(rows=1))
    assert [frame.index.tolist() for frame in frames] == [[0], [1]]
    pd.testing.assert_frame_equal(pd.concat(frames), read(files / name))


@pytest.mark.parametrize("rows", [1, 10])
def test_a_second_header_and_a_nul_byte_are_refused(tmp_path, rows):
    file = tmp_path / "log.csv"
    file.write_text("user,item\na,x\nuser,item\nuser,y\n")
    with pytest.raises(DataError, match=r"log\.csv:3") as caught:
        list(TableFile(file).frames(rows=rows))
    assert "header" in caught.value.problem
    file.write_text("user,item\ra,x\ruser,item\r", newline="")
    with pytest.raises(DataError, match="header is repeated"):
        list(TableFile(file).frames(rows=rows))
    file.write_text("user,item\na,x\nuser,item,y\n")
    with pytest.raises(DataError, match="wrong number"):
        list(TableFile(file).frames(rows=rows))
    file.write_bytes(b"user,item\na,x\nb\0,y\n")
    with pytest.raises(DataError, match=r"log\.csv:3"):
        list(TableFile(file).frames(rows=rows))


def test_only_the_columns_asked_for_are_read_and_a_repeated_name_is_its_first_column(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("user,item,user,note\na,x,b,1\n")
    (frame,) = TableFile(file).frames(["item", "user"])
    assert frame.to_dict("list") == {"item": ["x"], "user": ["a"]}


@pytest.mark.parametrize("size", [9, 1 << 20])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_quoted_values_may_hold_delimiters_quotes_and_line_breaks(tmp_path, monkeypatch, size, ending):
    monkeypatch.setattr("graphrec.data.readers.delimited.read_blocks", partial(read_blocks, size=size))
    file = tmp_path / "log.csv"
    rows = ["item,note", 'x,"a, ""b"""', f'y,"one{ending}line"', 'z,5" disk', "v,"]
    for order in (rows, [rows[0], *reversed(rows[1:])]):
        for last in (ending, ""):
            file.write_text(ending.join(order) + last, newline="")
            table = TableFile(file).read().set_index("item")["note"].fillna("")
            assert table.to_dict() == {"x": 'a, "b"', "y": f"one{ending}line", "z": '5" disk', "v": ""}


@pytest.mark.parametrize("size", [9, 1 << 20])
@pytest.mark.parametrize(
    "text", ['user,item\na,x\nb,"y\nc,z\n', 'user,item\na,x\nb,"y', 'user,item\na,x\nb,"y\n' + "c,z\n" * 9]
)
def test_a_quote_that_stays_open_is_refused(tmp_path, monkeypatch, size, text):
    monkeypatch.setattr("graphrec.data.readers.delimited.read_blocks", partial(read_blocks, size=size))
    file = tmp_path / "log.csv"
    file.write_text(text)
    with pytest.raises(DataError, match="a quote does not close") as caught:
        read(file)
    assert str(caught.value.where) == f"{file}, row 2 (without the header)"


def test_lines_of_blanks_count_as_empty_lines_of_a_table(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("user,item\na,x\n   \nb,y\n \t \n")
    assert read(file)["user"].tolist() == ["a", "b"]
    file.write_text("user,item\na,x\n   \nb\n")
    with pytest.raises(DataError, match="wrong number of columns") as caught:
        read(file)
    assert str(caught.value.where) == f"{file}:4"


@pytest.mark.parametrize("name", ["log.csv.gz", "log.zip"])
def test_the_line_of_an_error_is_found_in_a_packed_table(tmp_path, name):
    text = "user,item\n\na,x\nb\n"
    if name.endswith(".gz"):
        (tmp_path / name).write_bytes(gzip.compress(text.encode()))
    else:
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("log.csv", text)
    with pytest.raises(DataError, match="wrong number of columns") as caught:
        read(tmp_path / name)
    assert str(caught.value.where) == f"{tmp_path / name}:4"
