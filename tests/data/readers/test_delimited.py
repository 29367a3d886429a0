"""Reading delimited text in chunks."""

import gzip
from functools import partial

import numpy as np
import pytest

from graphrec.data.readers.chunks import Column, read_chunks
from graphrec.data.readers.text_blocks import read_blocks
from graphrec.errors import DataError

COLUMNS = {"a": Column(0, "int"), "x": Column(2, "float"), "b": Column(1, "str")}
NAMED = {"item": Column("item", "str"), "user": Column("user", "int")}


def whole(file, columns=COLUMNS, **options):
    chunks = list(read_chunks(file, columns, **{"delimiter": "\t", "width": 3, **options}))
    return {name: np.concatenate([chunk.columns[name] for chunk in chunks]).tolist() for name in columns}


def write(folder, content, name="log.txt"):
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize("rows", [1, 3, 100])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_chunks_join_and_lines_are_counted_over_empty_ones(tmp_path, rows, ending):
    text = "\ufeff" + "".join(f"{row}\tä{row % 2}\t{row / 4}{ending}{ending}" for row in range(10))
    file = write(tmp_path, text)
    columns = whole(file, rows=rows)
    assert columns == {
        "a": list(range(10)),
        "x": [row / 4 for row in range(10)],
        "b": [f"ä{row % 2}" for row in range(10)],
    }
    chunks = read_chunks(file, COLUMNS, delimiter="\t", width=3, rows=rows)
    lines = [chunk.where(row) for chunk in chunks for row in range(len(chunk))]
    assert lines == [f"{file}:{line}" for line in range(1, 20, 2)]
    with gzip.open(tmp_path / "log.gz", "wb") as stream:
        stream.write(file.read_bytes())
    assert whole(tmp_path / "log.gz", rows=rows) == columns


def test_chunks_hold_as_many_rows_as_asked(tmp_path):
    file = write(tmp_path, "1\tb\t2\n" * 10)
    chunks = list(read_chunks(file, COLUMNS, delimiter="\t", width=3, rows=4))
    assert [(len(chunk), chunk.first_row) for chunk in chunks] == [(4, 0), (4, 4), (2, 8)]
    types = {name: values.dtype for name, values in chunks[0].columns.items()}
    assert types == {"a": np.int64, "x": np.float64, "b": object}


def test_a_line_may_be_longer_than_a_block_up_to_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("graphrec.data.readers.delimited.read_blocks", partial(read_blocks, size=16))
    monkeypatch.setattr("graphrec.data.readers.text_blocks._LONGEST_LINE", 128)
    file = write(tmp_path, "".join(f"{row}\t{'b' * row}\t0\n" for row in range(1, 50)))
    assert whole(file)["a"] == list(range(1, 50))
    with pytest.raises(DataError, match="does not end") as caught:
        whole(write(tmp_path, "1\tb\t0\n" + "1" * 300))
    assert str(caught.value.where) == f"{file}:2"


@pytest.mark.parametrize("size", [1, 7, 64])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_blocks_of_any_size_give_the_same_rows_and_lines(tmp_path, monkeypatch, size, ending):
    monkeypatch.setattr("graphrec.data.readers.delimited.read_blocks", partial(read_blocks, size=size))
    text = f"{ending}user::item{ending}" + "".join(f"{row}::ä{row}{ending * 2}" for row in range(9))
    file = write(tmp_path, text)
    layout = {"delimiter": "::", "header": ("user", "item")}
    assert whole(file, NAMED, **layout) == {"user": list(range(9)), "item": [f"ä{row}" for row in range(9)]}
    file.write_text(text + f"x::y{ending}", newline="")
    with pytest.raises(DataError, match="column `user` is not a whole number") as caught:
        whole(file, NAMED, **layout)
    assert str(caught.value.where) == f"{file}:21"
    file.write_text(text + f"user::item{ending}", newline="")
    with pytest.raises(DataError, match="header") as caught:
        whole(file, NAMED, **layout)
    assert str(caught.value.where) == f"{file}:21"


@pytest.mark.parametrize(
    "wrong",
    [
        "7\tb",
        "7\tb\t1\t1",
        "7\tb\t",
        "7\t\t1",
        "x\tb\t1",
        "1.5\tb\t1",
        "0x10\tb\t1",
        " 0X1f\tb\t1",
        "7\tb\t0x10",
        "\tb\t1",
        f"{2**63}\tb\t1",
        f"{10**30}\tb\t1",
        "7\tb\tx",
        "7\tb\tinf",
        "7\tb\tnan",
        "7\tb\t1e999",
        "7\tb\0\t1",
        "7\tb\r7\tb\t1",
        "7\tb\t1\r7\tb\t1",
        b"7\t\xe4\t1",
        "   ",
    ],
)
@pytest.mark.parametrize("number", [0, 3, 7])
def test_the_wrong_line_is_named_wherever_it_is(tmp_path, wrong, number):
    lines = [b"1\tb\t0.5"] * 8
    lines[number] = wrong if isinstance(wrong, bytes) else wrong.encode()
    file = write(tmp_path, b"\n\n".join(lines))
    for rows in (2, 100):
        with pytest.raises(DataError) as caught:
            whole(file, rows=rows)
        assert str(caught.value.where) == f"{file}:{2 * number + 1}"


