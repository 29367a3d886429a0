"""A trainer that trains nothing: what a callback is called with, epoch after epoch."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from graphrec.training.callbacks import Callback
from graphrec.training.config import TrainingConfig
from graphrec.training.loop import TrainingState

CONFIG = TrainingConfig(epochs=4, patience=3)


def pretend(callback: Callback, *, first: int = 0, last: int = 4) -> None:
    """Call the hooks as a training does that resumes after epoch `first` and ends after epoch `last`."""
    trainer: Any = SimpleNamespace(config=CONFIG, state=TrainingState(epoch=first, best_epoch=1, best_value=0.25))
    callback.on_start(trainer)
    for epoch in range(first + 1, last + 1):
        trainer.state.epoch = epoch
        trainer.state.history.append({"epoch": epoch, "loss": 0.5})
        callback.on_epoch(trainer)
    callback.on_end(trainer)
