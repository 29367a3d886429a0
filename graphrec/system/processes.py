"""Independent work in separate processes."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from logging.handlers import QueueHandler, QueueListener
from threading import Thread, current_thread, main_thread
from typing import Any, TypeVar

T = TypeVar("T")
LIBRARY = logging.getLogger("graphrec")


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Within it, SIGTERM (`kill PID`, or a cluster's time limit) raises KeyboardInterrupt, as Ctrl-C does.

    >>> import os, signal
    >>> try:
    ...     with terminated_as_interrupted():
    ...         os.kill(os.getpid(), signal.SIGTERM)
    ... except KeyboardInterrupt:
    ...     print("interrupted")
    interrupted
    """
    if current_thread() is not main_thread():  # Python takes signals in the main thread alone
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def in_processes(work: Callable[..., T], tasks: Iterable[tuple[Any, ...]], jobs: int) -> Iterator[T]:
    """The result of the work on each task, in the order in which they are done.

    Every task has a new process with one thread. The process ends when this one does, even by a kill: an orphan would
    continue to write where the next attempt writes. What the work logs is logged here.

    Args:
        work: a function of a module; it, the tasks and its results are pickled.
        jobs: processes at a time.

    >>> import math
    >>> sorted(in_processes(math.factorial, [(3,), (4,)], jobs=2))
    [6, 24]
    """
    os.environ["OMP_NUM_THREADS"] = "1"  # threads that share cores wait for one another
    # Not by a fork: torch and the listener below run threads, and a fork may copy a lock that one of them holds.
    spawn = multiprocessing.get_context("spawn")
    records = spawn.Queue()
    listener = QueueListener(records, _Here())
    listener.start()
    try:
        with ProcessPoolExecutor(
            jobs,
            mp_context=spawn,
            # A new process for each task also keeps the peak memory of one out of another's.
            max_tasks_per_child=1,
            initializer=_start,
            initargs=(records, LIBRARY.getEffectiveLevel()),
        ) as pool:
            for future in as_completed([pool.submit(work, *task) for task in tasks]):
                yield future.result()
    finally:
        listener.stop()


class _Here(logging.Handler):
    """Gives a record of another process to the handlers of this one."""

    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger(record.name).handle(record)


def _start(records: Any, level: int) -> None:
    """Prepare a process: it logs into the queue `records`, and it ends with its parent."""
    LIBRARY.addHandler(QueueHandler(records))
    LIBRARY.setLevel(level)
    parent = multiprocessing.parent_process()
    assert parent is not None, "it runs in a pool's process"

    def wait() -> None:
        parent.join()
        # Not `sys.exit`, which would end this thread alone.
        os._exit(1)

    Thread(target=wait, daemon=True).start()
