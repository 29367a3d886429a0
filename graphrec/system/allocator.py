"""Keep glibc from giving large blocks back to the system after each use.

By default every tensor above 32 MB is mapped afresh, and the page faults can take most of the time of message
passing on a CPU. Costs resident memory; the command line turns it on, a library user may.
"""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def keep_large_blocks() -> bool:
    """Ask glibc to serve large blocks from the heap and keep them; call before the first large tensor.

    Returns:
        True where it took effect (Linux with glibc).
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 64 * 2**20))
    return all(mallopt(key, value) == 1 for key, value in settings)
