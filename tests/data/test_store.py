"""Prepared data: what is written comes back, and what was changed is refused."""

import json
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from graphrec.data.dataset import Feature, dataset_from_events
from graphrec.data.store import fingerprint, load, save
from graphrec.errors import DataError
from graphrec.system.owned_folder import write_own_json
from graphrec.testing.same_dataset import assert_same_dataset


@pytest.fixture
def dataset(random_dataset):
    rng = np.random.default_rng(0)
    plain = random_dataset(0)
    mask = rng.random(plain.num_items) < 0.7
    # a transposed array is not contiguous, which safetensors would write in the wrong order
    dense = (rng.normal(size=(3, plain.num_items)).astype(np.float32) * mask).T
    bag = sparse.csr_array((rng.random((plain.num_items, 5)) < 0.3).astype(np.float32))
    features = {
        "visual": Feature(dense, mask, provenance="drawn", encoder="CaffeNet", layer="fc7"),
        "words": Feature(bag, np.diff(bag.indptr) > 0, ("a", "b", "c", "d", "ü")),
    }
    roles = {"visual": "content", "words": "exposure"}
    return replace(plain, features=features, roles=roles, provenance={"source": "drawn", "nested": {"n": [1, 2]}})


def test_a_dataset_comes_back_as_it_was(dataset, tmp_path):
    save(dataset, tmp_path / "prepared")
    assert_same_dataset(dataset, load(tmp_path / "prepared"))


def test_the_manifest_says_where_features_come_from(dataset, tmp_path):
    save(dataset, tmp_path / "prepared")
    entry = json.loads((tmp_path / "prepared" / "manifest.json").read_text())["features"]["visual"]
    share = 1 - dataset.features["visual"].mask.mean()
    assert (entry["encoder"], entry["layer"], entry["shape"]) == ("CaffeNet", "fc7", [dataset.num_items, 3])
    assert entry["share_missing"] == pytest.approx(share)


def test_behaviours_keep_their_order_and_their_empty_ones(tmp_path):
    events = pd.DataFrame({"user": [1, 2], "item": [3, 3], "behaviour": ["zap", "buy"]})
    feedback = {"click": ("zap",), "like": ("buy",)}
    order = ("zap", "never", "buy")
    dataset = dataset_from_events("d", events, feedback=feedback, provenance={}, behaviour_order=order)
    save(dataset, tmp_path / "prepared")
    assert load(tmp_path / "prepared").behaviours == order


def test_the_fingerprint_follows_the_content_alone(dataset, tmp_path):
    for name in ("one", "two"):
        save(dataset, tmp_path / name)
    events = dataset.interactions.copy()
    events.loc[0, "timestamp"] += 1
    save(replace(dataset, interactions=events), tmp_path / "other")
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two") != fingerprint(tmp_path / "other")


def test_saving_again_replaces_all_files(dataset, tmp_path):
    save(dataset, tmp_path / "prepared")
    save(replace(dataset, features={}, roles={}), tmp_path / "prepared")
    assert not (tmp_path / "prepared" / "features.safetensors").exists()
    assert load(tmp_path / "prepared").features == {}


def test_other_peoples_folders_are_not_overwritten(dataset, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match="will not write prepared data"):
        save(dataset, tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["users.parquet", "items.parquet", "interactions.parquet", "features.safetensors"])
def test_a_changed_or_missing_file_is_refused(dataset, tmp_path, name):
    save(dataset, tmp_path / "prepared")
    file = tmp_path / "prepared" / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError, match=f"changed after(.|\n)*{name}"):
        load(tmp_path / "prepared")
    file.unlink()
    with pytest.raises(DataError, match=f"missing(.|\n)*{name}"):
        load(tmp_path / "prepared")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 99}, "schema version"),
        ({"roles": {"visual": "smell"}}, "malformed manifest"),
        ({"surprise": 1}, "malformed manifest"),
        ({"files": {}}, "not what its manifest describes"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(dataset, tmp_path, change, message):
    save(dataset, tmp_path / "prepared")
    file = tmp_path / "prepared" / "manifest.json"
    write_own_json(file, {**json.loads(file.read_text()), **change})
    with pytest.raises(DataError, match=message):
        load(tmp_path / "prepared")


@pytest.mark.parametrize("content", ["", "{", "[]", "3"])
def test_a_garbled_manifest_is_refused(dataset, tmp_path, content):
    save(dataset, tmp_path / "prepared")
    (tmp_path / "prepared" / "manifest.json").write_text(content)
    with pytest.raises(DataError):
        load(tmp_path / "prepared")


def test_the_error_for_an_empty_folder_says_what_to_do(tmp_path):
    with pytest.raises(DataError, match="graphrec prepare"):
        load(tmp_path / "nothing")


@pytest.mark.slow
def test_a_million_and_a_half_events_load_in_two_seconds(tmp_path, random_dataset):
    save(random_dataset(0, users=20_000, items=40_000, events=1_500_000, moments=10**8), tmp_path / "prepared")
    start = time.perf_counter()
    load(tmp_path / "prepared")
    assert time.perf_counter() - start < 2
