"""The suite for sources finds what is wrong: each class below has one fault, and the test made for it fails."""

from __future__ import annotations

import inspect
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from graphrec.data.dataset import Feature
from graphrec.data.readers import Column, EventBuilder, provenance, read_chunks, require_files
from graphrec.data.source import Source
from graphrec.errors import DataError
from graphrec.testing import SourceContract

FILE = "events.tsv"
COLUMNS = {"user": Column("user", "str"), "item": Column("item", "str")}
DRAWS = count()


class Sound(Source):
    """Without a fault."""

    @classmethod
    def load(cls, raw, options):
        files = require_files(raw, (FILE,), "sound")
        builder = EventBuilder(("click",))
        for chunk in read_chunks(files[0], COLUMNS, delimiter="\t", header=list(COLUMNS)):
            builder.add(chunk.columns["user"], chunk.columns["item"], np.zeros(len(chunk), dtype=np.int8))
        feedback = {"click": ("click",), "like": ("click",)}
        return builder.build("sound", feedback=feedback, provenance=provenance("sound", "tsv", options, files))

    @classmethod
    def write_fixture(cls, raw, seed=0):
        raw.mkdir(parents=True)
        lines = [f"u{user}\ti{(user + step) % 5}" for user in range(5) for step in range(3)]
        (raw / FILE).write_text("\n".join(["\t".join(COLUMNS), *lines]) + "\n")


class Numbered(Sound):
    """Gives ids as numbers, which a prepared folder would read back as strings."""

    @classmethod
    def load(cls, raw, options):
        dataset = super().load(raw, options)
        return replace(dataset, user_ids=np.arange(dataset.num_users).astype(object))


class Shuffled(Sound):
    """Gives the events in another order each time."""

    @classmethod
    def load(cls, raw, options):
        dataset = super().load(raw, options)
        events = dataset.interactions.sample(frac=1, random_state=next(DRAWS)).reset_index(drop=True)
        return replace(dataset, interactions=events)


class Fleeting(Sound):
    """Writes another example each time."""

    @classmethod
    def write_fixture(cls, raw, seed=0):
        super().write_fixture(raw)
        with (raw / FILE).open("a") as file:
            file.write(f"u0\ti{100 + next(DRAWS)}\n")


class Untraceable(Sound):
    """Does not say from which files the data comes."""

    @classmethod
    def load(cls, raw, options):
        return replace(super().load(raw, options), provenance={"files": {}})


class Vectors(Sound):
    """Has vectors of which nobody says what made them."""

    @classmethod
    def load(cls, raw, options):
        dataset = super().load(raw, options)
        values = np.ones((dataset.num_items, 2), dtype=np.float32)
        feature = Feature(values, np.ones(dataset.num_items, dtype=bool), provenance=FILE)
        return replace(dataset, features={"visual": feature}, roles={"visual": "exposure"})


class Lenient(Sound):
    """Takes an empty dataset for the data of a folder that does not exist."""

    @classmethod
    def load(cls, raw, options):
        if not raw.is_dir():
            cls.write_fixture(raw)
        return super().load(raw, options)


class Careless(Sound):
    """Takes what can be read of a damaged file for all of it."""

    @classmethod
    def load(cls, raw, options):
        try:
            return super().load(raw, options)
        except DataError:
            text = (raw / FILE).read_bytes() if (raw / FILE).is_file() else b""
            if b"garbage" in text:
                cls.write_fixture(raw.with_name(f"other{next(DRAWS)}"))
                return None
            raise


class Nameless(Sound):
    """Refuses a damaged file without its name."""

    @classmethod
    def load(cls, raw, options):
        try:
            return super().load(raw, options)
        except DataError:
            raise DataError("something is wrong") from None


class Python(Sound):
    """Lets an error of Python's through where a file is missing."""

    @classmethod
    def load(cls, raw, options):
        (raw / FILE).read_bytes()
        return super().load(raw, options)


class Blind(Sound):
    """Reads none of its files."""

    @classmethod
    def load(cls, raw, options):
        other = raw.with_name(f"other{next(DRAWS)}")
        cls.write_fixture(other)
        return super().load(other, options)


def check(kind: type, test: str, folder: Path) -> None:
    """Runs one test of the suite on a class."""
    suite = type("Suite", (SourceContract,), {"source": f"{__name__}:{kind.__name__}"})()
    raw = folder / "raw"
    suite.write_raw(raw)
    method = getattr(suite, test)
    values = {"raw": lambda: raw, "tmp_path": lambda: folder, "dataset": lambda: suite.read(raw)}
    method(**{name: values[name]() for name in inspect.signature(method).parameters})


FAULTS = [
    (Numbered, "test_ids_are_strings_and_rows_number_them_from_zero", None),
    (Shuffled, "test_reading_twice_gives_the_same_dataset", None),
    (Fleeting, "test_the_example_is_the_same_each_time", None),
    (Untraceable, "test_the_provenance_has_the_hash_of_a_raw_file", None),
    (Vectors, "test_every_modality_has_a_role_a_provenance_and_an_encoder", "what made its vectors"),
    (Lenient, "test_a_folder_that_does_not_exist_is_refused", "DID NOT RAISE"),
    (Blind, "test_a_file_that_is_missing_is_refused_unless_it_is_optional", "reads nothing"),
    (Python, "test_a_file_that_is_missing_is_refused_unless_it_is_optional", None),
    (Careless, "test_a_damaged_file_is_refused_by_its_name", "DID NOT RAISE"),
    (Nameless, "test_a_damaged_file_is_refused_by_its_name", None),
]


@pytest.mark.parametrize(("kind", "test", "message"), FAULTS, ids=[kind.__name__ for kind, _, _ in FAULTS])
def test_a_fault_is_found_and_its_absence_too(kind: type, test: str, message: str | None, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, OSError, pytest.fail.Exception), match=message):
        check(kind, test, tmp_path / "faulty")
    check(Sound, test, tmp_path / "sound")


def test_an_option_is_passed_to_the_source(tmp_path: Path) -> None:
    suite = type("Suite", (SourceContract,), {"source": "mmrec", "options": {"like_at": 4.0}})()
    suite.write_raw(tmp_path / "raw")
    assert suite.read(tmp_path / "raw").provenance["options"]["like_at"] == 4.0
