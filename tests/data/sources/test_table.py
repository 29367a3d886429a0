"""The source `table`: other people's files and the mistakes in them."""

from functools import partialmethod
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from graphrec.data.prepare import prepare
from graphrec.data.readers.tables import TableFile
from graphrec.data.sources.table import Table, TableOptions
from graphrec.data.split import SplitConfig, make_split
from graphrec.errors import DataError, RecipeError, UnknownNameError
from graphrec.testing import SourceContract
from graphrec.testing.same_dataset import assert_same_dataset

TEXT = "user,item,rating,timestamp\nb,y,5,30\na,x,3,10\na,y,4,20\n"


class TestTable(SourceContract):
    source = "table"


class TestTableWithRatingsTimesAndFeatures(SourceContract):
    source = "table"
    options: ClassVar = {
        "rating": "rating",
        "timestamp": "timestamp",
        "features": "text=text.parquet,visual=image.npy",
        "exposure": "text",
    }

    def write_raw(self, folder):
        Table.write_fixture(folder)
        table = pd.DataFrame({"id": [f"i{item}" for item in range(7)], "f0": np.arange(7.0), "f1": np.ones(7)})
        table.to_parquet(folder / "text.parquet")
        np.save(folder / "image.npy", np.random.default_rng(0).normal(size=(8, 4)))

    def test_its_modalities_have_the_roles_and_columns_of_the_options(self, dataset):
        assert dataset.roles == {"text": "exposure", "visual": "content"}
        assert dataset.features["text"].columns == ("f0", "f1")


def load(path, **options):
    return Table.load(path, TableOptions(**options))


