"""The same rankings by the truth of the simulated world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphrec.report.page import RunPage
from graphrec.report.result_table import ranking
from graphrec.report.section import Section


class TruthSection(Section):
    """A result table for each truth that methods were evaluated by; nothing for real data.

    >>> from graphrec.testing.small_run import small_page
    >>> TruthSection().context(small_page()) is None  # not evaluated by the truth of its world
    True
    """

    id = "truth"
    title = "Interventional truth"
    template = "truth.html"

    def heading(self, page: RunPage) -> str:
        return "Evaluated by the interventional truth"

    def context(self, page: RunPage) -> Mapping[str, Any] | None:
        truths = [
            {
                "target": truth.target,
                "ranking": ranking(truth.comparison, truth.target),
                "not_evaluated": [method.name for method in page.methods if method not in truth.methods],
            }
            for truth in page.truths
        ]
        return {"truths": truths} if truths else None