def test_only_whole_numbers_may_not_be_hexadecimal(tmp_path):
    file = write(tmp_path, 'user,item\n70,0x10\n8,"0X1F, or"\n')
    layout = {"delimiter": ",", "header": ("user", "item"), "quoted": True}
    assert whole(file, NAMED, **layout) == {"user": [70, 8], "item": ["0x10", "0X1F, or"]}
    file.write_text(file.read_text() + '"0x10",b\n')
    with pytest.raises(DataError, match="column `user` is not a whole number") as caught:
        whole(file, NAMED, **layout)
    assert str(caught.value.where) == f"{file}:4" and "0x10" in str(caught.value.got)


def test_only_optional_values_may_be_empty(tmp_path):
    file = write(tmp_path, "1\t\t\n2\tb\t3\n")
    columns = {"x": Column(2, "float", optional=True), "b": Column(1, "str", optional=True)}
    read = whole(file, columns)
    assert read["b"] == ["", "b"] and np.isnan(read["x"][0]) and read["x"][1] == 3
    with pytest.raises(DataError, match="column `x`"):
        whole(file, {"x": Column(2, "int", optional=True)})


def test_a_header_names_the_columns_in_any_order(tmp_path):
    for text in ("user,item\n1,a\n2,b\n", "item,note,user\na,n,1\nb,n,2\n"):
        file = write(tmp_path, text)
        assert whole(file, NAMED, delimiter=",", header=("user", "item")) == {"user": [1, 2], "item": ["a", "b"]}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("1,a\n", 1, "lacks `user`"),
        ("usr,item\n1,a\n", 1, "is it `usr`"),
        ("user;item\n1;a\n", 1, "lacks `user`"),
        ("user,item,user\n1,a,2\n", 1, "named twice"),
        ("user,item\n1,a\nuser,item\n2,b\n", 3, "header is repeated"),
        ("user,item\n1,a,b\n", 2, "wrong number of columns"),
    ],
)
def test_a_wrong_header_is_refused(tmp_path, text, line, message):
    file = write(tmp_path, text)
    with pytest.raises(DataError, match=message) as caught:
        whole(file, NAMED, delimiter=",", header=("user", "item"))
    assert str(caught.value.where) == f"{file}:{line}"


def test_columns_taken_by_position_need_the_very_header(tmp_path):
    file = write(tmp_path, "item,user\na,1\n")
    with pytest.raises(DataError, match="another order"):
        whole(file, {"user": Column(0, "int")}, delimiter=",", header=("user", "item"))


def test_a_repeated_header_among_texts_is_refused(tmp_path):
    file = write(tmp_path, "user,item\na,user,item\n".replace("a,", "") + "c,d\n")
    with pytest.raises(DataError, match="repeated"):
        whole(file, {"user": Column("user", "str")}, delimiter=",", header=("user", "item"))


def test_quotes_are_characters_unless_asked_for(tmp_path):
    file = write(tmp_path, '1\t"open\t0.5\n2\tclosed"\t1\n')
    assert whole(file)["b"] == ['"open', 'closed"']
    with pytest.raises(DataError, match="does not close") as caught:
        whole(file, quoted=True)
    assert str(caught.value.where) == f"{file}:1"
    assert whole(write(tmp_path, '1\t"a\tb""c"\t0.5\n'), quoted=True)["b"] == ['a\tb"c']


def test_a_delimiter_may_have_several_characters(tmp_path):
    file = write(tmp_path, "1::a:b::0.5\n2::c::1\n")
    assert whole(file, delimiter="::")["b"] == ["a:b", "c"]
    with pytest.raises(DataError, match="wrong number of columns"):
        whole(file, delimiter="||")


def test_files_that_cannot_be_read_are_typed_errors(tmp_path):
    with pytest.raises(DataError, match="not found"):
        whole(tmp_path / "nowhere.txt")
    for nothing in (b"", b"\n\r\n", b"\xef\xbb\xbf"):
        with pytest.raises(DataError, match="empty"):
            whole(write(tmp_path, nothing))
    with pytest.raises(DataError, match="no rows"):
        whole(write(tmp_path, "user,item\n"), NAMED, delimiter=",", header=("user", "item"))
    packed = gzip.compress(b"1\tb\t2\n" * 5000)
    for broken in (packed[: len(packed) // 2], packed[:-4], b"1\tb\t2\n", packed[:20] + b"\xff" * 9 + packed[29:]):
        file = write(tmp_path, broken, "log.gz")
        with pytest.raises(DataError, match=r"log\.gz"):
            whole(file)
    for encoding in ("utf-16", "utf-16-le", "utf-32"):
        with pytest.raises(DataError, match=r"log\.txt:1"):
            whole(write(tmp_path, "1\tb\t2\n".encode(encoding)))


def test_a_value_that_the_source_refuses_is_named(tmp_path):
    file = write(tmp_path, "\n1\tb\t2\n5\tb\t2\n")
    (chunk,) = read_chunks(file, COLUMNS, delimiter="\t", width=3)
    chunk.expect("a", chunk.columns["a"] < 9, "less than 9")
    assert chunk.where(1) == f"{file}:3"
    with pytest.raises(DataError, match="column `a` has a bad value") as caught:
        chunk.expect("a", chunk.columns["a"] < 5, "less than 5")
    assert (str(caught.value.where), str(caught.value.got)) == (f"{file}:3", "5")
