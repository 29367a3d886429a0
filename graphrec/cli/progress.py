"""Progress of training on a terminal: a bar with the time left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from graphrec.training.config import TrainingConfig
from graphrec.training.loop import TrainingState
from graphrec.training.progress import describe, log_progress, log_resumed


@contextmanager
def training_progress(name: str, config: TrainingConfig) -> Iterator[Callable[[TrainingState], None]]:
    """Yield a callback for after each epoch: a bar where stderr is a terminal, else log lines."""
    with (_bar if sys.stderr.isatty() else log_progress)(name, config) as on_epoch:
        yield on_epoch


@contextmanager
def _bar(name: str, config: TrainingConfig) -> Iterator[Callable[[TrainingState], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.fields[name]}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("at most"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[state]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=config.epochs, name=name, state="")
        first = True

        def on_epoch(state: TrainingState) -> None:
            nonlocal first
            if first:
                log_resumed(name, state)
            first = False
            progress.update(task, completed=state.epoch, state=describe(state, config))

        yield on_epoch
