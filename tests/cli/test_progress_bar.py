"""Progress of training on a terminal."""

from __future__ import annotations

import pytest
from support.pretend_training import pretend

from graphrec.cli.log import show_logs
from graphrec.cli.progress import training_progress


def test_a_terminal_gets_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    pretend(training_progress("hcr"))
    assert "4/4" in capsys.readouterr().err


@pytest.mark.parametrize("terminal", [False, True])
def test_a_training_that_resumes_says_so_once_above_the_bar_too(
    terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    with show_logs():
        pretend(training_progress("hcr [a]"), first=2)
    assert capsys.readouterr().err.count("hcr [a]: resumes after epoch 2") == 1
