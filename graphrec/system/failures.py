"""Failed allocations as typed errors: what was asked for, for what, and which setting asks for less."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from graphrec.errors import OutOfMemoryError
from graphrec.system.memory import available_bytes

_TORCH = re.compile(r"(?:not enough|can't allocate|out of) memory|tried to allocate", re.IGNORECASE)
_TORCH_SIZE = re.compile(r"tried to allocate ([\d.]+) ?(bytes|KiB|MiB|GiB)", re.IGNORECASE)
_NUMPY = re.compile(r"Unable to allocate ([\d.]+) (bytes|KiB|MiB|GiB|TiB|PiB|EiB)")
_UNITS = {"bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "PiB": 2**50, "EiB": 2**60}


def bytes_of_failure(error: BaseException) -> int | None:
    """The bytes that an allocation asked for in vain; 0 where the error does not say, None where it is another error.

    >>> bytes_of_failure(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8000 bytes."))
    8000
    >>> bytes_of_failure(MemoryError()), bytes_of_failure(ValueError("no"))
    (0, None)
    """
    text = str(error)
    is_numpy, is_torch = isinstance(error, MemoryError), isinstance(error, RuntimeError) and _TORCH.search(text)
    # Sizes beyond 64 bits fail before anything is asked for.
    is_size = isinstance(error, (RuntimeError, ValueError, OverflowError)) and re.search(
        r"Storage size calculation overflowed|array is too big|Maximum allowed dimension exceeded|negative dimension",
        text,
    )
    if not (is_numpy or is_torch or is_size):
        return None
    match = _TORCH_SIZE.search(text) or _NUMPY.search(text)
    return int(float(match[1]) * _UNITS[match[2]]) if match else 0


@contextmanager
def typed_allocations(what: str, setting: str, next_step: str) -> Iterator[None]:
    """Within it a failed allocation is an OutOfMemoryError.

    Args:
        what: what is done, such as "training".
        setting: the recipe key or argument that decides the size.
        next_step: what to do.

    >>> with typed_allocations("training", "training.batch_size", "lower the batch size"):
    ...     raise MemoryError("Unable to allocate 3.00 GiB for an array")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    graphrec.errors.OutOfMemoryError: there is not enough memory for training
      expected: at most ... GiB, which are available
      got: a request for 3.0 GiB
      where: training.batch_size
      next step: lower the batch size
    """
    try:
        yield
    except (MemoryError, RuntimeError, ValueError, OverflowError) as error:
        size = bytes_of_failure(error)
        if size is None:
            raise
        raise out_of_memory(what, size, setting, next_step) from error


def out_of_memory(what: str, size: int, setting: str | None, next_step: str) -> OutOfMemoryError:
    """The error for a request of so many bytes, 0 where that is not known.

    >>> print(out_of_memory("training", 2**31, "training.batch_size", "lower it").got)
    a request for 2.0 GiB
    """
    available = available_bytes()
    return OutOfMemoryError(
        f"there is not enough memory for {what}",
        expected=None if available is None else f"at most {available / 2**30:.1f} GiB, which are available",
        got=_request(size),
        where=setting,
        next_step=next_step,
    )


def _request(size: int) -> str | None:
    if not size:
        return None
    return f"a request for {size / 2**30:,.1f} GiB" if size >= 2**27 else f"a request for {size:,} bytes"


def require_memory(size: int, what: str, setting: str, next_step: str) -> None:
    """Refuse before anything is allocated what needs more bytes than are available.

    Raises:
        OutOfMemoryError: it does.

    >>> require_memory(10, "training", "backbone.embedding_size", "lower it")
    """
    available = available_bytes()
    if available is not None and size > available:
        raise out_of_memory(what, size, setting, next_step)
