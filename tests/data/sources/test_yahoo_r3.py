"""The source `yahoo_r3`."""

import pytest

from graphrec.data.sources.yahoo_r3 import FILES, YahooR3, YahooR3Options
from graphrec.errors import DataError
from graphrec.testing import SourceContract


class TestYahooR3(SourceContract):
    source = "yahoo_r3"


def write(raw, train, test):
    for name, text in zip(FILES, (train, test), strict=True):
        (raw / name).write_text(text)


def test_chosen_ratings_are_train_and_random_ones_test(tmp_path):
    write(tmp_path, "1\t7\t5\n1\t8\t4\n2\t7\t1\n10\t8\t5\n", "1\t9\t4\n2\t8\t2\n")
    dataset = YahooR3.load(tmp_path, YahooR3Options(valid=0.2))
    assert dataset.user_ids.tolist() == ["1", "2", "10"]
    assert dataset.item_ids.tolist() == ["7", "8", "9"]
    events = dataset.interactions
    assert events.query("part == 'test'")["behaviour"].value_counts().to_dict() == {"click": 2, "like": 1}
    assert events.query("part == 'valid'")["behaviour"].value_counts().to_dict() == {"click": 1, "like": 1}
    assert len(dataset.pairs("click")) == 6
    assert dataset.provenance["randomised_exposure"] == "test"
    assert not dataset.features


@pytest.mark.parametrize(
    ("line", "message"),
    [("3\t7\t6", "column `rating`"), ("3\t7", "wrong number of columns"), ("3\tx\t5", "column `item`")],
)
def test_a_wrong_line_is_named(tmp_path, line, message):
    write(tmp_path, "1\t7\t5\n", f"1\t9\t4\n{line}\n")
    with pytest.raises(DataError, match=message) as caught:
        YahooR3.load(tmp_path, YahooR3Options())
    assert str(caught.value.where) == f"{tmp_path / FILES[1]}:2"