@pytest.fixture
def csv(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text(TEXT)
    return file


def external(dataset):
    return [
        (dataset.user_ids[user], dataset.item_ids[item], *rest)
        for user, item, *rest in dataset.interactions.itertuples(index=False)
    ]


def test_without_more_every_row_is_a_click_that_is_the_like(csv):
    dataset = load(csv)
    assert external(dataset) == [("b", "y", "click"), ("a", "x", "click"), ("a", "y", "click")]
    assert dataset.single_behaviour
    assert dataset.name == "log"


def test_a_rating_that_is_high_enough_is_a_like(csv):
    dataset = load(csv, rating="rating", timestamp="timestamp")
    likes = [event for event in external(dataset) if event[2] == "like"]
    assert likes == [("b", "y", "like", 30), ("a", "y", "like", 20)]
    assert len(dataset.pairs("click")) == 3
    assert len(load(csv, rating="rating", like_at=5).pairs("like")) == 1


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_threshold_is_a_finite_number(csv, tmp_path, value):
    with pytest.raises(RecipeError, match="a finite number"):
        prepare("table", csv, tmp_path / "out", {"rating": "rating", "like_at": value})


def test_a_behaviour_column_names_clicks_and_likes(tmp_path):
    (tmp_path / "log.tsv").write_text("u\ti\twhat\n1\t7\tview\n1\t7\tbuy\n2\t7\tview\n")
    dataset = load(tmp_path, user="u", item="i", behaviour="what", click="view", like="buy")
    assert dataset.feedback == {"click": ("view",), "like": ("buy",)}
    assert len(dataset.pairs("like")) == 1
    with pytest.raises(UnknownNameError, match="one of buy, view"):
        load(tmp_path, user="u", item="i", behaviour="what", like="buy")


def test_columns_of_a_file_without_a_header_are_counted(tmp_path):
    (tmp_path / "ratings.txt").write_text("b y 5\na x 3\n")
    options = {"user": "0", "item": "1", "rating": "2", "header": False}
    assert len(load(tmp_path / "ratings.txt", delimiter="space", **options).pairs("like")) == 1
    with pytest.raises(DataError, match="delimiter"):
        load(tmp_path / "ratings.txt", **options)


def test_numeric_ids_sort_as_numbers(tmp_path):
    (tmp_path / "log.csv").write_text("user,item\n10,2\n9,100\n")
    assert load(tmp_path).user_ids.tolist() == ["9", "10"]


def test_times_may_be_iso_dates(tmp_path):
    (tmp_path / "log.csv").write_text("user,item,at\na,x,2019-06-10T12:00:00Z\nb,x,2019-06-10\nc,x,2019-06-11 01:00\n")
    dataset = load(tmp_path, timestamp="at")
    times = dataset.interactions["timestamp"].tolist()
    assert times[1] < times[0] < times[2]
    assert times[0] - times[1] == 12 * 3600 * 10**6
    assert dataset.provenance["time_unit"] == "microseconds since 1970"


@pytest.mark.parametrize(
    ("text", "row", "column"),
    [
        ("user,item,rating,timestamp\na,x,3,10\n,y,4,20\n", 2, "user"),
        ("user,item,rating,timestamp\na,x,3,10\nb,,4,20\n", 2, "item"),
        ("user,item,rating,timestamp\na,x,good,10\nb,y,4,20\n", 1, "rating"),
        ("user,item,rating,timestamp\na,x,3,10\nb,y,inf,20\n", 2, "rating"),
        ("user,item,rating,timestamp\na,x,3,10\nb,y,4,\n", 2, "timestamp"),
        ("user,item,rating,timestamp\na,x,3,10.5\nb,y,4,11\n", 1, "timestamp"),
        ("user,item,rating,timestamp\na,x,3,2019-13-45\nb,y,4,2019-06-10\n", 1, "timestamp"),
    ],
)
def test_a_bad_value_is_named_by_row_and_column(tmp_path, text, row, column):
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(DataError, match=f"log.csv, row {row} .*column `{column}`"):
        load(tmp_path, rating="rating", timestamp="timestamp")


@pytest.mark.parametrize("times", [["0x10", "0x1F"], ["12", "0X10"], ["0x10", "2019-06-10"]])
def test_a_hexadecimal_time_is_refused(tmp_path, times):
    (tmp_path / "log.csv").write_text("user,item,at\n" + "".join(f"a,i{time},{time}\n" for time in times))
    with pytest.raises(DataError, match=r"a time is n.*whole number") as caught:
        load(tmp_path, timestamp="at")
    assert "0x" in str(caught.value.got).lower() and "column `at`" in str(caught.value.where)


@pytest.mark.parametrize("word", ["NA", "nan", "null", "None", "N/A", '"NULL"'])
def test_words_for_missing_are_ids_and_behaviours_like_others(tmp_path, word):
    (tmp_path / "log.csv").write_text(f"user,item,what\nFR,{word},click\n{word},DE,click\n{word},DE,{word}\n")
    dataset = load(tmp_path, behaviour="what", like=word.strip('"'))
    assert set(dataset.user_ids) == {"FR", word.strip('"')} and set(dataset.item_ids) == {"DE", word.strip('"')}
    assert dataset.behaviours == tuple(sorted(("click", word.strip('"'))))


def test_an_empty_cell_is_missing_and_is_named_as_such(tmp_path):
    for cell in ("", '""'):
        (tmp_path / "log.csv").write_text(f"user,item,rating\na,x,3\n{cell},y,4\n")
        with pytest.raises(DataError, match="an empty cell"):
            load(tmp_path)


@pytest.mark.parametrize(
    "times", [["1546300800000000001", "1546300800000000002"], ["1e3", "2e3"], [" 7", "8 "], ["1.0", "2"]]
)
def test_whole_numbers_in_any_spelling_are_times(tmp_path, times):
    (tmp_path / "log.csv").write_text(
        "user,item,at\n" + "".join(f"a,i{row},{time}\n" for row, time in enumerate(times))
    )
    read = load(tmp_path, timestamp="at").interactions["timestamp"].tolist()
    assert read == [int(time) if time.strip().isdigit() else int(float(time)) for time in times]


def test_a_long_table_is_read_in_frames(tmp_path, monkeypatch):
    file = tmp_path / "log.csv"
    rows = [f"u{row % 7},i{row % 5},{'buy' if row % 3 else 'view'},{row}" for row in range(42)]
    file.write_text("user,item,what,at\n" + "\n".join(rows) + "\n")
    options = {"behaviour": "what", "click": "view", "like": "buy", "timestamp": "at"}
    at_once = load(file, **options)
    monkeypatch.setattr(TableFile, "frames", partialmethod(TableFile.frames, rows=6))
    assert_same_dataset(load(file, **options), at_once)
    file.write_text(file.read_text() + "u1,i1,view,2020-01-01\n" * 8)
    with pytest.raises(DataError, match="from row 43"):
        load(file, **options)


def test_a_column_of_too_many_behaviours_is_refused(tmp_path):
    (tmp_path / "log.csv").write_text("user,item\n" + "".join(f"u,i{row}\n" for row in range(200)))
    with pytest.raises(DataError, match="too many values"):
        load(tmp_path, behaviour="item")


def test_a_missing_column_lists_those_that_exist_and_the_nearest(csv):
    with pytest.raises(DataError, match=r"did you mean `timestamp`(.|\n)*`user`, `item`, `rating`, `timestamp`"):
        load(csv, timestamp="timestemp")


@pytest.mark.parametrize(("mark", "named"), [(";", "`;`"), ("\t", "tab")])
def test_a_table_that_came_out_as_one_column_asks_for_its_delimiter(tmp_path, mark, named):
    (tmp_path / "log.csv").write_text(f"user{mark}item{mark}rating\na{mark}b{mark}3\n")
    with pytest.raises(DataError, match=f"set the option delimiter to {named}"):
        load(tmp_path)


def test_options_that_contradict_each_other_are_refused(csv):
    with pytest.raises(DataError, match="exclude each other"):
        load(csv, rating="rating", behaviour="item")
    with pytest.raises(DataError, match="option behaviour"):
        load(csv, like="buy")
    for delimiter in ("::", "", "é", '"', "\n", "\0"):
        with pytest.raises(DataError, match="not a delimiter"):
            load(csv, delimiter=delimiter)


def test_filtering_comes_after_features_are_matched(tmp_path):
    (tmp_path / "log.csv").write_text("user,item\na,x\na,z\nb,x\nb,z\nc,y\n")
    np.save(tmp_path / "image.npy", np.arange(3.0).reshape(3, 1))
    dataset = load(tmp_path, features="visual=image.npy", min_pairs=2)
    assert dataset.item_ids.tolist() == ["x", "z"]
    assert dataset.features["visual"].values.ravel().tolist() == [0.0, 2.0]
    assert dataset.provenance["filter"]["items_removed"] == 1


def test_the_encoders_of_features_are_recorded_where_the_option_names_them(tmp_path, csv):
    np.save(tmp_path / "image.npy", np.ones((2, 3)))
    np.save(tmp_path / "text.npy", np.ones((2, 3)))
    options = {"features": "visual=image.npy,text=text.npy"}
    assert {feature.encoder for feature in load(csv, **options).features.values()} == {"unknown"}
    named = load(csv, **options, encoders="visual=ResNet-50:avgpool, text=org/words-v2").features
    assert [(feature.encoder, feature.layer) for feature in (named["visual"], named["text"])] == [
        ("ResNet-50", "avgpool"),
        ("org/words-v2", "unknown"),
    ]
    with pytest.raises(UnknownNameError, match="modality"):
        load(csv, **options, encoders="sound=VGGish")
    for text in ("visual", "visual=", "visual=:fc7", "visual=ResNet:"):
        with pytest.raises(DataError, match="not an encoder"):
            load(csv, **options, encoders=text)


def test_an_exposure_modality_must_exist(csv):
    with pytest.raises(UnknownNameError, match="modality"):
        load(csv, exposure="picture")


@pytest.mark.realdata
def test_amazon_toys_is_read_from_its_archive(realdata):
    options = {"user": "0", "item": "1", "rating": "2", "timestamp": "3", "header": False, "delimiter": ","}
    dataset = load(realdata("amazon_cornac") / "amazon_toy_rating.zip", **options)
    assert (dataset.num_users, dataset.num_items, len(dataset.pairs("click"))) == (19_412, 11_924, 167_597)
    split = make_split(dataset, SplitConfig())
    # 23,435 where the seven clicks at the very moment of the cut are parted by their place in the file
    assert split.counts["valid"] + split.counts["test"] == 23_438


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "delimiter", "counts"),
    [
        ("amazon_clothing_rating", "tab", (5_377, 3_393, 13_689)),
        ("amazon_office_rating", "space", (3_703, 6_523, 53_282)),
    ],
)
def test_other_archives_have_their_published_counts(realdata, name, delimiter, counts):
    options = {"user": "0", "item": "1", "rating": "2", "header": False, "delimiter": delimiter}
    dataset = load(realdata("amazon_cornac") / f"{name}.zip", **options)
    assert (dataset.num_users, dataset.num_items, len(dataset.pairs("click"))) == counts
