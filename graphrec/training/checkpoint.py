"""Weights and training state on disk, in safetensors: nothing here is ever unpickled."""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from graphrec.errors import RunError
from graphrec.system.integrity import require_intact
from graphrec.system.owned_folder import own_file
from graphrec.training.callbacks import Callback
from graphrec.training.loop import Trainer, TrainingState

logger = logging.getLogger(__name__)

KINDS = ("model", "best", "adam", "step", "random", "epoch")
"""What the first part of a tensor's name in a checkpoint says it is; the last three within an epoch alone."""


def save_weights(path: Path, weights: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write tensors by name, atomically. Tensors may share memory (a backbone may give one table under two names).

    >>> from pathlib import Path
    >>> import torch
    >>> from graphrec.training.checkpoint import load_weights, save_weights
    >>> save_weights(Path("weights.safetensors"), {"bias": torch.tensor([0.5])}, {"epoch": "3"})
    >>> load_weights(Path("weights.safetensors"))
    ({'bias': tensor([0.5000])}, {'epoch': '3'})
    """
    with own_file(path) as file:
        # Clones, as safetensors refuses tensors that share memory.
        copies = {name: value.detach().cpu().contiguous().clone() for name, value in weights.items()}
        save_file(copies, file, metadata=metadata)


def load_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors by name, and the metadata.

    Raises:
        RunError: no such file, or not a whole safetensors file.

    >>> from pathlib import Path
    >>> from graphrec.training.checkpoint import load_weights
    >>> load_weights(Path("weights.safetensors"))
    Traceback (most recent call last):
    graphrec.errors.RunError: a weights file is missing
    ...
    """
    if not path.is_file():
        raise RunError("a weights file is missing", where=path, next_step="train the run first")
    require_intact(path, "train the run again; a checkpoint can be removed, then training starts from the first epoch")
    try:
        with safe_open(path, framework="pt") as stream:
            return {name: stream.get_tensor(name) for name in stream.keys()}, stream.metadata() or {}  # noqa: SIM118
    except SafetensorError as error:
        raise RunError("not a whole safetensors file", got=str(error), where=path) from None


def save_training(path: Path, trainer: Trainer) -> None:
    """Write all that resuming needs: weights, best weights, Adam's moments, the state.

    Within an epoch these are also the losses so far, torch's generators, and what the backbones keep to its end.

    >>> from pathlib import Path
    >>> from graphrec.testing.small_model import small_model
    >>> from graphrec.training.checkpoint import load_weights, save_training
    >>> from graphrec.training.config import TrainingConfig
    >>> from graphrec.training.loop import Trainer
    >>> trainer = Trainer(*small_model("ct"), TrainingConfig(epochs=1, monitor="none"), 0, lambda model: {"none": 0.0})
    >>> save_training(Path("checkpoint.safetensors"), trainer)
    >>> tensors, metadata = load_weights(Path("checkpoint.safetensors"))
    >>> sorted({name.partition("/")[0] for name in tensors}), list(metadata)
    (['best', 'model'], ['state'])
    """
    tensors = {f"model/{k}": v for k, v in trainer.model.state_dict().items()}
    tensors |= {f"best/{k}": v for k, v in trainer.best_weights.items()}
    for number, moments in trainer.optimiser.state_dict()["state"].items():
        tensors |= {f"adam/{number}/{k}": torch.as_tensor(v) for k, v in moments.items()}
    if trainer.state.step:
        tensors |= {"step/totals": trainer.totals} | {f"random/{k}": v for k, v in trainer.random.items()}
        for tower, network in trainer.model.networks.items():
            tensors |= {f"epoch/{tower}/{k}": v for k, v in network.epoch_state().items()}
    save_weights(path, tensors, {"state": json.dumps(dataclasses.asdict(trainer.state))})


class Checkpoint(Callback):
    """Saves the training after a step, at most once in so many seconds, and where it is interrupted.

    Args:
        path: the file, which each checkpoint replaces.
        seconds: between checkpoints.

    >>> from pathlib import Path
    >>> from graphrec.testing.small_model import small_model
    >>> from graphrec.training.checkpoint import Checkpoint, saved_state
    >>> from graphrec.training.config import TrainingConfig
    >>> from graphrec.training.loop import Trainer
    >>> trainer = Trainer(*small_model("ct"), TrainingConfig(epochs=1, monitor="none"), 0, lambda model: {"none": 0.0})
    >>> _ = trainer.run([Checkpoint(Path("checkpoint.safetensors"), seconds=0)])
    >>> saved_state(Path("checkpoint.safetensors")).position()
    'after epoch 1'
    """

    def __init__(self, path: Path, seconds: float) -> None:
        self.path, self.seconds = path, seconds

    def on_start(self, trainer: Trainer) -> None:
        self.saved = time.monotonic()

    def on_step(self, trainer: Trainer) -> None:
        self._save_when_due(trainer)

    def on_epoch(self, trainer: Trainer) -> None:
        self._save_when_due(trainer)

    def on_interrupt(self, trainer: Trainer) -> None:
        self._save(trainer)

    def _save_when_due(self, trainer: Trainer) -> None:
        if time.monotonic() - self.saved > self.seconds:
            self._save(trainer)

    def _save(self, trainer: Trainer) -> None:
        # A checkpoint of weights that are not finite would take the place of the last good one.
        trainer.require_finite()
        save_training(self.path, trainer)
        logger.debug("wrote %s", self.path)
        self.saved = time.monotonic()


def saved_state(path: Path) -> TrainingState | None:
    """Where a checkpoint resumes; None where there is none.

    >>> from pathlib import Path
    >>> from graphrec.training.checkpoint import save_weights, saved_state
    >>> save_weights(Path("checkpoint.safetensors"), {}, {"state": '{"epoch": 3, "step": 7}'})
    >>> saved_state(Path("checkpoint.safetensors")).position()
    'after epoch 3 and 7 steps'
    >>> saved_state(Path("none.safetensors")) is None
    True
    """
    return TrainingState(**json.loads(load_weights(path)[1]["state"])) if path.is_file() else None


def resume_training(path: Path, trainer: Trainer) -> None:
    """Give a new trainer the state that `save_training` wrote.

    Raises:
        RunError: no checkpoint, or one of another model.

    >>> from pathlib import Path
    >>> from graphrec.testing.small_model import small_model
    >>> from graphrec.training.checkpoint import resume_training, save_training
    >>> from graphrec.training.config import TrainingConfig
    >>> from graphrec.training.loop import Trainer
    >>> trainer = Trainer(*small_model("ct"), TrainingConfig(epochs=1, monitor="none"), 0, lambda model: {"none": 0.0})
    >>> trainer.state.epoch = 5
    >>> save_training(Path("checkpoint.safetensors"), trainer)
    >>> trainer.state.epoch = 0
    >>> resume_training(Path("checkpoint.safetensors"), trainer)
    >>> trainer.state.epoch
    5
    """
    tensors, metadata = load_weights(path)
    tensors_by_kind: dict[str, dict[str, Tensor]] = {kind: {} for kind in KINDS}
    if "state" not in metadata or any(name.partition("/")[0] not in tensors_by_kind for name in tensors):
        raise RunError(
            "a file of weights, but not a training checkpoint",
            expected="weights, moments and the state of a training",
            where=path,
            next_step="delete it to train from the start",
        )
    for name, value in tensors.items():
        kind, _, rest = name.partition("/")
        tensors_by_kind[kind][rest] = value
    try:
        trainer.model.load_state_dict(tensors_by_kind["model"])
    except RuntimeError as error:
        raise RunError("the checkpoint is of another model", got=str(error)[:300], where=path) from None
    trainer.best_weights = tensors_by_kind["best"]
    optimiser = trainer.optimiser.state_dict()
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors_by_kind["adam"].items():
        number, _, key = name.partition("/")
        moments.setdefault(int(number), {})[key] = value
    # Settings such as the learning rate stay those of the new trainer: a checkpoint holds moments alone.
    trainer.optimiser.load_state_dict({**optimiser, "state": moments})
    trainer.state = TrainingState(**json.loads(metadata["state"]))
    if trainer.state.step:
        trainer.totals, trainer.random = tensors_by_kind["step"]["totals"], tensors_by_kind["random"]
        for tower, network in trainer.model.networks.items():
            states = {
                k.removeprefix(f"{tower}/"): v for k, v in tensors_by_kind["epoch"].items() if k.startswith(f"{tower}/")
            }
            network.load_epoch_state(states)
