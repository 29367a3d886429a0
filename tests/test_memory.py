"""The peak of memory is that since it was reset."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import pytest

import graphrec.memory
from graphrec.memory import CLEAR_REFS, peak_mb, reset_peak

BLOCK = 200


def hold_and_let_go() -> None:
    """Write to every page of a block: pages that were only read are not held."""
    assert len(b"x" * (BLOCK << 20)) == BLOCK << 20


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone can reset it")
def test_the_peak_is_of_what_came_after_the_reset() -> None:
    try:
        CLEAR_REFS.write_text("5")
    except OSError:
        pytest.skip("this system does not let a process reset its peak")
    reset_peak()
    before = peak_mb()
    hold_and_let_go()
    assert peak_mb() == pytest.approx(before + BLOCK, abs=0.1 * BLOCK)
    reset_peak()
    assert peak_mb() < before + BLOCK / 2


def test_where_there_is_no_proc_it_is_that_of_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphrec.memory, "CLEAR_REFS", tmp_path / "none" / "clear_refs")
    monkeypatch.setattr(graphrec.memory, "STATUS", tmp_path / "status")
    reset_peak()
    whole = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10))
    assert peak_mb() == whole
    (tmp_path / "status").write_text("Name:\tpython\n")
    assert peak_mb() == whole
    (tmp_path / "status").write_text("VmPeak:\t99 kB\nVmHWM:\t   2048 kB\n")
    assert peak_mb() == 2
