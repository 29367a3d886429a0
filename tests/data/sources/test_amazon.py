"""The source `amazon`: ratings, reviews or lists, with or without records and pictures of the items."""

import gzip
import json
import os
from zipfile import ZipFile

import numpy as np
import pytest

from graphrec.data.sources.amazon import Amazon, AmazonOptions
from graphrec.data.sources.amazon_items import RECORD
from graphrec.errors import DataError
from graphrec.testing import SourceContract

ASINS = ["B000000001", "B000000002", "0000031887"]


def write_reviews_fixture(raw):
    raw.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    records = []
    for user in range(6):
        for item in rng.choice(7, size=4, replace=False):
            record = {"reviewerID": f"A{user}", "asin": f"B00000000{item}", "overall": float(rng.integers(1, 6))}
            records.append({**record, "unixReviewTime": 1_390_000_000 + int(item), "reviewText": "it's fine"})
    lines = [f"{json.dumps(record) if row % 2 else repr(record)}\n" for row, record in enumerate(records)]
    (raw / "reviews_Baby_5.json.gz").write_bytes(gzip.compress("".join(lines).encode(), mtime=0))


def write_lists_fixture(raw):
    raw.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    lines = [f"{user} {' '.join(map(str, 1 + rng.permutation(9)[:5]))}\n" for user in range(1, 8)]
    (raw / "Beauty.txt").write_text("".join(lines))
    (raw / "Beauty_item2attributes.json").write_text(json.dumps({str(item): [item % 3, 7] for item in range(1, 9)}))


class TestAmazon(SourceContract):
    source = "amazon"


class TestAmazonOfReviews(SourceContract):
    source = "amazon"

    def write_raw(self, folder):
        write_reviews_fixture(folder)


class TestAmazonOfLists(SourceContract):
    source = "amazon"

    def write_raw(self, folder):
        write_lists_fixture(folder)


def load(raw, **options):
    return Amazon.load(raw, AmazonOptions(**options))


@pytest.fixture
def raw(tmp_path):
    rows = [("A1", ASINS[0], 5.0, 9), ("A1", ASINS[1], 3.0, 8), ("A2", ASINS[0], 4.0, 7), ("A2", ASINS[2], 1.0, 6)]
    (tmp_path / "ratings_X.csv").write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
    return tmp_path


def write_images(raw, asins, values=None):
    records = np.zeros(len(asins), dtype=RECORD)
    records["asin"] = asins
    records["vector"] = 1 + np.arange(len(asins))[:, None] if values is None else values
    (raw / "image_features_X.b").write_bytes(records.tobytes())


def write_meta(raw, *lines):
    (raw / "meta_X.json.gz").write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))


def test_a_rating_is_a_click_and_a_high_one_a_like(raw):
    dataset = load(raw)
    assert dataset.item_ids.tolist() == [ASINS[2], ASINS[0], ASINS[1]]
    assert (len(dataset.pairs("click")), len(dataset.pairs("like"))) == (4, 2)
    assert dataset.interactions["timestamp"].max() == 9
    assert (dataset.provenance["category"], dataset.provenance["layout"]) == ("X", "ratings")
    assert len(load(raw, like_at=1).pairs("like")) == 4


def test_lists_are_clicks_in_order(tmp_path):
    (tmp_path / "Beauty.txt").write_text("2 30 4\n10 4 5 30\n")
    dataset = load(tmp_path)
    assert dataset.user_ids.tolist() == ["2", "10"]
    assert dataset.item_ids.tolist() == ["4", "5", "30"]
    assert dataset.interactions[["user", "item", "timestamp"]].to_numpy().tolist() == [
        [0, 2, 0], [0, 0, 1], [1, 0, 0], [1, 1, 1], [1, 2, 2],
    ]  # fmt: skip
    assert dataset.single_behaviour


