"""Memory of this process: the most that it has held, and how glibc keeps what is freed."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path

CLEAR_REFS, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
RESET_PEAK = "5"
"""What Linux takes to let the peak start at what is held now; see proc(5)."""

_CGROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)
"""The limit and the use of a container, in both versions of Linux's control groups."""
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
"""Parameters of glibc's `mallopt`; see mallopt(3)."""


def reset_peak() -> None:
    """Let the peak start again at what the process holds now. Where the system does not allow it, nothing happens.

    >>> from unittest.mock import patch
    >>> with patch("graphrec.system.memory.CLEAR_REFS", Path("clear_refs")):
    ...     reset_peak()
    >>> Path("clear_refs").read_text()
    '5'
    """
    with suppress(OSError):
        CLEAR_REFS.write_text(RESET_PEAK)


def peak_mb() -> int:
    r"""The highest resident memory of the whole process since `reset_peak`, in MiB.

    It counts all that the process holds: libraries, data, and what was loaded before and is still there. The memory of
    a GPU is not in it. Linux alone can reset the peak; on macOS, and where /proc is read-only, it is that since the
    process began. On Windows it is 0: Python's standard library has no such figure there.

    >>> from unittest.mock import patch
    >>> _ = Path("status").write_text("VmPeak: 9000 kB\nVmHWM: 2048 kB\n")
    >>> with patch("graphrec.system.memory.STATUS", Path("status")):
    ...     peak_mb()
    2
    """
    try:
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return round(int(line.split()[1]) / 1024)
    except (OSError, StopIteration):
        return _peak_of_process()


def _peak_of_process() -> int:
    try:
        import resource  # Unix alone has it
    except ImportError:
        return 0
    unit = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss is in bytes there, in KiB elsewhere
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


def physical_bytes() -> int | None:
    """The memory of the machine; None where the system does not say it.

    >>> size = physical_bytes()
    >>> size is None or size > 2**20
    True
    """
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf, macOS not every name
        return None


def available_bytes() -> int | None:
    """The memory that this process can still get without swapping; a container's limit counts. None: not known.

    >>> size = available_bytes()
    >>> size is None or size > 2**20
    True
    """
    try:
        import psutil
    except ImportError:  # an installation without what the package asks for
        return physical_bytes()
    sizes = [psutil.virtual_memory().available]
    for limit, used in _CGROUPS:
        with suppress(OSError, ValueError):  # `max` is no number: no limit
            sizes.append(int(limit.read_text()) - int(used.read_text()))
    return max(0, min(sizes))


def keep_large_blocks() -> bool:
    """Ask glibc to serve large blocks from the heap and to keep them; call it before the first large tensor.

    By default glibc maps every block above 32 MB afresh and gives it back after use. The page faults can then take most
    of the time of message passing on a CPU; `benchmarks/speed/propagation.py` measures it. The price is resident
    memory. The commands that train or rank turn it on, a user of the library may.

    Returns:
        True where it took effect (Linux with glibc).

    >>> import platform
    >>> keep_large_blocks() == (platform.libc_ver()[0] == "glibc")
    True
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 64 * 2**20))
    return all(mallopt(key, value) == 1 for key, value in settings)
