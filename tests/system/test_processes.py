"""Work in processes of its own: all of it comes back, and none outlives who asked for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from graphrec.system.processes import in_processes

SLEEPER = """
import os, sys, time
from pathlib import Path

def work(place):
    Path(place).write_text(str(os.getpid()))
    time.sleep(120)

if __name__ == "__main__":
    from graphrec.system.processes import in_processes
    list(in_processes(work, [(sys.argv[1],)], 1))
"""


def test_each_task_has_a_process_of_its_own() -> None:
    pids = set(in_processes(os.getpid, [(), ()], jobs=2))
    assert len(pids) == 2 and os.getpid() not in pids


def test_a_process_ends_with_the_one_that_was_killed(tmp_path: Path) -> None:
    script, pid_file = tmp_path / "sleeper.py", tmp_path / "pid"
    script.write_text(SLEEPER)
    parent = subprocess.Popen([sys.executable, script, pid_file])
    until = time.monotonic() + 60
    while not (pid_file.is_file() and pid_file.read_text()):
        assert time.monotonic() < until
        time.sleep(0.05)
    child = int(pid_file.read_text())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    while _runs(child):
        assert time.monotonic() < until, "the orphan runs on"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/status")
    return not (status.is_file() and "State:\tZ" in status.read_text())  # nobody may have collected it yet