def test_several_categories_ask_for_the_option(raw):
    (raw / "ratings_Y.csv").write_text("A9,B000000009,5.0,1\n")
    (raw / "reviews_Y_5.json.gz").write_bytes(b"")
    with pytest.raises(DataError, match="option category to one of X, Y"):
        load(raw)
    with pytest.raises(DataError, match="set the option layout"):
        load(raw, category="Y")
    assert load(raw, category="Y", layout="ratings").user_ids.tolist() == ["A9"]
    with pytest.raises(DataError, match="option category to one of X, Y") as refused:
        load(raw, category="Z")
    assert refused.value.problem == "no file fits the options", "the folder does hold ratings, of other categories"
    with pytest.raises(DataError, match="option layout to one of ratings, reviews"):
        load(raw, layout="lists")
    assert load(raw / "ratings_X.csv").num_users == 2


def test_single_pass_counts_once_and_k_core_until_all_have_enough(tmp_path):
    rows = [("A1", 1), ("A1", 2), ("A2", 1), ("A2", 2), ("A3", 2), ("A3", 3)]
    lines = "".join(f"{user},B00000000{item},5.0,1\n" for user, item in rows)
    (tmp_path / "ratings_X.csv").write_text(lines)
    once = load(tmp_path, filter="single_pass", min_pairs=2)
    assert once.user_ids.tolist() == ["A1", "A2", "A3"]  # A3 had two items, and keeps one
    core = load(tmp_path, filter="k_core", min_pairs=2)
    assert core.user_ids.tolist() == ["A1", "A2"]
    with pytest.raises(DataError, match="needs a filter"):
        load(tmp_path, min_pairs=2)
    assert core.provenance["filter"]["events_removed"] == 4  # a click and a like each of A3's two pairs


class TestPictures:
    def test_vectors_are_those_of_the_items_and_others_are_ignored(self, raw):
        write_images(raw, [ASINS[1], "B999999999", ASINS[2], ASINS[1]])
        feature = load(raw).features["visual"]
        assert feature.values[:, 0].tolist() == [3, 0, 1]  # of an item with two records the first
        assert feature.values.shape == (3, 4096)
        assert feature.mask.tolist() == [True, False, True]
        assert (feature.encoder, feature.layer) == ("CaffeNet", "fc7")

    def test_items_without_pictures_are_left_out_on_demand(self, raw):
        write_images(raw, [ASINS[1], ASINS[2]])
        dataset = load(raw, with_images=True)
        assert dataset.item_ids.tolist() == [ASINS[2], ASINS[1]]
        assert dataset.provenance["with_images"] == {"users_removed": 0, "items_removed": 1, "events_removed": 4}
        (raw / "image_features_X.b").unlink()
        with pytest.raises(DataError, match="needs visual features"):
            load(raw, with_images=True)

    def test_a_wrong_record_size_names_the_record(self, raw):
        write_images(raw, ASINS)
        os.truncate(raw / "image_features_X.b", 16_394 * 2 + 100)
        with pytest.raises(DataError, match="whole records") as caught:
            load(raw)
        assert str(caught.value.where) == f"{raw / 'image_features_X.b'}, record 2 (counted from 0)"
        assert "100 bytes" in str(caught.value.got)

    def test_records_of_another_size_that_happen_to_fill_the_file_are_noticed(self, raw):
        other = np.zeros(8197, dtype=np.dtype([("asin", "S10"), ("vector", "<f4", (1024,))]))
        other["asin"] = ASINS[0]
        (raw / "image_features_X.b").write_bytes(other.tobytes())
        with pytest.raises(DataError, match="an ASIN is malformed") as caught:
            load(raw)
        assert "record 1 " in str(caught.value.where)

    def test_numbers_that_are_not_finite_are_refused(self, raw):
        write_images(raw, ASINS, np.array([1, np.nan, 1])[:, None])
        with pytest.raises(DataError, match="not finite") as caught:
            load(raw)
        assert "record 1 " in str(caught.value.where)


