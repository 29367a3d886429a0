"""The source `tiktok` in both of its layouts."""

import json
import pickle

import numpy as np
import pytest
from scipy import sparse

from graphrec.checks.dataset import statistics
from graphrec.data.sources import sources
from graphrec.data.sources.tiktok import Tiktok, TiktokOptions
from graphrec.data.sources.tiktok_diffmm import write_diffmm_fixture
from graphrec.errors import DataError
from graphrec.testing import SourceContract


class TestTiktokOfICME(SourceContract):
    source = "tiktok"


class TestTiktokOfDiffMM(SourceContract):
    source = "tiktok"

    def write_raw(self, folder):
        write_diffmm_fixture(folder)


def test_it_is_registered():
    assert sources.get("tiktok") is Tiktok


@pytest.fixture
def icme(tmp_path):
    """Two users, three items; item 30 has no picture, item 20 no title; item 99 is not in the log."""
    rows = [
        (5, 1, 30, 8, 2, 0, 1, 0, 7, 9, 1002, 10),
        (5, 1, 9, 8, 2, 0, 0, 1, 7, 9, 1001, 10),
        (4, 1, 20, 8, 2, 0, 1, 1, 7, 9, 1000, 10),
        (4, 1, 30, 8, 2, 0, 0, 0, 7, 9, 1003, 10),
    ]
    (tmp_path / "final_track2_train.txt").write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    titles = {30: {"12": 3, "7": 1}, 20: {}, 9: {"100": 2}, 99: {"5": 1}}
    visual = {30: [], 20: [0.5] * 128, 9: [1.25] * 128, 99: [3.0] * 128}
    acoustic = {30: [2] * 128, 20: [0.5] * 128, 9: [1.25] * 128}
    for name, key, content in (
        ("track2_title.txt", "title_features", titles),
        ("track2_video_features.txt", "video_feature_dim_128", visual),
        ("track2_audio_features.txt", "audio_feature_128_dim", acoustic),
    ):
        lines = [json.dumps({"item_id": item, key: value}) + "\n" for item, value in content.items()]
        (tmp_path / name).write_text("".join(lines))
    return tmp_path


def load(raw, **options):
    return Tiktok.load(raw, TiktokOptions(**options))


def test_every_row_is_a_click_and_labels_are_behaviours(icme):
    dataset = load(icme)
    assert dataset.user_ids.tolist() == ["4", "5"]
    assert dataset.item_ids.tolist() == ["9", "20", "30"]
    events = {
        (dataset.user_ids[user], dataset.item_ids[item], behaviour, time)
        for user, item, behaviour, time in dataset.interactions.itertuples(index=False)
    }
    assert events == {
        ("5", "30", "click", 1002), ("5", "9", "click", 1001),
        ("4", "20", "click", 1000), ("4", "30", "click", 1003),
        ("5", "30", "finish", 1002), ("4", "20", "finish", 1000),
        ("5", "9", "thumbs_up", 1001), ("4", "20", "thumbs_up", 1000),
    }  # fmt: skip
    assert len(dataset.pairs("like")) == 3


