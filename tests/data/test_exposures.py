"""Pairs shown at random: read where a source marks them, refused where the split does not hold them out."""

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
def test_each_source_with_a_randomised_split_gives_exposures(name: str, tmp_path: Path) -> None:
    dataset = load(name, tmp_path / "raw")
    split = make_split(dataset, GIVEN)
    exposures = randomised_exposures(dataset, split)
    events = dataset.interactions[dataset.interactions["part"] == "test"]
    liked = events[events["behaviour"].isin(dataset.feedback["like"])]
    users, items = split.dataset.user_ids, split.dataset.item_ids

    def ids(pairs: np.ndarray) -> set[tuple[str, str]]:
        return {(users[user], items[item]) for user, item in pairs}

    def shown(table) -> set[tuple[str, str]]:
        return set(zip(dataset.user_ids[table["user"]], dataset.item_ids[table["item"]]))

    in_train = {pair for pair in shown(events) if pair[0] in set(users) and pair[1] in set(items)}
    assert ids(exposures.pairs) == in_train - ids(exposures.excluded)
    assert len(exposures.pairs) == len(ids(exposures.pairs)) > 0
    assert ids(exposures.pairs[exposures.liked]) == shown(liked) & ids(exposures.pairs)
    assert set(items[exposures.pool]) == {item for _, item in in_train}
    assert ids(exposures.excluded) >= ids(split.valid) | ids(split.train_pairs("click"))
    test = ids(split.open_test("to compare"))
    assert test <= ids(exposures.pairs[exposures.liked]), "every like that the split tests on was shown at random"


def test_a_split_that_mixes_those_of_the_source_is_refused(tmp_path: Path) -> None:
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
