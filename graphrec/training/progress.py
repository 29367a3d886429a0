"""Progress of training: a bar with time left where there is a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from graphrec.training.config import TrainingConfig
from graphrec.training.loop import TrainingState

SECONDS_BETWEEN_LINES = 15.0

Progress = Callable[[str, TrainingConfig], AbstractContextManager[Callable[[TrainingState], None]]]
"""From a training's name and settings to a context that gives a callback for after each epoch."""


def silent(name: str, config: TrainingConfig) -> AbstractContextManager[Callable[[TrainingState], None]]:
    """No progress is shown."""
    return nullcontext(lambda state: None)


@contextmanager
def training_progress(name: str, config: TrainingConfig) -> Iterator[Callable[[TrainingState], None]]:
    """Yield a callback for after each epoch. Time left is to the last epoch; it may stop earlier."""
    if sys.stderr.isatty():
        with _bar(name, config) as on_epoch:
            yield on_epoch
    else:
        yield _lines(name, config)


def describe(state: TrainingState, config: TrainingConfig) -> str:
    """One line on where training stands."""
    loss = state.history[-1]["loss"] if state.history else float("nan")
    return (
        f"loss {loss:.4f}, best {config.monitor} {max(state.best_value, 0):.4f} at epoch {state.best_epoch}, "
        f"patience {state.waited}/{config.patience}"
    )


def _resumed(name: str, state: TrainingState) -> str:
    """What the first epoch of this process tells when it is not the training's first."""
    return f"{name}: going on after epoch {state.epoch - 1}"


@contextmanager
def _bar(name: str, config: TrainingConfig) -> Iterator[Callable[[TrainingState], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.fields[name]}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("at most"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[state]}"),
    )
    with Bar(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=config.epochs, name=name, state="")
        first = True

        def on_epoch(state: TrainingState) -> None:
            nonlocal first
            if first and state.epoch > 1:
                progress.console.print(_resumed(name, state), markup=False, highlight=False)
            first = False
            progress.update(task, completed=state.epoch, state=describe(state, config))

        yield on_epoch


def _lines(name: str, config: TrainingConfig) -> Callable[[TrainingState], None]:
    started = printed = time.monotonic()
    first: int | None = None

    def on_epoch(state: TrainingState) -> None:
        nonlocal printed, first
        if first is None:
            first = state.epoch - 1
            if first:
                print(_resumed(name, state), file=sys.stderr)
        now = time.monotonic()
        if now - printed < SECONDS_BETWEEN_LINES and not state.finished(config):
            return
        printed = now
        left = (now - started) / (state.epoch - first) * (config.epochs - state.epoch)
        ahead = "done" if state.finished(config) else f"at most {left / 60:.1f} min left"
        print(
            f"{name}: epoch {state.epoch}/{config.epochs}, {describe(state, config)}, {ahead}",
            file=sys.stderr,
        )

    return on_epoch
