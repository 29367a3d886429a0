"""Signals that ask a command to stop: it ends in order, and its status names the signal."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

STOPPING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Ctrl-C; `kill PID` or a cluster's time limit; a terminal that closes, which Windows does not have."""
STATUSES = tuple(128 + number for number in STOPPING)
"""With which a process ends after each of them, as shells expect: 130, 143 and 129."""


class _Received:
    """What has come so far: handlers of signals have no other way to pass it on."""

    number: int | None = None
    sections: int = 0
    """How many `uninterrupted` sections are open."""


@contextmanager
def stops_in_order() -> Iterator[None]:
    """Within it, each signal of `STOPPING` raises KeyboardInterrupt, at the end of an `uninterrupted` section.

    At its end the process exits with the signal's status of `STATUSES`.
    A signal that the process was started to ignore, as `nohup` does, is still ignored. Outside the main thread, where
    Python takes no signals, nothing changes.

    >>> import os, signal
    >>> try:
    ...     with stops_in_order():
    ...         os.kill(os.getpid(), signal.SIGTERM)
    ... except SystemExit as end:
    ...     end.code
    143
    """
    if current_thread() is not main_thread():
        yield
        return
    before = _Received.number
    _Received.number = None
    with _handlers(_interrupt):
        try:
            yield
        except (KeyboardInterrupt, SystemExit):
            if _Received.number is None:
                raise
            sys.exit(128 + _Received.number)
        finally:
            _Received.number = before


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A section that a signal does not cut: KeyboardInterrupt is raised at its end. It works within `stops_in_order`.

    >>> import os, signal
    >>> try:
    ...     with stops_in_order(), uninterrupted():
    ...         os.kill(os.getpid(), signal.SIGTERM)
    ...         print("written whole")
    ... except SystemExit as end:
    ...     end.code
    written whole
    143
    """
    _Received.sections += 1
    try:
        yield
    finally:
        _Received.sections -= 1
    # A signal that came earlier counts too: Python loses an exception that is raised within a destructor.
    if _Received.number is not None and not _Received.sections:
        raise KeyboardInterrupt


def _interrupt(number: int, frame: FrameType | None) -> None:
    _Received.number = number
    if not _Received.sections:
        raise KeyboardInterrupt


@contextmanager
def _handlers(handler: signal.Handlers | object) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in STOPPING}
    for number, earlier in before.items():
        if earlier is not signal.SIG_IGN:
            signal.signal(number, handler)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for number, earlier in before.items():
            # None: a handler that was not set from Python, and cannot be set again from there.
            if earlier is not None:
                signal.signal(number, earlier)
