"""The peak of memory is that since it was reset."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

import graphrec.system.memory
from graphrec.system.memory import CLEAR_REFS, peak_mb, reset_peak

BLOCK = 200
IN_A_NEW_PROCESS = f"""
from graphrec.system.memory import peak_mb, reset_peak

reset_peak()
print(peak_mb())
block = b"x" * ({BLOCK} << 20)
del block
print(peak_mb())
reset_peak()
print(peak_mb())
"""
"""One that holds nothing yet: elsewhere a block may come out of what was let go before. Every page is written to, as
those that are only read are not held."""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone can reset it")
def test_the_peak_is_of_what_came_after_the_reset() -> None:
    try:
        CLEAR_REFS.write_text("5")
    except OSError:
        pytest.skip("this system does not let a process reset its peak")
    printed = subprocess.run(
        [sys.executable, "-c", IN_A_NEW_PROCESS], check=True, capture_output=True, text=True
    ).stdout
    before, with_block, after = map(int, printed.split())
    assert with_block == pytest.approx(before + BLOCK, abs=0.1 * BLOCK)
    assert after < before + BLOCK / 2


def test_where_there_is_no_proc_it_is_that_of_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphrec.system.memory, "CLEAR_REFS", tmp_path / "none" / "clear_refs")
    monkeypatch.setattr(graphrec.system.memory, "STATUS", tmp_path / "status")
    reset_peak()
    whole = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10))
    assert peak_mb() == whole
    (tmp_path / "status").write_text("Name:\tpython\n")
    assert peak_mb() == whole
    (tmp_path / "status").write_text("VmPeak:\t99 kB\nVmHWM:\t   2048 kB\n")
    assert peak_mb() == 2
