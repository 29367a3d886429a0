"""Finding: one thing that a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Args:
        code: stable name of the check.
        severity: `error` makes results wrong, `warning` may surprise, `info` is worth knowing.
        count: how many users, items, events, columns or pairs are concerned.
        message: one sentence.
        example: the first one concerned, by its external id where it has one.
        next_step: what to do about it.
    """

    code: str
    severity: Severity
    count: int
    message: str
    example: str = ""
    next_step: str = ""
