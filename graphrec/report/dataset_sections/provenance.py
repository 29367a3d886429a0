"""Where a dataset's files came from and how they were prepared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphrec.report.page import DatasetPage
from graphrec.report.section import DatasetSection


class DatasetProvenanceSection(DatasetSection):
    """What the manifest of the prepared data says of its source.

    >>> from graphrec.checks.inspection import inspect
    >>> from graphrec.data.store import load
    >>> DatasetProvenanceSection().context(DatasetPage(inspect(load(data))))["provenance"]["source"]
    'tiktok'
    """

    id = "provenance"
    title = "Provenance"
    template = "provenance.html"

    def context(self, page: DatasetPage) -> Mapping[str, Any]:
        return {"provenance": page.inspection.dataset.provenance}
