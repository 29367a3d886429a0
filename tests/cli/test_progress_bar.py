"""Progress of training on a terminal."""

from __future__ import annotations

import pytest

from graphrec.cli.log import show_logs
from graphrec.cli.progress import training_progress
from graphrec.training.config import TrainingConfig
from graphrec.training.loop import TrainingState

CONFIG = TrainingConfig(epochs=4, patience=3)


def state(epoch: int) -> TrainingState:
    return TrainingState(epoch=epoch, best_epoch=1, best_value=0.25, history=[{"epoch": epoch, "loss": 0.5}])


def test_a_terminal_gets_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with training_progress("hcr", CONFIG) as on_epoch:
        on_epoch(state(4))
    assert "4/4" in capsys.readouterr().err


@pytest.mark.parametrize("terminal", [False, True])
def test_a_training_that_resumes_says_so_once_above_the_bar_too(
    terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    with show_logs(), training_progress("hcr [a]", CONFIG) as on_epoch:
        on_epoch(state(3))
        on_epoch(state(4))
    assert capsys.readouterr().err.count("hcr [a]: resumes after epoch 2") == 1
