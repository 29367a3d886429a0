"""What every source must do: read one raw layout whole, the same each time, and refuse what is broken.

A class joins in three lines:

class TestMySource(SourceContract):
    source = "my_module:MySource"
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from graphrec.checks.dataset import check
from graphrec.data.dataset import InteractionDataset
from graphrec.data.source import Source
from graphrec.data.sources import sources
from graphrec.data.store import load, save
from graphrec.errors import DataError
from graphrec.system.files import sha256
from graphrec.testing.contract import Contract
from graphrec.testing.same_dataset import assert_same_dataset

BINARY = {".npy", ".npz", ".pkl", ".parquet", ".gz", ".zip", ".pt", ".b"}
"""Endings of files that are cut in half; of all others the last line is cut."""


class SourceContract(Contract):
    """Every test reads the small example that `write_raw` writes, or a damaged copy of it.

    >>> class TestMine(SourceContract):
    ...     source = "movielens"
    >>> TestMine().write_raw(Path("raw"))
    >>> _files(Path("raw")), TestMine().read(Path("raw")).num_users
    ([PosixPath('ml_plot.zip'), PosixPath('movies.csv'), PosixPath('ratings.csv'), PosixPath('tags.csv')], 6)
    """

    source: ClassVar[str]
    """Its registered name, or its import path."""
    options: ClassVar[dict[str, Any]] = {}
    """Options of the source by name; its defaults are used for all others."""

    def write_raw(self, folder: Path) -> None:
        """Write the example; by default the source's own. Override it to test a second layout."""
        self.kind.write_fixture(folder)

    @property
    def kind(self) -> type[Source]:
        return sources.get(self.source)

    def read(self, folder: Path) -> InteractionDataset:
        return self.kind.load(folder, self.kind.Options(**self.options))

    @pytest.fixture
    def raw(self, tmp_path: Path) -> Path:
        self.write_raw(tmp_path / "raw")
        return tmp_path / "raw"

    @pytest.fixture
    def dataset(self, raw: Path) -> InteractionDataset:
        return self.read(raw)

    def test_the_dataset_passes_the_checks(self, dataset: InteractionDataset) -> None:
        assert [finding for finding in check(dataset) if finding.severity == "error"] == []

    def test_ids_are_strings_and_rows_number_them_from_zero(self, dataset: InteractionDataset) -> None:
        events = dataset.interactions
        assert events["user"].dtype == events["item"].dtype == np.int64
        assert events["user"].between(0, dataset.num_users - 1).all()
        assert events["item"].between(0, dataset.num_items - 1).all()
        assert all(isinstance(name, str) for name in (*dataset.user_ids, *dataset.item_ids))

    def test_times_are_whole_numbers(self, dataset: InteractionDataset) -> None:
        if dataset.has_times:
            assert dataset.interactions["timestamp"].dtype == np.int64

    def test_the_feedback_roles_are_made_of_behaviours_that_occur(self, dataset: InteractionDataset) -> None:
        assert set(dataset.feedback) == {"click", "like"}
        for behaviours in dataset.feedback.values():
            assert set(behaviours) <= set(dataset.behaviours)
        assert len(dataset.pairs("click")) > 0

    def test_every_modality_has_a_role_a_provenance_and_an_encoder(self, dataset: InteractionDataset) -> None:
        assert set(dataset.roles) == set(dataset.features)
        for name, feature in dataset.features.items():
            assert feature.provenance, f"{name} does not say from which file it comes"
            # Words and categories were counted. Vectors were made by a network, or nobody says by what.
            assert bool(feature.encoder) == (not feature.is_sparse), f"{name} does not say what made its vectors"

    def test_the_provenance_has_the_hash_of_a_raw_file(self, dataset: InteractionDataset, raw: Path) -> None:
        hashes = {sha256(raw / name) for name in _files(raw)}
        assert hashes & set(dataset.provenance["files"].values())

    def test_reading_twice_gives_the_same_dataset(self, dataset: InteractionDataset, raw: Path) -> None:
        assert_same_dataset(dataset, self.read(raw))

    def test_the_example_is_the_same_each_time(self, dataset: InteractionDataset, tmp_path: Path) -> None:
        self.write_raw(tmp_path / "again")
        assert_same_dataset(dataset, self.read(tmp_path / "again"))

    def test_a_saved_dataset_is_read_back_the_same(self, dataset: InteractionDataset, tmp_path: Path) -> None:
        save(dataset, tmp_path / "prepared")
        assert_same_dataset(dataset, load(tmp_path / "prepared"))

    def test_a_folder_that_does_not_exist_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError):
            self.read(tmp_path / "nowhere")

    def test_a_file_that_is_missing_is_refused_unless_it_is_optional(self, raw: Path) -> None:
        required = 0
        for name in _files(raw):
            with _copied(raw) as copy:
                (copy / name).unlink()
                try:
                    self.read(copy)
                except DataError:
                    required += 1
        assert required > 0, "a source that misses none of its files reads nothing"

    def test_a_damaged_file_is_refused_by_its_name(self, raw: Path) -> None:
        """Empty, full of bytes that mean nothing, and cut off: an interrupted download."""
        for name in _files(raw):
            for content in (b"", b"\x80\xff\x00 garbage\n" * 5, _cut_off(name, (raw / name).read_bytes())):
                with _copied(raw) as copy:
                    (copy / name).write_bytes(content)
                    with pytest.raises(DataError, match=re.escape(name.name)):
                        self.read(copy)


@contextmanager
def _copied(raw: Path) -> Iterator[Path]:
    """A copy of the folder next to it, while the context lasts."""
    copy = raw.with_name("damaged")
    shutil.copytree(raw, copy)
    try:
        yield copy
    finally:
        shutil.rmtree(copy)


def _files(raw: Path) -> list[Path]:
    """Every file in the folder and its subfolders, relative to it."""
    return sorted(file.relative_to(raw) for file in raw.rglob("*") if file.is_file())


def _cut_off(file: Path, content: bytes) -> bytes:
    """Half of a binary file, or a text that ends within the first quarter of its last line."""
    if file.suffix in BINARY:
        return content[: len(content) // 2]
    start = content.rstrip(b"\n").rfind(b"\n") + 1
    return content[: start + max(1, (len(content) - start) // 4)]
