"""The source `mmrec` in MMRec's own layout."""

from typing import ClassVar

import numpy as np
import pytest

from graphrec.data.sources.mmrec import MMRec, MMRecOptions
from graphrec.errors import DataError
from graphrec.testing import SourceContract


class TestMMRec(SourceContract):
    source = "mmrec"


class TestMMRecWithLikes(SourceContract):
    source = "mmrec"
    options: ClassVar = {"like_at": 4.0}


@pytest.fixture
def raw(tmp_path):
    rows = ["userID\titemID\trating\ttimestamp\tx_label", "1\t0\t5.0\t90\t0", "0\t2\t3.0\t80\t0", "1\t2\t4.0\t95\t1"]
    (tmp_path / "toys.inter").write_text("\n".join([*rows, "0\t0\t2.0\t99\t2"]) + "\n")
    np.save(tmp_path / "image_feat.npy", np.arange(6, dtype=np.float32).reshape(3, 2))
    return tmp_path


def load(raw, **options):
    return MMRec.load(raw, MMRecOptions(**options))


def test_labels_are_parts_and_features_stay_with_their_items(raw):
    dataset = load(raw)
    assert dataset.name == "toys"
    assert dataset.interactions["part"].tolist() == ["train", "train", "valid", "test"]
    assert dataset.item_ids.tolist() == ["0", "2"], "item 1 has features and no interactions"
    assert dataset.features["visual"].values.tolist() == [[0, 1], [4, 5]]
    assert dataset.features["visual"].mask.tolist() == [True, True]
    assert dataset.provenance["feature_rows_without_interactions"] == 1
    assert dataset.single_behaviour


def test_high_ratings_are_likes_if_asked_for(raw):
    dataset = load(raw, like_at=4)
    assert len(dataset.pairs("click")) == 4
    likes = dataset.pairs("like")
    assert likes["part"].tolist() == ["train", "valid"]
    assert set(dataset.user_ids[likes["user"]]) == {"1"}


def test_ids_are_those_of_the_mappings(raw):
    (raw / "i_id_mapping.csv").write_text("asin\titemID\nB2\t2\nB1\t1\nB0\t0\n")
    (raw / "u_id_mapping.csv").write_text("user_id\tuserID\nann\t0\nbob\t1\n")
    dataset = load(raw)
    assert (dataset.item_ids.tolist(), dataset.user_ids.tolist()) == (["B0", "B2"], ["ann", "bob"])
    assert dataset.features["visual"].values.tolist() == [[0, 1], [4, 5]]


@pytest.mark.parametrize(
    ("name", "line", "text", "message"),
    [
        ("toys.inter", 3, "0\t2\t3.0\t80\t3", "column `x_label` has a bad value"),
        ("toys.inter", 3, "0\t3\t3.0\t80\t0", "column `itemID` has a bad value"),
        ("toys.inter", 3, "-1\t2\t3.0\t80\t0", "column `userID` has a bad value"),
        ("toys.inter", 3, "0\t2\tnan\t80\t0", "column `rating` is not a number"),
        ("toys.inter", 1, "userID\titemID\trating\ttimestamp\tlabel", "lacks `x_label`"),
        ("i_id_mapping.csv", 3, "B0\t1", "column `id` has a bad value"),
        ("i_id_mapping.csv", 3, "B1\t0", "column `number` has a bad value"),
    ],
)
def test_a_wrong_line_is_named(raw, name, line, text, message):
    (raw / "i_id_mapping.csv").write_text("asin\titemID\nB0\t0\nB2\t2\n")
    lines = (raw / name).read_text().splitlines()
    lines[line - 1] = text
    (raw / name).write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=message) as caught:
        load(raw)
    assert str(caught.value.where) == f"{raw / name}:{line}"


def test_an_item_that_the_mapping_lacks_is_named(raw):
    (raw / "i_id_mapping.csv").write_text("asin\titemID\nB0\t0\n")
    with pytest.raises(DataError, match="no itemID 2"):
        load(raw)


def test_two_tables_are_refused(raw):
    (raw / "baby.inter").write_text("")
    with pytest.raises(DataError, match="not one table"):
        load(raw)
