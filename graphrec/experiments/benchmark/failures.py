"""How a failure is reported: in full in the log, in short in tables."""

from __future__ import annotations

import logging

from graphrec.errors import GraphrecError

logger = logging.getLogger(__name__)


def report_failure(name: str, error: Exception) -> str:
    """Log that `name` failed, and why; a bug with its traceback. Returns the reason in one line, for tables.

    Example:
        >>> from graphrec.errors import DataError
        >>> from graphrec.experiments.benchmark import report_failure
        >>> report_failure("DeepStyle", DataError("no categories", expected="a modality", where="/data/raw"))
        'no categories; expected a modality'
    """
    logger.error("%s failed: %s", name, error, exc_info=None if isinstance(error, GraphrecError) else error)
    return reason(error)


def reason(error: BaseException) -> str:
    """Why something failed, in one line that names no path on this machine.

    Example:
        >>> from graphrec.experiments.benchmark.failures import reason
        >>> reason(ValueError("a bug  in two parts"))
        'ValueError: a bug in two parts'
    """
    if not isinstance(error, GraphrecError):
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    fields = (("expected", error.expected), ("got", error.got))
    clauses = [error.problem, *(f"{name} {value}" for name, value in fields if value is not None)]
    return "; ".join(" ".join(clause.split()) for clause in clauses)
