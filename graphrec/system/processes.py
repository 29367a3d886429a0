"""Independent work in separate processes."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from logging.handlers import QueueHandler, QueueListener
from threading import Thread
from typing import Any, TypeVar

from graphrec.system.signals import stops_in_order
from graphrec.system.user_code import permit, permitted

T = TypeVar("T")
LIBRARY = logging.getLogger("graphrec")


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
            initargs=(records, LIBRARY.getEffectiveLevel(), permitted()),
        ) as pool:
            before = set(multiprocessing.active_children())
            futures = [pool.submit(_in_order, work, *task) for task in tasks]
            try:
                for future in as_completed(futures):
                    yield future.result()
            except (KeyboardInterrupt, GeneratorExit):
                # Leaving the pool waits for its processes: they are asked to stop, and no further one begins.
                for future in futures:
                    future.cancel()
                for process in set(multiprocessing.active_children()) - before:
                    process.terminate()
                raise
    finally:
        listener.stop()


class _Here(logging.Handler):
    """Gives a record of another process to the handlers of this one."""

    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger(record.name).handle(record)


def _in_order(work: Callable[..., T], *task: Any) -> T:
    """The work, stopped in order where its process is asked to end."""
    try:
        with stops_in_order():
            return work(*task)
    except SystemExit:
        # The pool would raise a SystemExit in the process that waits for the result.
        raise KeyboardInterrupt from None


def _start(records: Any, level: int, named: frozenset[str]) -> None:
    """Prepare a process: it logs into the queue `records`, leaves Ctrl-C to its parent, and ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    permit(named)
    LIBRARY.addHandler(QueueHandler(records))
    LIBRARY.setLevel(level)
    parent = multiprocessing.parent_process()
    assert parent is not None, "it runs in a pool's process"

    def wait() -> None:
        parent.join()
        # Not `sys.exit`, which would end this thread alone.
        os._exit(1)

    Thread(target=wait, daemon=True).start()
