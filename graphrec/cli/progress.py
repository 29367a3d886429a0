"""Progress of training on a terminal: a bar with the time left."""

from __future__ import annotations

import sys

from graphrec.training.callbacks import Callback
from graphrec.training.loop import Trainer
from graphrec.training.progress import LogProgress, describe, log_resumed


def training_progress(name: str) -> Callback:
    """A bar where stderr is a terminal, else log lines.

    >>> import io
    >>> from contextlib import redirect_stderr
    >>> from graphrec.cli.progress import training_progress
    >>> with redirect_stderr(io.StringIO()):
    ...     print(type(training_progress("hcr")).__name__)
    LogProgress
    """
    return ProgressBar(name) if sys.stderr.isatty() else LogProgress(name)


class ProgressBar(Callback):
    """A bar over the epochs.

    Args:
        name: of the training, before the bar.

    >>> from graphrec.cli.progress import ProgressBar
    >>> bar = ProgressBar("hcr")
    >>> _ = gr.train(recipe, "again", callbacks=[bar])
    >>> bar.bar.tasks[0].completed, bar.bar.tasks[0].total
    (2, 2)
    """

    def __init__(self, name: str) -> None:
        self.title = name

    def on_start(self, trainer: Trainer) -> None:
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
        self.bar = Progress(*columns, console=Console(stderr=True))
        self.task = self.bar.add_task("", total=trainer.config.epochs, name=self.title, state="")
        self.bar.start()
        log_resumed(self.title, trainer.state)

    def on_epoch(self, trainer: Trainer) -> None:
        self.bar.update(self.task, completed=trainer.state.epoch, state=describe(trainer.state, trainer.config))

    def on_end(self, trainer: Trainer) -> None:
        self.bar.stop()