class TestRecords:
    def test_python_and_json_records_give_bags(self, raw):
        coat = {"asin": ASINS[0], "title": "Dr's Coat", "price": 5.5, "brand": "Acme", "categories": [["Men", "Coats"]]}
        two = {"asin": ASINS[1], "categories": [["Men"]], "brand": "", "related": {"also_bought": ["x"]}}
        write_meta(raw, repr(coat), json.dumps(two), repr({**coat, "brand": "Other"}), repr({"asin": "B999999999"}))
        dataset = load(raw)
        assert set(dataset.features) == {"category", "main_category", "brand", "price", "title"}
        assert set(dataset.roles.values()) == {"exposure"}
        assert dataset.features["category"].columns == ("Coats", "Men")
        assert dataset.features["category"].values.toarray().tolist() == [[0, 0], [0.5, 0.5], [0, 1]]
        assert dataset.features["brand"].columns == ("Acme",)
        assert dataset.features["price"].mask.tolist() == [False, True, False]
        assert dataset.features["title"].width == 0
        assert dataset.provenance["items_without_meta"] == 1
        assert dataset.provenance["items_described_again"] == 1

    def test_the_main_category_is_the_deepest_that_enough_items_share(self, raw, monkeypatch):
        monkeypatch.setattr("graphrec.data.sources.amazon_items.CATEGORY_IN", 2)
        (raw / "ratings_X.csv").write_text("".join(f"A1,B00000000{item},5.0,1\n" for item in range(8)))
        paths = [
            [["Clothing", "Women", "Coats"], ["Sale"]],
            [["Clothing", "Women", "Coats", "Parkas"]],
            [["Clothing", "Women", "Hats"]],
            [["Clothing", "Men", "Coats"]],
            [["Toys", "Women"]],
            [[], [""], ["Clothing"]],
            [],
        ]
        write_meta(raw, *({"asin": f"B00000000{item}", "categories": path} for item, path in enumerate(paths)))
        feature = load(raw).features["main_category"]
        assert feature.is_categorical and feature.mask.tolist() == [True] * 6 + [False] * 2
        assert [feature.columns[column] for column in feature.values[:6].argmax(axis=1)] == [
            "Clothing > Women > Coats", "Clothing > Women > Coats", "Clothing > Women", "Clothing", "Toys", "Clothing",
        ]  # fmt: skip
        assert "main_category" not in feature.provenance and "first path" in feature.provenance

    def test_words_that_five_titles_share_are_a_bag(self, tmp_path):
        lines = "".join(f"A{user},B00000000{item},5.0,1\n" for user in range(2) for item in range(6))
        (tmp_path / "ratings_X.csv").write_text(lines)
        titles = [{"asin": f"B00000000{item}", "title": f"Coat, N{item}"} for item in range(5)]
        write_meta(tmp_path, *titles)
        feature = load(tmp_path).features["title"]
        assert feature.columns == ("coat",)
        assert feature.mask.tolist() == [True] * 5 + [False]

    def test_records_are_read_and_never_run(self, raw, tmp_path):
        write_meta(raw, "{'asin': __import__('os').mkdir('" + str(tmp_path / "broken") + "')}")
        with pytest.raises(DataError, match="not a record"):
            load(raw)
        assert not (tmp_path / "broken").exists()

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("{'asin': 'B000000001', 'price': 'dear'}", "`price`"),
            ('{"asin": "B000000001", "price": NaN}', "`price`"),
            ("{'title': 'none'}", "lacks `asin`"),
            ("{'asin': 5}", "`asin`"),
            ("['asin']", "lacks `asin`"),
            ("(" * 5000, "not a record"),
        ],
    )
    def test_a_wrong_line_is_named(self, raw, line, message):
        write_meta(raw, "{'asin': 'B000000001'}", line)
        with pytest.raises(DataError, match=message) as caught:
            load(raw)
        assert str(caught.value.where) == f"{raw / 'meta_X.json.gz'}:2"

    def test_a_gzip_cut_short_is_refused(self, raw):
        write_meta(raw, *({"asin": asin} for asin in ASINS))
        os.truncate(raw / "meta_X.json.gz", 40)
        with pytest.raises(DataError, match=r"meta_X\.json\.gz"):
            load(raw)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("A1,B000000001,6.0,1", "column `rating`"),
        ("A1,B000000001,nan,1", "column `rating`"),
        ("A1,,5.0,1", "column `item`"),
        ("A1,B000000001,5.0", "wrong number of columns"),
    ],
)
def test_a_wrong_rating_is_named(raw, line, message):
    with open(raw / "ratings_X.csv", "a") as stream:
        stream.write(f"{line}\n")
    with pytest.raises(DataError, match=message) as caught:
        load(raw)
    assert str(caught.value.where) == f"{raw / 'ratings_X.csv'}:5"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"overall": 9.0}, "`overall`"),
        ({"overall": "5"}, "`overall`"),
        ({"unixReviewTime": 10**30}, "`unixReviewTime`"),
        ({"asin": ""}, "`asin`"),
    ],
)
def test_a_wrong_review_is_named(tmp_path, change, message):
    review = {"reviewerID": "A1", "asin": ASINS[0], "overall": 5.0, "unixReviewTime": 1}
    file = tmp_path / "reviews_X_5.json.gz"
    file.write_bytes(gzip.compress(f"{json.dumps(review)}\n{json.dumps(review | change)}\n".encode()))
    with pytest.raises(DataError, match=message) as caught:
        load(tmp_path)
    assert str(caught.value.where) == f"{file}:2"


