"""Splitters as an axis: one of another package is named by its import path and held to the same rules."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from graphrec.data.split import SplitConfig, make_split
from graphrec.data.splitter import RawSplit, Splitter, splitters
from graphrec.data.store import save
from graphrec.errors import ComponentError, SplitError, UnknownNameError
from graphrec.runs.build import prepare_split
from graphrec.runs.recipe import Recipe
from graphrec.system.user_code import permit

SPLITTERS = '''
import numpy as np

from graphrec.data.splitter import RawSplit, Splitter


class HalfOfUsers(Splitter):
    """A liked pair of every other user is held out."""

    uses = frozenset({"seed"})
    if_empty = "bring more likes"

    @classmethod
    def divide(cls, dataset, config):
        likes = dataset.pairs("like").drop_duplicates("user")[["user", "item"]].to_numpy(np.int64)
        held = np.random.default_rng(config.seed).permutation(likes)
        events = dataset.interactions
        out = (events["user"] * dataset.num_items + events["item"]).isin(held[:, 0] * dataset.num_items + held[:, 1])
        return RawSplit(events[~out], held[::2], held[1::2], {"dropped_nothing": 0})


class Careless(HalfOfUsers):
    """Leaves held-out pairs in train."""

    @classmethod
    def divide(cls, dataset, config):
        raw = super().divide(dataset, config)
        return RawSplit(dataset.interactions, raw.valid, raw.test)


class Greedy(HalfOfUsers):
    """Holds nothing out."""

    @classmethod
    def divide(cls, dataset, config):
        none = np.empty((0, 2), dtype=np.int64)
        return RawSplit(dataset.interactions, none, none)


class Unfinished(Splitter):
    """Does not divide."""
'''


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "shop_splitters.py").write_text(SPLITTERS)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("shop_splitters", None)


def test_a_splitter_of_another_package_divides_by_its_import_path(random_dataset) -> None:
    config = SplitConfig(name="shop_splitters:HalfOfUsers", seed=3)
    permit(config.name)
    split = make_split(random_dataset(0), config)
    assert split.counts["dropped_nothing"] == 0
    assert len(split.valid) > 0 and split.hash == make_split(random_dataset(0), config).hash
    assert split.hash != make_split(random_dataset(0), SplitConfig(name="shop_splitters:HalfOfUsers")).hash


def test_a_recipe_names_it_and_is_refused_where_it_leaks(random_dataset, tmp_path: Path) -> None:
    save(random_dataset(0), tmp_path / "data")
    values = {"data": {"path": str(tmp_path / "data")}, "split": {"name": "shop_splitters:HalfOfUsers"}}
    assert len(prepare_split(Recipe.from_dict(values)).valid) > 0
    values["split"] = {"name": "shop_splitters:Careless"}
    with pytest.raises(SplitError, match="leaks: valid pairs are among the training pairs") as caught:
        prepare_split(Recipe.from_dict(values))
    assert "fix the splitter" in str(caught.value)


def test_settings_that_a_splitter_ignores_are_reported(random_dataset) -> None:
    with pytest.warns(UserWarning, match="split.train is ignored by the split `shop_splitters:HalfOfUsers`"):
        make_split(random_dataset(0), SplitConfig(name="shop_splitters:HalfOfUsers", train=0.9))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_split(random_dataset(0), SplitConfig(name="shop_splitters:HalfOfUsers", seed=9))


def test_moments_that_a_splitter_by_shares_ignores_do_not_take_the_place_of_the_shares(random_dataset) -> None:
    with pytest.warns(UserWarning) as caught:
        make_split(random_dataset(0), SplitConfig(name="random", train=0.6, until=(1, 2)))
    assert [str(warning.message) for warning in caught] == ["split.until is ignored by the split `random`"]


def test_an_empty_split_is_refused_with_what_the_splitter_advises(random_dataset) -> None:
    with pytest.raises(SplitError, match="the valid split of `shop_splitters:Greedy` is empty") as caught:
        permit("shop_splitters:Greedy")
        make_split(random_dataset(0), SplitConfig(name="shop_splitters:Greedy"))
    assert "bring more likes" in str(caught.value)


def test_what_is_no_whole_splitter_is_refused_at_the_recipe_key() -> None:
    def recipe(name: str) -> Recipe:
        return Recipe.from_dict({"data": {"path": "x"}, "split": {"name": name}})

    with pytest.raises(ComponentError, match="not complete") as caught:
        recipe("shop_splitters:Unfinished")
    assert "divide" in str(caught.value) and "split.name in recipe" in str(caught.value)
    with pytest.raises(ComponentError, match="`collections:OrderedDict` is no splitter"):
        recipe("collections:OrderedDict")
    with pytest.raises(UnknownNameError, match="unknown splitter `randon`; did you mean `random`") as unknown:
        recipe("randon")
    assert "split.name in recipe" in str(unknown.value)


def test_every_splitter_of_the_package_says_what_it_uses_and_what_to_do() -> None:
    for name, kind in splitters.available():
        assert issubclass(kind, Splitter) and kind.uses <= {"train", "valid", "until", "seed"}
        assert kind.if_empty.startswith("use "), name
    none = np.empty((0, 2))
    assert RawSplit(None, none, none).dropped == {}  # type: ignore[arg-type]
