"""The JSON lists of LATTICE, MICRO and MMSSL, read through the sources that are found in them."""

import json

import numpy as np
import pytest

from graphrec.data.prepare import prepare_once
from graphrec.data.sources.json_lists import write_json_fixture
from graphrec.data.sources.mmrec import FEATURES, MMRec, MMRecOptions
from graphrec.data.sources.tiktok import FEATURES as TIKTOK_FEATURES
from graphrec.errors import DataError
from graphrec.testing import SourceContract


class TestTiktokOfMMSSL(SourceContract):
    source = "tiktok"

    def write_raw(self, folder):
        write_json_fixture(folder, TIKTOK_FEATURES)

    def test_its_layout_is_named(self, dataset):
        assert dataset.provenance["layout"] == "mmssl"


class TestMMRecWithAFolderWithin(SourceContract):
    source = "mmrec"

    def write_raw(self, folder):
        write_json_fixture(folder, FEATURES, folder="5-core")


def load(raw, **options):
    return MMRec.load(raw, MMRecOptions(**options))


@pytest.fixture
def raw(tmp_path):
    for name, content in (("train", {"0": [1, 2], "1": [0]}), ("val", {"0": [0], "1": []}), ("test", {"1": [3]})):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    return tmp_path


def test_lists_are_the_parts(raw):
    table = load(raw).interactions
    assert sorted(zip(table["user"], table["item"], table["part"], strict=True)) == [
        (0, 0, "valid"), (0, 1, "train"), (0, 2, "train"), (1, 0, "train"), (1, 3, "test"),
    ]  # fmt: skip


def test_a_prepared_folder_within_the_raw_folder_is_recognised(raw, tmp_path):
    write_json_fixture(tmp_path / "lattice", FEATURES, folder="5-core")
    for _ in range(2):
        prepare_once("mmrec", tmp_path / "lattice", tmp_path / "prepared")


@pytest.mark.parametrize(
    ("content", "message", "where"),
    [
        ('{"0": [1], "0": [2]}', "occurs 2 times", ""),
        ('{"0": [1', "not a JSON file", ""),
        ("[1]", "not an object", ""),
        ('{"u1": [1]}', "the user is not a number", ', user "u1"'),
        ('{"4": 1}', "the items are not a list", ', user "4"'),
        ('{"4": [1, 1.5]}', "an item is not a number", ', user "4"'),
        ('{"4": [true]}', "an item is not a number", ', user "4"'),
        ('{"4": [-1]}', "an item is not a number", ', user "4"'),
        ('{"4": [' + "9" * 30 + "]}", "an item is not a number", ', user "4"'),
        ('{"4": [5]}', "no feature row", ', user "4"'),
        ('{"' + "9" * 17 + '": [1]}', "not row numbers", None),
    ],
)
def test_a_wrong_list_is_named(raw, content, message, where):
    np.save(raw / "image_feat.npy", np.ones((4, 2)))
    (raw / "val.json").write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        load(raw)
    assert str(caught.value.where) == (str(raw) if where is None else f"{raw / 'val.json'}{where}")


def test_lists_have_no_ratings(raw):
    with pytest.raises(DataError, match="like_at"):
        load(raw, like_at=4)
