"""Checkpoints: an interrupted training ends where an uninterrupted one does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from graphrec.errors import RunError
from graphrec.training.callbacks import AfterEpoch, Callback
from graphrec.training.checkpoint import (
    Checkpoint,
    load_weights,
    resume_training,
    save_training,
    save_weights,
    saved_state,
)
from graphrec.training.loop import Trainer, TrainingState

TrainerOf = Callable[..., Trainer]


SETTINGS = {"lightgcn": {"edge_dropout": 0.4}}
"""Of the networks, where they are not the defaults."""


class Interrupted(Exception):
    """Somebody pulled the plug."""


@pytest.mark.parametrize(
    ("decoder", "network", "stop"),
    [
        ("esmm", "mmgcn", 1),
        ("hcr", "mmgcn", 3),
        ("hcr", "bm3", 1),  # dropout
        ("ct", "freedom", 2),  # a pruned graph an epoch
        ("ct", "lightgcn", 2),  # edge dropout
        ("ct", "lattice", 2),  # a learned graph an epoch
    ],
)
def test_a_resumed_training_gives_exactly_the_uninterrupted_result(
    trainer_of: TrainerOf, tmp_path: Path, decoder: str, network: str, stop: int
) -> None:
    settings = {"network": network, "epochs": 4, "patience": 2, "weight_decay": 1e-4, "backbone": SETTINGS.get(network)}
    whole = trainer_of(decoder, **settings)
    whole.run()

    def plug(trainer: Trainer) -> None:
        save_training(tmp_path / "t.safetensors", trainer)
        if trainer.state.epoch == stop:
            raise Interrupted

    first = trainer_of(decoder, **settings)
    with pytest.raises(Interrupted):
        first.run([AfterEpoch(plug)])
    second = trainer_of(decoder, **settings)
    resume_training(tmp_path / "t.safetensors", second)
    assert second.state.epoch == stop
    second.run()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[name]), name
    assert (second.state.epoch, second.state.best_epoch) == (whole.state.epoch, whole.state.best_epoch)
    assert second.state.best_value == whole.state.best_value
    without_time = [[{**row, "seconds": 0} for row in trainer.state.history] for trainer in (whole, second)]
    assert without_time[0] == without_time[1]


class PressCtrlC(Callback):
    """Interrupts an epoch after one of its steps."""

    def __init__(self, epoch: int, step: int) -> None:
        self.position = epoch, step

    def on_step(self, trainer: Trainer) -> None:
        if (trainer.state.epoch + 1, trainer.state.step) == self.position:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("decoder", "network", "step"),
    [
        ("hcr", "mmgcn", 1),
        ("hcr", "bm3", 2),  # dropout, drawn from torch's generator
        ("ct", "lightgcn", 1),  # edge dropout: the epoch's graph is drawn again
        ("ct", "freedom", 2),
        ("ct", "lattice", 2),  # the epoch's neighbours come from the weights at its start
        ("amr", "mmgcn", 1),
    ],
)
def test_a_training_that_is_interrupted_within_an_epoch_loses_no_step(
    trainer_of: TrainerOf, tmp_path: Path, decoder: str, network: str, step: int
) -> None:
    path = tmp_path / "t.safetensors"
    settings = {"network": network, "epochs": 3, "batch_size": 120, "weight_decay": 1e-4}
    settings["backbone"] = SETTINGS.get(network)
    whole = trainer_of(decoder, **settings)
    whole.run()
    steps = len(whole.samplers[0].epoch(1))
    assert steps > 2
    # In the middle of the second epoch, then after its last step, before it is validated.
    for number in (step, steps):
        trainer = trainer_of(decoder, **settings)
        if path.exists():
            resume_training(path, trainer)
        with pytest.raises(KeyboardInterrupt):
            trainer.run([Checkpoint(path, seconds=1e9), PressCtrlC(2, number)])
        assert saved_state(path) == trainer.state and (trainer.state.epoch, trainer.state.step) == (1, number)
    resumed = trainer_of(decoder, **settings)
    resume_training(path, resumed)
    resumed.run()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
    without_time = [[{**row, "seconds": 0} for row in trainer.state.history] for trainer in (whole, resumed)]
    assert without_time[0] == without_time[1]


def test_a_step_that_is_cut_is_not_saved(
    trainer_of: TrainerOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the command's handlers, as in a notebook, Ctrl-C may come between two tables of one step."""
    trainer = trainer_of("ct")

    def cut(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer.optimiser, "step", cut)
    with pytest.raises(KeyboardInterrupt):
        trainer.run([Checkpoint(tmp_path / "t.safetensors", seconds=1e9)])
    assert not (tmp_path / "t.safetensors").exists()


