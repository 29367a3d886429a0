"""Progress of training as log lines: the epoch, the best so far, and how long it can still take."""

from __future__ import annotations

import logging

import pytest
from support.pretend_training import pretend

import graphrec.training.progress
from graphrec.training.progress import LogProgress


def test_lines_tell_the_epoch_the_best_and_the_time_left(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "graphrec")
    now = iter([0.0, 60.0, 120.0, 180.0, 240.0])
    monkeypatch.setattr(graphrec.training.progress.time, "monotonic", lambda: next(now))
    pretend(LogProgress("hcr"))
    lines = caplog.messages
    assert lines[0].startswith("hcr: epoch 1/4, loss 0.5000, best ndcg@50 0.2500 at epoch 1")
    assert "at most 3.0 min left" in lines[0] and "at most 2.0 min left" in lines[1]
    assert lines[-1].endswith("done")


def test_a_training_that_resumes_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "graphrec")
    pretend(LogProgress("hcr [a]"), first=2)
    assert caplog.text.count("hcr [a]: resumes after epoch 2") == 1
    pretend(LogProgress("hcr"), last=2)
    assert "hcr: resumes" not in caplog.text
