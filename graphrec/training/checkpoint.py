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
from graphrec.system.files import replace_file
from graphrec.training.callbacks import Callback
from graphrec.training.loop import Trainer, TrainingState

logger = logging.getLogger(__name__)


def save_weights(path: Path, weights: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write tensors by name, atomically. Tensors may share memory (a backbone may give one table under two names)."""
    with replace_file(path) as file:
        # Clones, as safetensors refuses tensors that share memory.
        copies = {name: value.detach().cpu().contiguous().clone() for name, value in weights.items()}
        save_file(copies, file, metadata=metadata)


def load_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors by name, and the metadata.

    Raises:
        RunError: no such file, or not a whole safetensors file.
    """
    if not path.is_file():
        raise RunError("a weights file is missing", where=path, next_step="train the run first")
    try:
        with safe_open(path, framework="pt") as stream:
            return {name: stream.get_tensor(name) for name in stream.keys()}, stream.metadata() or {}  # noqa: SIM118
    except SafetensorError as error:
        raise RunError("not a whole safetensors file", got=str(error), where=path) from None


def save_training(path: Path, trainer: Trainer) -> None:
    """Write all that resuming needs: weights, best weights, Adam's moments, the state."""
    tensors = {f"model/{k}": v for k, v in trainer.model.state_dict().items()}
    tensors |= {f"best/{k}": v for k, v in trainer.best_weights.items()}
    for number, moments in trainer.optimiser.state_dict()["state"].items():
        tensors |= {f"adam/{number}/{k}": torch.as_tensor(v) for k, v in moments.items()}
    save_weights(path, tensors, {"state": json.dumps(dataclasses.asdict(trainer.state))})


class Checkpoint(Callback):
    """Saves the training after an epoch, at most once in so many seconds.

    Args:
        path: the file, which each checkpoint replaces.
        seconds: between checkpoints.
    """

    def __init__(self, path: Path, seconds: float) -> None:
        self.path, self.seconds = path, seconds

    def on_start(self, trainer: Trainer) -> None:
        self.saved = time.monotonic()

    def on_epoch(self, trainer: Trainer) -> None:
        if time.monotonic() - self.saved > self.seconds:
            save_training(self.path, trainer)
            logger.debug("wrote %s", self.path)
            self.saved = time.monotonic()


def saved_epoch(path: Path) -> int:
    """The epoch after which a checkpoint resumes; 0 where there is none."""
    return json.loads(load_weights(path)[1]["state"])["epoch"] if path.is_file() else 0


def resume_training(path: Path, trainer: Trainer) -> None:
    """Give a new trainer the state that `save_training` wrote.

    Raises:
        RunError: no checkpoint, or one of another model.
    """
    tensors, metadata = load_weights(path)
    tensors_by_kind: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "adam": {}}
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
