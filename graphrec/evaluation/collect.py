"""Gathering per-user values block by block."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd


class Collected:
    """A table that blocks of users fill in place.

    Small tables kept from every block would lie between the large blocks that come and go, so that the allocator could
    not use the same memory again: judging 5,000 users of a million items held 12 GiB instead of one.

    Args:
        rows: at most so many in all.
    """

    def __init__(self, rows: int) -> None:
        self.rows, self.filled = rows, 0
        self.columns: dict[str, np.ndarray] = {}

    def add(self, values: Mapping[str, np.ndarray]) -> None:
        """Equally long columns, the same each time."""
        if not self.columns:
            self.columns = {name: np.empty(self.rows, part.dtype) for name, part in values.items()}
        start = self.filled
        for name, part in values.items():
            self.filled = start + len(part)
            self.columns[name][start : self.filled] = part

    def table(self) -> pd.DataFrame:
        """All rows so far."""
        return pd.DataFrame({name: column[: self.filled] for name, column in self.columns.items()})
