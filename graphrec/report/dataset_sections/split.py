"""The split that was audited for leaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphrec.data.split import left_out
from graphrec.report.page import DatasetPage
from graphrec.report.section import DatasetSection


class SplitSection(DatasetSection):
    """Sizes and hash of the split; nothing where none could be made.

    >>> from graphrec.checks.inspection import inspect
    >>> from graphrec.data.store import load
    >>> SplitSection().context(DatasetPage(inspect(load(data))))["split"]["name"]
    'chronological'
    """

    id = "split"
    title = "Split"
    template = "split.html"

    def context(self, page: DatasetPage) -> Mapping[str, Any] | None:
        split = page.inspection.split
        if split is None:
            return None
        sizes = {key: n for key, n in split.counts.items() if not key.startswith("dropped_")}
        return {
            "split": {
                "name": split.config.name,
                "hash": split.hash,
                "sizes": [(key.replace("_", " "), f"{n:,}") for key, n in sizes.items()],
                "left_out": left_out(split.counts),
            }
        }
