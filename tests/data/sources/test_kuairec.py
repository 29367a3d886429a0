"""The source `kuairec`."""

import pytest

from graphrec.data.sources.kuairec import HEADER, KuaiRec, KuaiRecOptions
from graphrec.errors import DataError
from graphrec.testing import SourceContract

FIRST = ",".join(HEADER)


class TestKuaiRec(SourceContract):
    source = "kuairec"


@pytest.fixture
def raw(tmp_path):
    big = "3,5,21000,10000,x,20200705,1593878903.438,2.1\n3,6,1,1,x,20200705,1593878904,2\n4,5,1,1,x,1,5,3.5\n"
    (tmp_path / "big_matrix.csv").write_text(f"{FIRST}\n{big}")
    (tmp_path / "small_matrix.csv").write_text(f"{FIRST}\n4,6,1,1,x,20200705.0,1593878905,0.5\n4,7,1,1,,,,2.5\n")
    (tmp_path / "item_categories.csv").write_text('video_id,feat\n5,"[27, 9]"\n6,[9]\n7,[]\n99,"[1]"\n')
    return tmp_path


def load(raw, **options):
    return KuaiRec.load(raw, KuaiRecOptions(**options))


def rows(dataset, behaviour):
    some = dataset.interactions[dataset.interactions["behaviour"] == behaviour]
    return [
        (dataset.user_ids[user], dataset.item_ids[item], time, part)
        for user, item, time, part in some[["user", "item", "timestamp", "part"]].itertuples(index=False)
    ]


def test_a_view_is_a_click_and_a_long_one_a_like(raw):
    dataset = load(raw, valid=0.01)
    views = rows(dataset, "view")
    assert ("3", "6", 1593878904000, "train") in views
    assert ("4", "6", 1593878905000, "test") in views
    assert {(user, item) for user, item, _, _ in rows(dataset, "like")} == {("3", "5"), ("4", "5"), ("4", "7")}
    assert sorted(part for *_, part in rows(dataset, "like")) == ["test", "train", "valid"]
    assert len(rows(load(raw, like_above=0.4), "like")) == 5


def test_times_are_milliseconds_and_a_missing_one_is_counted(raw):
    dataset = load(raw)
    assert dataset.interactions["timestamp"].max() == 1593878905000
    assert ("4", "7", -1, "test") in rows(dataset, "view")
    assert dataset.provenance["rows_without_time"] == 1
    assert dataset.provenance["rows"] == {"big_matrix.csv": 3, "small_matrix.csv": 2}
    assert dataset.provenance["randomised_exposure"] == "test"


def test_tags_are_a_bag_of_the_videos_in_the_log(raw):
    feature = load(raw).features["tags"]
    assert feature.columns == ("9", "27")
    assert feature.values.toarray().tolist() == [[0.5, 0.5], [1, 0], [0, 0]]
    assert feature.mask.tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("big_matrix.csv", "3,5,1,1,x,1,5,-1", "column `watch_ratio`"),
        ("big_matrix.csv", "3,5,1,1,x,1,5,", "column `watch_ratio`"),
        ("big_matrix.csv", "3,5,1,1,x,1,1e300,1", "column `timestamp`"),
        ("small_matrix.csv", FIRST, "header"),
        ("item_categories.csv", "5,[1]", "described twice"),
        ("item_categories.csv", "8,[a]", "column `feat`"),
        ("item_categories.csv", '8,"[1', "quote"),
    ],
)
def test_a_wrong_line_is_named(raw, file, line, message):
    lines = (raw / file).read_text().count("\n")
    with open(raw / file, "a") as stream:
        stream.write(f"{line}\n")
    with pytest.raises(DataError, match=message) as caught:
        load(raw)
    assert str(caught.value.where) == f"{raw / file}:{lines + 1}"
