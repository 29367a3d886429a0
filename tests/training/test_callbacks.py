"""Callbacks: which hook is called when, how a recipe names them, and that watching changes nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import torch
from support.stopped import Stopped, stop_after
from support.trained_runs import MakeRecipe

import graphrec.runs.train
from graphrec.errors import ComponentError, MismatchError, UnknownNameError
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.runs.train import train
from graphrec.training.callbacks import AfterEpoch, Callback
from graphrec.training.checkpoint import load_weights
from graphrec.training.config import TrainingConfig
from graphrec.training.loop import Trainer

SHOP = '''
from graphrec.training.callbacks import Callback


class HalveRate(Callback):
    """Halves the learning rate after each epoch."""

    def on_start(self, trainer):
        self.on_epoch(trainer)

    def on_epoch(self, trainer):
        for group in trainer.optimiser.param_groups:
            group["lr"] = trainer.config.learning_rate * 0.5**trainer.state.epoch
'''


class Watch(Callback):
    """Writes down each hook with the epoch at which it was called."""

    def __init__(self, calls: list[str], name: str = "") -> None:
        self.calls, self.prefix = calls, name

    def on_start(self, trainer: Trainer) -> None:
        self.calls.append(f"{self.prefix}start {trainer.state.epoch}")

    def on_validate(self, trainer: Trainer, metrics: Mapping[str, float]) -> None:
        assert metrics.items() <= trainer.state.history[-1].items()
        self.calls.append(f"{self.prefix}validate {trainer.state.epoch}")

    def on_epoch(self, trainer: Trainer) -> None:
        self.calls.append(f"{self.prefix}epoch {trainer.state.history[-1]['epoch']}")

    def on_end(self, trainer: Trainer) -> None:
        self.calls.append(f"{self.prefix}end {trainer.state.finished(trainer.config)}")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module outside the package that can be imported as `shop_callbacks`; the file may be changed."""
    (tmp_path / "shop_callbacks.py").write_text(SHOP)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "shop_callbacks.py"
    sys.modules.pop("shop_callbacks", None)


def test_each_hook_is_called_at_its_moment(trainer_of: Callable[..., Trainer]) -> None:
    calls: list[str] = []
    trainer_of("ct", epochs=3, validate_every=2).run([Watch(calls)])
    assert calls == ["start 0", "epoch 1", "validate 2", "epoch 2", "validate 3", "epoch 3", "end True"]


def test_the_best_weights_are_in_the_model_at_the_end(trainer_of: Callable[..., Trainer]) -> None:
    class Compare(Callback):
        def on_end(self, trainer: Trainer) -> None:
            state = trainer.model.state_dict()
            assert all(torch.equal(state[name], best) for name, best in trainer.best_weights.items())

    trainer_of("ct", epochs=2).run([Compare()])


def test_a_training_that_is_cut_short_still_ends_those_that_started(trainer_of: Callable[..., Trainer]) -> None:
    calls: list[str] = []

    class Refuses(Callback):
        def on_start(self, trainer: Trainer) -> None:
            raise ValueError("no")

    with pytest.raises(Stopped):
        trainer_of("ct", epochs=3).run([Watch(calls, "a "), Watch(calls, "b "), stop_after(1)])
    assert calls[-2:] == ["b end False", "a end False"]
    calls.clear()
    with pytest.raises(ValueError, match="no"):
        trainer_of("ct").run([Watch(calls, "a "), Refuses(), Watch(calls, "b ")])
    assert calls == ["a start 0", "a end False"]


def test_who_only_watches_changes_no_bit(tiny_recipe: MakeRecipe, tiny_runs: dict[str, Run], tmp_path: Path) -> None:
    calls: list[str] = []
    run = train(
        tiny_recipe("ct"), tmp_path / "run", callbacks=[Watch(calls), AfterEpoch(lambda trainer: torch.rand(3))]
    )
    assert calls[0] == "start 0" and calls[-1] == "end True"
    weights, others = (load_weights(trained.folder / "weights.safetensors")[0] for trained in (run, tiny_runs["ct"]))
    assert weights.keys() == others.keys() and all(torch.equal(weights[name], others[name]) for name in weights)
    assert "callbacks" not in (run.folder / "recipe.toml").read_text()


def test_a_recipe_without_callbacks_reads_and_hashes_as_before_there_were_any() -> None:
    assert "callbacks" not in TrainingConfig().model_dump()
    recipe = Recipe.from_dict({"data": {"path": "x"}})
    assert "callbacks" not in recipe.to_toml()
    assert Recipe.from_dict({"data": {"path": "x"}, "training": {"callbacks": []}}) == recipe


def test_a_recipe_names_callbacks_and_keeps_them(tiny_recipe: MakeRecipe, shop: Path, tmp_path: Path) -> None:
    named = 'training.callbacks=["shop_callbacks:HalveRate", "progress"]'
    run = train(tiny_recipe("ct", named), tmp_path / "halved")
    assert run.recipe.training.callbacks == ("shop_callbacks:HalveRate", "progress")
    assert Recipe.from_toml(run.folder / "recipe.toml") == run.recipe
    plain = train(tiny_recipe("ct"), tmp_path / "plain")
    assert run.history[0]["loss"] == plain.history[0]["loss"]
    assert run.history[1]["loss"] != plain.history[1]["loss"], "the rate of the second epoch is halved"
    assert list(run.manifest["custom_code"]) == ["shop_callbacks"]


def test_a_recipes_callbacks_act_before_a_checkpoint_so_that_training_resumes_the_same(
    tiny_recipe: MakeRecipe, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphrec.runs.train, "CHECKPOINT_SECONDS", -1.0)
    recipe = tiny_recipe("ct", 'training.callbacks=["shop_callbacks:HalveRate"]')
    whole = train(recipe, tmp_path / "whole")
    with pytest.raises(Stopped):
        train(recipe, tmp_path / "cut", callbacks=[stop_after(1)])
    resumed = train(recipe, tmp_path / "cut")
    assert [row["loss"] for row in resumed.history] == [row["loss"] for row in whole.history]
    shop.write_text(SHOP + "\n# changed\n")
    with pytest.raises(MismatchError, match="`shop_callbacks` changed"):
        train(recipe, tmp_path / "cut")


def test_a_callback_that_is_none_is_refused_at_the_recipe_key(shop: Path) -> None:
    for name, error in (
        ("progres", UnknownNameError),
        ("collections:OrderedDict", ComponentError),
        ("shop_callbacks:Missing", UnknownNameError),
    ):
        with pytest.raises(error) as caught:
            Recipe.from_dict({"data": {"path": "x"}, "training": {"callbacks": [name]}})
        assert "training.callbacks in recipe" in str(caught.value)