def test_features_are_aligned_and_gaps_are_masked(icme):
    dataset = load(icme)
    assert dataset.roles == {"visual": "content", "acoustic": "content", "textual": "exposure"}
    assert dataset.features["visual"].mask.tolist() == [True, True, False]
    assert dataset.features["visual"].values[:, 0].tolist() == [1.25, 0.5, 0.0]
    assert dataset.features["acoustic"].mask.all()
    words = dataset.features["textual"]
    assert words.columns == ("7", "12", "100"), "word ids in numerical order, those of unseen items left out"
    assert words.values.toarray().tolist() == [[0, 0, 1], [0, 0, 0], [0.25, 0.75, 0]]
    assert words.mask.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("name", "line", "text", "message"),
    [
        ("final_track2_train.txt", 2, "5\t1\t9\t8\t2\t0\t0\t1\t7\t9\t1001", "wrong number of columns"),
        ("final_track2_train.txt", 1, "\t".join("1" * 13), "wrong number of columns"),
        (
            "final_track2_train.txt",
            3,
            "4\t1\tx\t8\t2\t0\t1\t1\t7\t9\t1000\t10",
            "column `item_id` is not a whole",
        ),
        (
            "final_track2_train.txt",
            3,
            "4\t1\t20\t8\t2\t0\t1\t1\t7\t9\t\t10",
            "column `create_time` is empty",
        ),
        (
            "final_track2_train.txt",
            4,
            "4\t1\t30\t8\t2\t0\t2\t0\t7\t9\t1003\t10",
            "column `finish` has a bad value",
        ),
        ("track2_title.txt", 2, "not json", "not JSON"),
        ("track2_title.txt", 2, "[1]", "not a feature record"),
        ("track2_title.txt", 2, '{"item_id": 20, "title_features": {"a": 1}}', "bad word id"),
        ("track2_title.txt", 2, '{"item_id": 20, "title_features": {"1": -1}}', "bad count"),
        ("track2_title.txt", 2, '{"item_id": 30, "title_features": {}}', "second record"),
        ("track2_video_features.txt", 3, '{"item_id": 9, "video_feature_dim_128": [1, 2]}', "wrong length"),
        ("track2_video_features.txt", 3, '{"item_id": 9, "video_feature_dim_128": 5}', "wrong length"),
        (
            "track2_video_features.txt",
            3,
            '{"item_id": "9", "video_feature_dim_128": []}',
            "not a feature record",
        ),
        (
            "track2_audio_features.txt",
            1,
            {"item_id": 30, "audio_feature_128_dim": [float("nan")] * 128},
            "bad value",
        ),
        ("track2_audio_features.txt", 1, {"item_id": 30, "audio_feature_128_dim": [1e39] * 128}, "bad value"),
        (
            "track2_audio_features.txt",
            1,
            {"item_id": 30, "audio_feature_128_dim": [10**400] * 128},
            "bad value",
        ),
        (
            "track2_audio_features.txt",
            1,
            {"item_id": 30, "audio_feature_128_dim": ["1.0"] * 128},
            "bad value",
        ),
        ("track2_audio_features.txt", 1, {"item_id": 30, "audio_feature_128_dim": [True] * 128}, "bad value"),
    ],
)
def test_a_wrong_line_is_named(icme, name, line, text, message):
    lines = (icme / name).read_text().splitlines()
    lines[line - 1] = text if isinstance(text, str) else json.dumps(text)
    (icme / name).write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=message) as caught:
        load(icme)
    assert str(caught.value.where) == f"{icme / name}:{line}"


def test_layouts_are_recognised_by_their_files(icme, tmp_path):
    with pytest.raises(DataError, match=r"trnMat\.npz(.|\n)*final_track2_train\.txt|final_track2(.|\n)*trnMat"):
        load(tmp_path / "nowhere")
    write_diffmm_fixture(icme)
    with pytest.raises(DataError, match=r"several tiktok layouts(.|\n)*set the option layout"):
        load(icme)
    assert load(icme, layout="icme").num_items == 3
    assert load(icme, layout="diffmm").num_items == 5


def test_diffmm_pickles_give_what_the_archives_give(tmp_path):
    write_diffmm_fixture(tmp_path)
    expected = load(tmp_path)
    for file in tmp_path.glob("*.npz"):
        matrix = sparse.load_npz(file)
        file.unlink()
        file.with_suffix(".pkl").write_bytes(pickle.dumps(matrix))
    assert load(tmp_path).interactions.equals(expected.interactions)


def test_diffmm_parts_and_features(tmp_path):
    write_diffmm_fixture(tmp_path)
    text = np.ones((5, 3), dtype=np.float16)
    text[2] = 0
    np.save(tmp_path / "text_feat.npy", text)
    dataset = load(tmp_path)
    assert dataset.single_behaviour and not dataset.has_times
    assert dataset.interactions["part"].value_counts().to_dict() == {"train": 21, "valid": 7, "test": 7}
    assert dataset.roles == {"visual": "exposure", "acoustic": "content", "textual": "exposure"}
    assert dataset.features["textual"].mask.tolist() == [True, True, False, True, True]


def test_diffmm_shapes_must_agree(tmp_path):
    write_diffmm_fixture(tmp_path)
    np.save(tmp_path / "image_feat.npy", np.ones((4, 8), dtype=np.float16))
    with pytest.raises(DataError, match="a feature row for each item"):
        load(tmp_path)
    sparse.save_npz(tmp_path / "tstMat.npz", sparse.csr_matrix(np.eye(7, 6)))
    with pytest.raises(DataError, match="differ in shape"):
        load(tmp_path)


def test_an_array_of_objects_is_never_unpickled(tmp_path):
    write_diffmm_fixture(tmp_path)
    np.save(tmp_path / "image_feat.npy", np.array([[{}] * 8] * 5, dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="image_feat"):
        load(tmp_path)


@pytest.mark.realdata
def test_the_published_diffmm_data_has_its_published_counts(realdata):
    dataset = load(realdata("tiktok_hkuds"))
    facts = statistics(dataset)
    assert (facts["users"], facts["items"], facts["clicks"]) == (9308, 6710, 59_541 + 3_051 + 6_130)
    parts = dataset.interactions["part"].value_counts()
    assert parts.to_dict() == {"train": 59_541, "test": 6_130, "valid": 3_051}
    assert {name: part["width"] for name, part in facts["modalities"].items()} == {
        "visual": 128,
        "acoustic": 128,
    }
    assert (dataset.features["visual"].values >= 0).all()
