"""What every source must do; a source's test joins with `check_source(MySource, tmp_path)`."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from graphrec.checks.dataset import check
from graphrec.data.dataset import InteractionDataset
from graphrec.data.source import Source, SourceOptions
from graphrec.data.store import load, save
from graphrec.errors import DataError

BINARY = {".npy", ".npz", ".pkl", ".parquet", ".gz", ".zip", ".pt", ".b"}


def check_source(
    source: type[Source],
    tmp_path: Path,
    options: SourceOptions | None = None,
    write_fixture: Callable[[Path], None] | None = None,
) -> InteractionDataset:
    """Load the fixture and hold the source to its contract; gives the dataset for further tests.

    Args:
        options: the source's options; its defaults if left out.
        write_fixture: writes another example than the source's own, such as a second layout.
    """
    options = options if options is not None else source.Options()
    write = write_fixture if write_fixture is not None else source.write_fixture
    raw = tmp_path / "raw"
    write(raw)
    dataset = source.load(raw, options)
    assert [finding for finding in check(dataset) if finding.severity == "error"] == []
    _check_tables(dataset)
    assert_same_dataset(dataset, source.load(raw, options))
    write(tmp_path / "again")
    assert_same_dataset(dataset, source.load(tmp_path / "again", options))
    save(dataset, tmp_path / "prepared")
    assert_same_dataset(dataset, load(tmp_path / "prepared"))
    _check_missing(source, options, raw, tmp_path / "damaged")
    _check_damaged(source, options, raw, tmp_path / "damaged")
    return dataset


def assert_same_dataset(one: InteractionDataset, other: InteractionDataset) -> None:
    """Equal in every part, types included."""
    assert one.name == other.name
    assert one.user_ids.dtype == other.user_ids.dtype == object
    assert one.user_ids.tolist() == other.user_ids.tolist()
    assert one.item_ids.tolist() == other.item_ids.tolist()
    pd.testing.assert_frame_equal(one.interactions, other.interactions)
    assert dict(one.feedback) == dict(other.feedback)
    assert dict(one.roles) == dict(other.roles)
    assert dict(one.provenance) == dict(other.provenance)
    assert list(one.features) == list(other.features)
    for modality, feature in one.features.items():
        twin = other.features[modality]
        assert feature.is_sparse == twin.is_sparse
        assert feature.values.dtype == twin.values.dtype == np.float32
        dense, dense_twin = (
            part.values.toarray() if part.is_sparse else part.values  # type: ignore[union-attr]
            for part in (feature, twin)
        )
        np.testing.assert_array_equal(dense, dense_twin)
        np.testing.assert_array_equal(feature.mask, twin.mask)
        assert (feature.columns, feature.provenance) == (twin.columns, twin.provenance)
        assert (feature.encoder, feature.layer) == (twin.encoder, twin.layer)


def _check_tables(dataset: InteractionDataset) -> None:
    events = dataset.interactions
    assert events["user"].dtype == events["item"].dtype == np.int64
    assert events["user"].between(0, dataset.num_users - 1).all()
    assert events["item"].between(0, dataset.num_items - 1).all()
    assert all(isinstance(one, str) for one in (*dataset.user_ids, *dataset.item_ids))
    assert set(dataset.feedback) == {"click", "like"}
    for names in dataset.feedback.values():
        assert set(names) <= set(dataset.behaviours)
    assert len(dataset.pairs("click")) > 0
    assert set(dataset.roles) == set(dataset.features)
    for feature in dataset.features.values():
        assert feature.provenance, "from which file"
        assert bool(feature.encoder) == (not feature.is_sparse), "what made the vectors, or that it is unknown"
    if dataset.has_times:
        assert events["timestamp"].dtype == np.int64


def _check_missing(source: type[Source], options: SourceOptions, raw: Path, damaged: Path) -> None:
    with pytest.raises(DataError):
        source.load(raw.parent / "nowhere", options)
    needed = 0
    for name in _files(raw):
        shutil.copytree(raw, damaged)
        (damaged / name).unlink()
        try:
            source.load(damaged, options)
        except DataError:
            needed += 1
        shutil.rmtree(damaged)
    assert needed > 0, "a source that misses none of its files reads nothing"


def _check_damaged(source: type[Source], options: SourceOptions, raw: Path, damaged: Path) -> None:
    for name in _files(raw):
        whole = (raw / name).read_bytes()
        for broken in (b"", b"\x80\xff\x00 garbage\n" * 5, _truncated(name, whole)):
            shutil.copytree(raw, damaged)
            (damaged / name).write_bytes(broken)
            with pytest.raises(DataError, match=re.escape(name.name)):
                source.load(damaged, options)
            shutil.rmtree(damaged)


def _files(raw: Path) -> list[Path]:
    """Every file in the folder and the folders within, relative to it."""
    return sorted(file.relative_to(raw) for file in raw.rglob("*") if file.is_file())


def _truncated(file: Path, whole: bytes) -> bytes:
    """Half of a binary file; a text that breaks off within the first quarter of its last line."""
    if file.suffix in BINARY:
        return whole[: len(whole) // 2]
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    return whole[: start + max(1, (len(whole) - start) // 4)]
