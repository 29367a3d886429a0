"""Whether a world fits into the memory of the machine, before hours are spent on it."""

from __future__ import annotations

from graphrec.errors import DataError
from graphrec.system.memory import physical_bytes


def require_memory(needed: int) -> None:
    """Refuse a world that needs more bytes than the machine has.

    Raises:
        DataError: the machine has less. Where the system does not say how much it has, nothing is refused.

    >>> require_memory(2**20)
    >>> require_memory(2**60)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    graphrec.errors.DataError: the world does not fit into memory
      expected: at most ... GiB
      got: at least 1,073,741,824.0 GiB
      next step: set fewer `users`, `items` or `shown`, or narrower features
    """
    size = physical_bytes()
    if size is not None and needed > size:
        raise too_large(f"at least {needed / 2**30:,.1f} GiB", f"at most {size / 2**30:,.1f} GiB")


def too_large(needed: str, limit: str | None = None) -> DataError:
    """The error for a world that does not fit into memory.

    >>> print(too_large("58 TiB").next_step)
    set fewer `users`, `items` or `shown`, or narrower features
    """
    return DataError(
        "the world does not fit into memory",
        expected=limit,
        got=needed,
        next_step="set fewer `users`, `items` or `shown`, or narrower features",
    )
