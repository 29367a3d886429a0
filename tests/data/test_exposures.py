"""What was shown at random: found where a source marks it, and refused where it cannot be kept apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graphrec.data.exposures import randomised_exposures
from graphrec.data.sources import sources
from graphrec.data.split import SplitConfig, make_split
from graphrec.errors import DataError

GIVEN = SplitConfig(name="given")
RANDOMISED = ["coat", "kuairand", "kuairec", "yahoo_r3"]


def load(name: str, raw: Path):
    source = sources.get(name)
    source.write_fixture(raw, 3)
    return source.load(raw, source.Options())


@pytest.mark.parametrize("name", RANDOMISED)
def test_each_source_with_a_randomised_part_gives_exposures(name: str, tmp_path: Path) -> None:
    dataset = load(name, tmp_path / "raw")
    split = make_split(dataset, GIVEN)
    found = randomised_exposures(dataset, split)
    events = dataset.interactions[dataset.interactions["part"] == "test"]
    liked = events[events["behaviour"].isin(dataset.feedback["like"])]
    users, items = split.dataset.user_ids, split.dataset.item_ids

    def ids(pairs: np.ndarray) -> set[tuple[str, str]]:
        return {(users[user], items[item]) for user, item in pairs}

    def shown(table) -> set[tuple[str, str]]:
        return set(zip(dataset.user_ids[table["user"]], dataset.item_ids[table["item"]]))

    known = {pair for pair in shown(events) if pair[0] in set(users) and pair[1] in set(items)}
    assert ids(found.pairs) == known - ids(found.excluded)
    assert len(found.pairs) == len(ids(found.pairs)) > 0
    assert ids(found.pairs[found.liked]) == shown(liked) & ids(found.pairs)
    assert set(items[found.pool]) == {item for _, item in known}
    assert ids(found.excluded) >= ids(split.valid) | ids(split.train_pairs("click"))
    test = ids(split.open_test("to compare"))
    assert test <= ids(found.pairs[found.liked]), "every like that the split tests on was shown at random"


def test_a_split_that_mixes_the_parts_is_refused(tmp_path: Path) -> None:
    dataset = load("coat", tmp_path / "raw")
    split = make_split(dataset, SplitConfig(name="random"))
    with pytest.raises(DataError, match="not held out") as caught:
        randomised_exposures(dataset, split)
    assert caught.value.got == "split `random`" and "split.name=given" in str(caught.value)


def test_a_dataset_without_a_mark_is_refused(tmp_path: Path) -> None:
    dataset = load("coat", tmp_path / "raw")
    split = make_split(dataset, GIVEN)
    with pytest.raises(DataError, match="marked as exposed at random"):
        randomised_exposures(replace(dataset, provenance={}), split)
