"""What a check of a dataset is: a function from the dataset to findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from graphrec.data.dataset import InteractionDataset
from graphrec.registry import FunctionRegistry

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""In the order in which findings are listed."""


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Args:
        code: stable name of what was found.
        severity: `error` makes results wrong and stops a training, `warning` may surprise, `info` is worth knowing.
        count: how many users, items, events, columns or pairs are concerned.
        message: one sentence, which also reads without the count.
        example: the first of them, by its external id where it has one.
        next_step: what to do about it.

    >>> from graphrec.checks.findings import Finding
    >>> finding = Finding("users_without_clicks", "info", 3, "users have no click", "ann", "nothing")
    >>> finding.count, finding.message
    (3, 'users have no click')
    """

    code: str
    severity: Severity
    count: int
    message: str
    example: str = ""
    next_step: str = ""


Check = Callable[[InteractionDataset], Iterable[Finding]]
"""Looks at a dataset and changes nothing. Its tables are known to fit each other: ids are unique, rows in range."""

checks: FunctionRegistry[Check] = FunctionRegistry("check", group="graphrec.checks")
"""`graphrec check`, and every training before it starts, runs them all.

>>> def check_many_items(dataset):
...     if dataset.num_items > 1_000_000:
...         yield Finding("many_items", "info", dataset.num_items, "items: ranking takes a while")
"""
