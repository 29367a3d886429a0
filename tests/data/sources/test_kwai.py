"""The source `kwai` in the layout of the challenge."""

import json

import numpy as np
import pytest

from graphrec.data.sources.kwai import Kwai, KwaiOptions
from graphrec.errors import DataError
from graphrec.testing import SourceContract


class TestKwai(SourceContract):
    source = "kwai"


ROWS = [
    (5, 30, 1, 0, 0, 1000, 12, 12),  # watched to the end
    (5, 9, 1, 1, 0, 1001, 3, 12),  # thumb
    (4, 30, 0, 0, 0, 1002, 0, 12),  # shown only
    (4, 9, 1, 0, 1, 1003, 3.5, 0),  # no duration, so no end
    (6, 77, 0, 0, 0, 1004, 0, 12),  # a user and a photo without feedback
]


@pytest.fixture
def raw(tmp_path):
    write(tmp_path, ROWS)
    (tmp_path / "final_visual_train").mkdir()
    np.save(tmp_path / "final_visual_train" / "9.npy", np.array([[1.0, 2.0]]))
    np.save(tmp_path / "final_visual_train" / "30.npy", np.array([[3.0, 4.0]]))
    (tmp_path / "final_visual_train" / "30.npy").rename(tmp_path / "final_visual_train" / "30")
    (tmp_path / "final_visual_train" / "77.npy").write_bytes(b"a picture of a photo that is left out is not opened")
    return tmp_path


def write(raw, rows):
    (raw / "train_interaction.txt").write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))


def load(raw, **options):
    return Kwai.load(raw, KwaiOptions(**options))


def test_labels_are_behaviours_and_the_end_is_a_finish(raw):
    dataset = load(raw)
    behaviours = {
        (dataset.user_ids[user], dataset.item_ids[item], behaviour, time)
        for user, item, behaviour, time in dataset.interactions.itertuples(index=False)
    }
    assert behaviours == {
        ("5", "30", "click", 1000), ("5", "30", "finish", 1000), ("5", "9", "click", 1001),
        ("5", "9", "thumbs_up", 1001), ("4", "9", "click", 1003), ("4", "9", "follow", 1003),
    }  # fmt: skip
    assert dataset.feedback == {"click": ("click",), "like": ("finish", "thumbs_up")}
    assert (dataset.provenance["rows"], dataset.provenance["rows_without_feedback"]) == (5, 2)


def test_pictures_are_found_with_and_without_an_ending(raw):
    dataset = load(raw)
    assert dataset.item_ids.tolist() == ["9", "30"]
    assert dataset.features["visual"].values.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    (raw / "final_visual_train" / "30").unlink()
    fewer = load(raw)
    assert fewer.features["visual"].mask.tolist() == [True, False]
    assert fewer.provenance["photos_without_picture"] == 1
    assert fewer.provenance["visual_sha256"] != dataset.provenance["visual_sha256"]


def test_a_missing_folder_of_pictures_is_refused_unless_the_option_says_so(raw):
    (raw / "final_visual_train").rename(raw / "elsewhere")
    with pytest.raises(DataError, match="visual=false"):
        load(raw)
    assert load(raw, visual=False).features == {}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((5, 9, 2, 0, 0, 1000, 1, 1), "column `click` has a bad value"),
        ((5, 9, 1, -1, 0, 1000, 1, 1), "column `like` has a bad value"),
        ((5, 9, 1, 0, 0, 1000, 1), "wrong number of columns"),
        ((5, 9, 1, 0, 0, 1000, 1, 1, 1), "wrong number of columns"),
        ((5, 10**30, 1, 0, 0, 1000, 1, 1), "column `photo_id` is not a whole number"),
        ((5, 9, 1, 0, 0, "", 1, 1), "column `time` is empty"),
    ],
)
def test_a_wrong_line_is_named(raw, row, message):
    write(raw, [*ROWS[:3], row, *ROWS[3:]])
    with pytest.raises(DataError, match=message) as caught:
        load(raw)
    assert caught.value.where == f"{raw / 'train_interaction.txt'}:4"


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (np.ones(2), r"\[2\]"),
        (np.ones((1, 3)), "wrong length"),
        (np.array([[1.0, np.inf]]), "not finite"),
        (np.array([["a", "b"]]), "not a picture's vector"),
        (np.array([[{}, 1]], dtype=object), "not a picture's vector"),
    ],
)
def test_a_wrong_picture_is_named(raw, vector, message):
    np.save(raw / "final_visual_train" / "30.npy", vector, allow_pickle=True)
    with pytest.raises(DataError, match=message) as caught:
        load(raw)
    assert caught.value.where == raw / "final_visual_train" / "30.npy"


def test_a_simulated_world_is_marked_as_simulated(raw):
    (raw / "world.json").write_text(json.dumps({"seed": 3}))
    assert load(raw).provenance["simulated"] == {"seed": 3}


def test_the_error_for_a_file_or_a_wrong_folder_says_what_to_do(raw, tmp_path):
    with pytest.raises(DataError, match="give the folder that holds the file"):
        load(raw / "train_interaction.txt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="graphrec datasets kwai"):
        load(tmp_path / "empty")


def test_both_layouts_at_once_are_refused(raw):
    (raw / "train.npy").write_bytes(b"")
    with pytest.raises(DataError, match="several kwai layouts"):
        load(raw)
    assert load(raw, layout="challenge").num_users == 2