def test_the_best_weights_of_before_the_interruption_are_kept(trainer_of: TrainerOf, tmp_path: Path) -> None:
    first = trainer_of("ct", epochs=1, validate=lambda model: {"recall@4": 0.9})
    first.run()
    best = {name: value.clone() for name, value in first.model.state_dict().items()}
    save_training(tmp_path / "t.safetensors", first)
    second = trainer_of("ct", seed=1, epochs=3, validate=lambda model: {"recall@4": 0.1})
    resume_training(tmp_path / "t.safetensors", second)
    assert second.run().best_epoch == 1
    assert all(torch.equal(best[name], value) for name, value in second.model.state_dict().items())


def test_a_checkpoint_before_the_first_epoch_is_a_fresh_start(trainer_of: TrainerOf, tmp_path: Path) -> None:
    save_training(tmp_path / "t.safetensors", trainer_of("ct", seed=1))
    resumed, fresh = trainer_of("ct", seed=2, epochs=1), trainer_of("ct", seed=2, epochs=1)
    resume_training(tmp_path / "t.safetensors", resumed)
    assert resumed.state == TrainingState()
    fresh.model.load_state_dict(resumed.model.state_dict())
    for trainer in (resumed, fresh):
        trainer.run()
    for of_resumed, of_fresh in zip(resumed.model.state_dict().values(), fresh.model.state_dict().values()):
        assert torch.equal(of_resumed, of_fresh)


def test_a_checkpoint_of_another_model_is_refused(trainer_of: TrainerOf, tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    save_training(path, trainer_of("ct"))
    for other in (trainer_of("esmm"), trainer_of("ct", backbone={"embedding_size": 4})):
        with pytest.raises(RunError, match="another model"):
            resume_training(path, other)


def test_weights_alone_are_no_checkpoint(trainer_of: TrainerOf, tmp_path: Path) -> None:
    path, trainer = tmp_path / "t.safetensors", trainer_of("ct")
    for weights, metadata in ((trainer.model.state_dict(), {"state": "{}"}), ({"model/a": torch.ones(1)}, None)):
        save_weights(path, weights, metadata)
        with pytest.raises(RunError, match="not a training checkpoint"):
            resume_training(path, trainer)


def test_weights_come_back_to_the_bit_with_their_metadata(tmp_path: Path) -> None:
    tensors = {"a/b": torch.randn(3, 4).T, "n": torch.tensor(2), "nan": torch.tensor([torch.nan, -torch.inf])}
    save_weights(tmp_path / "w.safetensors", tensors, {"state": "{}"})
    loaded, metadata = load_weights(tmp_path / "w.safetensors")
    assert metadata == {"state": "{}"}
    assert loaded.keys() == tensors.keys()
    for name in tensors:
        assert torch.equal(loaded[name].nan_to_num(1e9), tensors[name].nan_to_num(1e9))


def test_a_missing_or_damaged_file_is_a_run_error(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    with pytest.raises(RunError, match="missing"):
        load_weights(path)
    save_weights(path, {"a": torch.ones(100)})
    whole = path.read_bytes()
    for broken in (b"", whole[:40], whole[:-7], b"\x80\x04garbage" * 9):
        path.write_bytes(broken)
        with pytest.raises(RunError, match="safetensors"):
            load_weights(path)
