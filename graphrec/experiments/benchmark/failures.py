"""How a failure is told: on stderr in full, in tables in short."""

from __future__ import annotations

import sys
import traceback

from graphrec.errors import GraphrecError


def tell_failure(name: str, error: Exception) -> str:
    """Say on stderr that a method failed, and why; returns the reason in short, see `shown_reason`."""
    print(f"{name} failed: {error}", file=sys.stderr)
    return shown_reason(error)


def shown_reason(error: Exception) -> str:
    """The reason of a failure; the traceback of a bug goes to stderr, as whoever mends it wants to see where it is."""
    if not isinstance(error, GraphrecError):
        traceback.print_exception(error)
    return reason(error)


def reason(error: BaseException) -> str:
    """Why something failed, in one line that names no place on this machine."""
    if not isinstance(error, GraphrecError):
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    said = (("expected", error.expected), ("got", error.got))
    parts = [error.problem, *(f"{name} {text}" for name, text in said if text is not None)]
    return "; ".join(" ".join(part.split()) for part in parts)
