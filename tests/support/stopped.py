"""A training that is stopped as by a kill, and the content of a folder."""

from __future__ import annotations

from pathlib import Path

from graphrec.training.callbacks import AfterEpoch, Callback
from graphrec.training.loop import Trainer


class Stopped(BaseException):
    """Stands for a kill: no handler runs."""


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def stop_after(epoch: int) -> Callback:
    def stop(trainer: Trainer) -> None:
        if trainer.state.epoch == epoch:
            raise Stopped

    return AfterEpoch(stop)
