"""Independent work in processes of its own."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


def in_processes(work: Callable[..., T], tasks: Iterable[tuple[Any, ...]], jobs: int) -> Iterator[T]:
    """What the work makes of each task, as each is done.

    Every task has a fresh process with one thread, which ends when this one does, however that comes: an orphan would
    go on writing where the next attempt writes.

    Args:
        work: a function of a module; it, the tasks and what it makes are pickled.
        jobs: how many at a time.
    """
    os.environ["OMP_NUM_THREADS"] = "1"  # threads that share cores wait for one another
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn, max_tasks_per_child=1, initializer=_end_with_parent) as pool:
        for future in as_completed([pool.submit(work, *task) for task in tasks]):
            yield future.result()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "it runs in a pool's process"

    def wait() -> None:
        parent.join()
        os._exit(1)

    Thread(target=wait, daemon=True).start()
