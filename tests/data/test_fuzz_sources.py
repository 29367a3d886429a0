"""No damage to a raw file ends in a traceback, an error without a file, or a dataset that is shorter without a word."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from support.fuzzing import FURTHER, GOOD, OF_TEXT, Bench, Damage, Example, damages, examples

from graphrec.data.sources import sources

TRIALS = 8


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_damaged_files_are_refused_or_accounted_for(example: Example, tmp_path: Path) -> None:
    bench = Bench(example, tmp_path)
    random = np.random.default_rng(zlib.crc32(example.name.encode()))
    possible = list(damages(bench.raw))
    for index in random.permutation(len(possible))[:TRIALS]:
        outcome = bench.trial(possible[index], random)
        assert outcome is None or outcome.kind in GOOD, (possible[index], outcome)


def test_every_registered_source_is_among_the_examples() -> None:
    assert {example.source for example in examples()} >= set(sources)


@pytest.mark.parametrize("mutation", ["CRLF", "byte order mark", "no last line break"])
def test_harmless_changes_of_a_log_change_nothing(mutation: str, tmp_path: Path) -> None:
    (rated,) = (example for example in FURTHER if example.name == "table rated")
    outcome = Bench(rated, tmp_path).trial(Damage("interactions.csv", mutation), np.random.default_rng(0))
    assert outcome is not None and outcome.kind == "equal"


def test_a_source_that_drops_rows_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = examples()[0]
    bench = Bench(example, tmp_path)
    dataset = bench.whole
    short = dataset.subset(dataset.interactions[5:], np.arange(dataset.num_users), np.arange(dataset.num_items))
    monkeypatch.setattr(Example, "load", lambda self, raw: short)
    file = next(damages(bench.raw)).file
    outcome = bench.trial(Damage(file, "truncated"), np.random.default_rng(0))
    assert outcome is not None and outcome.kind == "silent"


def test_a_traceback_and_an_error_without_a_file_are_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from graphrec.errors import DataError

    bench = Bench(examples()[0], tmp_path)
    damage = next(damages(bench.raw))
    for error, kind in ((KeyError("x"), "traceback"), (DataError("bad"), "nameless error")):

        def fail(self: Example, raw: Path, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(Example, "load", fail)
        outcome = bench.trial(damage, np.random.default_rng(0))
        assert outcome is not None and outcome.kind == kind


def test_every_mutation_of_text_finds_something_to_change() -> None:
    text = b"user,item,rating\n1,2,3\n4,5,6\n7,8,9\n"
    for name in OF_TEXT:
        changed = [Damage("log.csv", name).apply(text, np.random.default_rng(seed)) for seed in range(5)]
        assert any(content not in (None, text) for content in changed), name
