"""What the checks found of a dataset, errors first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphrec.report.dataset_tables import finding_table
from graphrec.report.page import DatasetPage
from graphrec.report.section import DatasetSection


class FindingsSection(DatasetSection):
    """A row a finding.

    >>> from graphrec.checks.inspection import inspect
    >>> from graphrec.data.store import load
    >>> headers, rows = FindingsSection().context(DatasetPage(inspect(load(data))))["findings"]
    >>> [row[:2] for row in rows if row[0] == "no_leaks"]
    [('no_leaks', 'info')]
    """

    id = "findings"
    title = "Findings"
    template = "findings.html"

    def context(self, page: DatasetPage) -> Mapping[str, Any]:
        return {"findings": finding_table(page.inspection.findings)}
