"""The twin of Tiktok holds what was drawn, read by hand and by the source of the real files."""

import hashlib
import json

import numpy as np
import pytest
from scipy import sparse

from graphrec.data.sources import sources
from graphrec.errors import DataError
from graphrec.simulation.log import draw_log
from graphrec.simulation.tiktok import TiktokConfig, TiktokWorld, draw_features
from graphrec.simulation.truth import Truth
from graphrec.simulation.world import WorldConfig, draw_latents

CONFIG = TiktokConfig(users=40, items=120, shown=30, vocabulary=60, missing=0.2, seed=3)
HASH = "d5dffaebe1a9e11754ea0f7fafae6bc0b108b3dbfe4818ceee97372dc5c5cd19"
"""Of everything discrete that CONFIG draws; pictures may differ in the last bit from machine to machine."""
VISUAL = (-2.3174529, 0.114704989, 2.81403875)


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return TiktokWorld.write(CONFIG, tmp_path_factory.mktemp("twin") / "raw")


@pytest.fixture(scope="module")
def drawn():
    latents = draw_latents(CONFIG)
    return draw_log(CONFIG, latents), draw_features(CONFIG, latents)


def read(folder):
    source = sources.get("tiktok")
    return source.load(folder, source.Options())


def read_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_log_has_the_twelve_columns_and_holds_what_was_drawn(raw, drawn):
    log, _ = drawn
    truth = Truth.load(raw)
    rows = [line.split("\t") for line in (raw / "final_track2_train.txt").read_text().splitlines()]
    assert {len(row) for row in rows} == {12}
    assert [row[0] for row in rows] == truth.user_ids[log.user].tolist()
    assert [row[2] for row in rows] == truth.item_ids[log.item].tolist()
    assert [row[6] == "1" for row in rows] == log.finish.tolist()
    assert [row[7] == "1" for row in rows] == log.thumbs_up.tolist()
    assert [int(row[10]) for row in rows] == log.timestamp.tolist()


def test_features_come_back_to_the_bit_and_missing_ones_are_empty(raw, drawn):
    _, features = drawn
    ids = Truth.load(raw).item_ids.tolist()
    for file, key, name in (
        ("track2_video_features.txt", "video_feature_dim_128", "visual"),
        ("track2_audio_features.txt", "audio_feature_128_dim", "acoustic"),
    ):
        records = read_lines(raw / file)
        assert [str(record["item_id"]) for record in records] == ids
        assert [bool(record[key]) for record in records] == features.has[name].tolist()
        values = np.asarray([record[key] or [0.0] * 128 for record in records]).astype(np.float32)
        np.testing.assert_array_equal(values, getattr(features, name))
    for record, counts in zip(read_lines(raw / "track2_title.txt"), features.titles.toarray()):
        assert record["title_features"] == {str(word): counts[word] for word in np.flatnonzero(counts)}


def test_ids_are_shuffled_integers(raw):
    truth = Truth.load(raw)
    for ids in (truth.user_ids, truth.item_ids):
        numbers = [int(text) for text in ids]
        assert sorted(numbers) == list(range(len(numbers)))
        assert numbers != sorted(numbers)


def test_the_source_reads_the_twin_as_drawn(raw, drawn):
    log, features = drawn
    dataset = read(raw)
    truth = Truth.load(raw).align(dataset.user_ids, dataset.item_ids)
    # Rows of the drawn world in the source's order; who or what has no click is not in the log.
    users, items = truth.user_rows, truth.item_rows
    assert set(users) == set(log.user)
    assert set(log.item) <= set(items)

    def world_pairs(role):
        pairs = dataset.pairs(role)
        return set(zip(users[pairs["user"]], items[pairs["item"]], pairs["timestamp"]))

    assert world_pairs("click") == set(zip(log.user, log.item, log.timestamp))
    liked = log.like
    assert world_pairs("like") == set(zip(log.user[liked], log.item[liked], log.timestamp[liked]))

    for name in ("visual", "acoustic"):
        feature = dataset.features[name]
        np.testing.assert_array_equal(feature.mask, features.has[name][items])
        np.testing.assert_array_equal(feature.values, getattr(features, name)[items])
    title = dataset.features["textual"]
    assert title.columns is not None
    counts = features.titles.toarray()[items][:, [int(word) for word in title.columns]]
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    np.testing.assert_array_equal(title.mask, features.has["title"][items])
    np.testing.assert_allclose(sparse.csr_array(title.values).toarray(), share, rtol=1e-6)
    assert dataset.roles == {"visual": "content", "acoustic": "content", "textual": "exposure"}


def test_the_source_needs_no_truth(raw, tmp_path):
    files = [file for file in raw.iterdir() if file.suffix == ".txt"]
    for file in files:
        (tmp_path / file.name).write_bytes(file.read_bytes())
    bare, whole = read(tmp_path), read(raw)
    assert bare.interactions.equals(whole.interactions)
    assert not any("truth" in name for name in whole.provenance["files"])


def test_the_same_config_writes_the_same_bytes_and_replaces_its_own_folder(raw, tmp_path):
    out = tmp_path / "again"
    TiktokWorld.write(CONFIG.model_copy(update={"seed": 9}), out)
    TiktokWorld.write(CONFIG, out)
    files = sorted(file.relative_to(raw) for file in raw.rglob("*") if file.is_file())
    assert files == sorted(file.relative_to(out) for file in out.rglob("*") if file.is_file())
    for file in files:
        assert (raw / file).read_bytes() == (out / file).read_bytes(), file


def test_the_draws_of_a_seed_do_not_change_from_one_release_to_the_next(drawn):
    log, features = drawn
    columns = (log.user, log.item, log.timestamp, log.like, log.finish, log.thumbs_up, features.titles.toarray())
    whole = b"".join(np.ascontiguousarray(column).astype("<i8").tobytes() for column in columns)
    assert hashlib.sha256(whole).hexdigest() == HASH
    np.testing.assert_allclose(features.visual[0, :3], VISUAL, rtol=1e-5)


def test_which_modality_shows_the_exposure_is_on_record(tmp_path):
    config = TiktokConfig(users=3, items=20, shown=5, vocabulary=20, exposure_shows="visual")
    raw = TiktokWorld.write(config, tmp_path / "raw")
    assert json.loads((raw / "world.json").read_text())["config"]["exposure_shows"] == "visual"
    assert Truth.load(raw).config == WorldConfig(users=3, items=20, shown=5)


def test_foreign_files_are_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(DataError, match="will not write a world"):
        TiktokWorld.write(CONFIG, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_the_truth_of_a_world_is_not_taken_for_a_world_that_may_be_replaced(tmp_path):
    raw = TiktokWorld.write(CONFIG, tmp_path / "raw")
    before = sorted(file.name for file in (raw / "truth").iterdir())
    with pytest.raises(DataError, match="will not overwrite the truth"):
        TiktokWorld.write(CONFIG, raw / "truth")
    assert sorted(file.name for file in (raw / "truth").iterdir()) == before


def test_items_that_nobody_clicked_have_features(tmp_path):
    config = TiktokConfig(users=2, items=50, shown=5, vocabulary=20)
    raw = TiktokWorld.write(config, tmp_path / "raw")
    clicked = {line.split("\t")[2] for line in (raw / "final_track2_train.txt").read_text().splitlines()}
    assert len(clicked) < 50
    assert all(record["video_feature_dim_128"] for record in read_lines(raw / "track2_video_features.txt"))
    assert len(read_lines(raw / "track2_title.txt")) == 50
