"""The source `coat`."""

import numpy as np
import pytest

from graphrec.data.sources.coat import Coat, CoatOptions
from graphrec.data.split import SplitConfig, make_split
from graphrec.errors import DataError
from graphrec.testing import SourceContract


class TestCoat(SourceContract):
    source = "coat"


@pytest.fixture
def raw(tmp_path):
    (tmp_path / "train.ascii").write_text("5 4 0 0\n1 0 4 0\n")
    (tmp_path / "test.ascii").write_text("0 0 5 0\n0 0 0 3\n")
    (tmp_path / "user_item_features").mkdir()
    names = "gender:men\ngender:women\ncolor:red\n"
    (tmp_path / "user_item_features" / "item_features_map.txt").write_text(names)
    (tmp_path / "user_item_features" / "item_features.ascii").write_text("1 0 1\n0 1 0\n1 0 0\n0 1 1\n")
    return tmp_path


def load(raw, **options):
    return Coat.load(raw, CoatOptions(**options))


def pairs(dataset, part, behaviour):
    events = dataset.interactions
    some = events[(events["part"] == part) & (events["behaviour"] == behaviour)]
    return sorted(zip(some["user"], some["item"], strict=True))


def test_ratings_are_clicks_and_high_ratings_likes_and_test_was_shown_at_random(raw):
    dataset = load(raw)
    assert pairs(dataset, "test", "click") == [(0, 2), (1, 3)]
    assert pairs(dataset, "test", "like") == [(0, 2)]
    assert pairs(load(raw, like_at=3), "test", "like") == [(0, 2), (1, 3)]
    assert dataset.provenance["randomised_exposure"] == "test"


def test_the_valid_part_is_drawn_from_the_likes_of_train(raw):
    dataset = load(raw, valid=0.5)
    likes = [(0, 0), (0, 1), (1, 2)]
    assert sorted(pairs(dataset, "valid", "like") + pairs(dataset, "train", "like")) == likes
    assert len(pairs(dataset, "valid", "like")) == dataset.provenance["valid_pairs_drawn"] == 2
    assert pairs(dataset, "valid", "click") == pairs(dataset, "valid", "like")
    assert (1, 0) in pairs(dataset, "train", "click")
    draws = {tuple(pairs(load(raw, valid=0.5, seed=seed), "valid", "like")) for seed in range(10)}
    assert len(draws) > 1
    assert pairs(load(raw, valid=0.5), "valid", "like") == pairs(dataset, "valid", "like")


def test_the_split_given_keeps_the_parts(tmp_path):
    Coat.write_fixture(tmp_path)
    dataset = load(tmp_path)
    split = make_split(dataset, SplitConfig(name="given", unseen="keep"))
    assert len(split.valid) == len(pairs(dataset, "valid", "like"))
    assert len(split.open_test("test")) == len(pairs(dataset, "test", "like"))


def test_each_attribute_is_a_modality_and_may_be_missing(raw):
    dataset = load(raw)
    assert dataset.roles == {"gender": "exposure", "color": "exposure"}
    assert dataset.features["gender"].columns == ("men", "women")
    assert dataset.features["gender"].values.toarray().tolist() == [[1, 0], [0, 1], [1, 0], [0, 1]]
    assert dataset.features["color"].mask.tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    ("file", "text", "where", "message"),
    [
        ("train.ascii", "5 4 0 0\n1 0 6 0\n", "train.ascii:2", "bad value"),
        ("train.ascii", "5 4 0 0\n\n1 0 4\n", "train.ascii:3", "differ in length"),
        ("test.ascii", "0 0 5\n0 0 0\n", "test.ascii", "differ in shape"),
        ("user_item_features/item_features.ascii", "1 0 1\n2 0 0\n", "item_features.ascii:2", "bad value"),
        ("user_item_features/item_features.ascii", "1 0 1\n0 1 0\n", "item_features.ascii", "wrong shape"),
        ("user_item_features/item_features_map.txt", "men\n", "item_features_map.txt:1", "attribute:value"),
    ],
)
def test_a_wrong_line_is_named(raw, file, text, where, message):
    (raw / file).write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        load(raw)
    assert str(caught.value.where).endswith(where)


def test_matrices_without_ratings_are_refused(raw):
    for part in ("train", "test"):
        np.savetxt(raw / f"{part}.ascii", np.zeros((2, 4)), fmt="%d")
    with pytest.raises(DataError, match="hold no ratings"):
        load(raw)