@pytest.mark.parametrize(("line", "message"), [("3", "not a list"), ("3 x", "not a list"), ("1 5", "second list")])
def test_a_wrong_list_is_named(tmp_path, line, message):
    (tmp_path / "Beauty.txt").write_text(f"1 4\n2 4\n{line}\n")
    with pytest.raises(DataError, match=message) as caught:
        load(tmp_path)
    assert str(caught.value.where) == f"{tmp_path / 'Beauty.txt'}:3"


def test_a_list_that_breaks_off_is_noticed(tmp_path):
    (tmp_path / "Beauty.txt").write_text("1 4\n2 4 5")
    with pytest.raises(DataError, match="breaks off") as caught:
        load(tmp_path)
    assert str(caught.value.where) == f"{tmp_path / 'Beauty.txt'}:2"


@pytest.mark.parametrize("attributes", ["[1", "[]", '{"4": ["a"]}', '{"4": 5}', f'{{"4": [{10**30}]}}'])
def test_wrong_attributes_are_refused(tmp_path, attributes):
    (tmp_path / "Beauty.txt").write_text("1 4\n")
    (tmp_path / "Beauty_item2attributes.json").write_text(attributes)
    with pytest.raises(DataError, match=r"Beauty_item2attributes\.json"):
        load(tmp_path)


@pytest.mark.realdata
def test_real_ratings_have_their_published_counts(realdata, tmp_path):
    with ZipFile(realdata("amazon_cornac") / "amazon_toy_rating.zip") as archive:
        content = next(archive.read(name) for name in archive.namelist() if name.endswith("rating.txt"))
    (tmp_path / "ratings_Toys_and_Games.csv").write_bytes(content)
    dataset = load(tmp_path)
    assert (dataset.num_users, dataset.num_items) == (19_412, 11_924)
    assert (len(dataset.pairs("click")), len(dataset.pairs("like"))) == (167_597, 140_235)
    assert load(tmp_path, filter="single_pass").provenance["filter"]["events_removed"] == 0


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("category", "users", "items", "clicks"),
    [("Beauty", 22_363, 12_101, 198_502), ("Office_Products", 4_905, 2_420, 53_258)],
)
def test_real_lists_have_their_published_counts(realdata, category, users, items, clicks):
    dataset = load(realdata("amazon_5core_2014"), category=category)
    assert (dataset.num_users, dataset.num_items, len(dataset.pairs("click"))) == (users, items, clicks)
    assert ("attributes" in dataset.features) == (category == "Beauty")
