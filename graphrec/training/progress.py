"""Progress of training, as log lines now and then; the command line shows a bar on a terminal."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from graphrec.training.callbacks import Callback, callbacks
from graphrec.training.config import TrainingConfig
from graphrec.training.loop import Trainer, TrainingState

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 15.0

Progress = Callable[[str], Callback]
"""From the name of a training to the callback that shows it: what a function takes that trains several times."""


def silent(name: str) -> Callback:
    """No progress is shown.

    >>> from graphrec.training.progress import silent
    >>> type(silent("trial 3")).__name__  # the base, whose hooks do nothing
    'Callback'
    """
    return Callback()


@callbacks.register("progress")
class LogProgress(Callback):
    """Logs the epoch, the best so far and the time left: a line now and then.

    Time left is to the last epoch; training may stop earlier.

    Args:
        name: of the training, at the start of each line.

    >>> from unittest import TestCase
    >>> from graphrec.testing.small_model import small_model
    >>> from graphrec.training.config import TrainingConfig
    >>> from graphrec.training.loop import Trainer
    >>> from graphrec.training.progress import LogProgress
    >>> trainer = Trainer(*small_model("ct"), TrainingConfig(epochs=2, monitor="none"), 0, lambda model: {"none": 0.5})
    >>> with TestCase().assertLogs("graphrec.training.progress") as logs:
    ...     _ = trainer.run([LogProgress("CT")])
    >>> print(logs.records[-1].getMessage())  # doctest: +ELLIPSIS
    CT: epoch 2/2, loss ..., best none 0.5000 at epoch 1, patience 1/10, done
    """

    def __init__(self, name: str = "training") -> None:
        self.title = name

    def on_start(self, trainer: Trainer) -> None:
        self.started = self.logged = time.monotonic()
        self.first_epoch = trainer.state.epoch
        log_resumed(self.title, trainer.state)

    def on_epoch(self, trainer: Trainer) -> None:
        state, config, now = trainer.state, trainer.config, time.monotonic()
        if now - self.logged < SECONDS_BETWEEN_LINES and not state.finished(config):
            return
        self.logged = now
        # By the epochs of this process alone: a resumed training has run the earlier ones at another time.
        left = (now - self.started) / (state.epoch - self.first_epoch) * (config.epochs - state.epoch)
        ahead = "done" if state.finished(config) else f"at most {left / 60:.1f} min left"
        logger.info("%s: epoch %d/%d, %s, %s", self.title, state.epoch, config.epochs, describe(state, config), ahead)


def log_resumed(name: str, state: TrainingState) -> None:
    """Report a training whose first epoch in this process is not its first.

    >>> from unittest import TestCase
    >>> from graphrec.training.loop import TrainingState
    >>> from graphrec.training.progress import log_resumed
    >>> with TestCase().assertLogs("graphrec.training.progress") as logs:
    ...     log_resumed("CT", TrainingState(epoch=3))
    >>> print(logs.records[0].getMessage())
    CT: resumes after epoch 3
    """
    if state.epoch or state.step:
        logger.info("%s: resumes %s", name, state.position())


def describe(state: TrainingState, config: TrainingConfig) -> str:
    """One line on how far training is.

    >>> from graphrec.training.config import TrainingConfig
    >>> from graphrec.training.loop import TrainingState
    >>> from graphrec.training.progress import describe
    >>> state = TrainingState(epoch=8, best_epoch=7, best_value=0.25, waited=1, history=[{"loss": 0.5}])
    >>> describe(state, TrainingConfig(monitor="ndcg@10"))
    'loss 0.5000, best ndcg@10 0.2500 at epoch 7, patience 1/10'
    """
    loss = state.history[-1]["loss"] if state.history else float("nan")
    return (
        f"loss {loss:.4f}, best {config.monitor} {max(state.best_value, 0):.4f} at epoch {state.best_epoch}, "
        f"patience {state.waited}/{config.patience}"
    )
