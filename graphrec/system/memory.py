"""The most memory that this process has held."""

from __future__ import annotations

import resource
import sys
from contextlib import suppress
from pathlib import Path

CLEAR_REFS, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
RESET_PEAK = "5"
"""What Linux takes to let the peak start at what is held now; see proc(5)."""


def reset_peak() -> None:
    """Let the peak start anew at what the process holds now. Where the system does not allow it, nothing happens."""
    with suppress(OSError):
        CLEAR_REFS.write_text(RESET_PEAK)


def peak_mb() -> int:
    """The highest resident memory of the whole process since `reset_peak`, in MiB.

    It counts all that the process holds: libraries, data, what was loaded before and is still there. A device's memory
    is not in it. Where the peak could not be reset (no Linux, or /proc is read-only) it is that since the process
    began.
    """
    try:
        found = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return round(int(found.split()[1]) / 1024)
    except (OSError, StopIteration):
        unit = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss: bytes there, KiB elsewhere
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)
