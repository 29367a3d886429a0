"""Progress of training, as log lines now and then; the command line shows a bar on a terminal."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from graphrec.training.config import TrainingConfig
from graphrec.training.loop import TrainingState

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 15.0

Progress = Callable[[str, TrainingConfig], AbstractContextManager[Callable[[TrainingState], None]]]
"""From a training's name and settings to a context that gives a callback for after each epoch."""


def silent(name: str, config: TrainingConfig) -> AbstractContextManager[Callable[[TrainingState], None]]:
    """No progress is shown."""
    return nullcontext(lambda state: None)


@contextmanager
def log_progress(name: str, config: TrainingConfig) -> Iterator[Callable[[TrainingState], None]]:
    """Yield a callback for after each epoch. Time left is to the last epoch; training may stop earlier."""
    started = logged = time.monotonic()
    first: int | None = None

    def on_epoch(state: TrainingState) -> None:
        nonlocal logged, first
        if first is None:
            first = state.epoch - 1
            log_resumed(name, state)
        now = time.monotonic()
        if now - logged < SECONDS_BETWEEN_LINES and not state.finished(config):
            return
        logged = now
        left = (now - started) / (state.epoch - first) * (config.epochs - state.epoch)
        ahead = "done" if state.finished(config) else f"at most {left / 60:.1f} min left"
        logger.info("%s: epoch %d/%d, %s, %s", name, state.epoch, config.epochs, describe(state, config), ahead)

    yield on_epoch


def log_resumed(name: str, state: TrainingState) -> None:
    """What the first epoch of this process reports when it is not the training's first."""
    if state.epoch > 1:
        logger.info("%s: resumes after epoch %d", name, state.epoch - 1)


def describe(state: TrainingState, config: TrainingConfig) -> str:
    """One line on how far training is."""
    loss = state.history[-1]["loss"] if state.history else float("nan")
    return (
        f"loss {loss:.4f}, best {config.monitor} {max(state.best_value, 0):.4f} at epoch {state.best_epoch}, "
        f"patience {state.waited}/{config.patience}"
    )
