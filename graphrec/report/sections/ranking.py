"""The rows of all methods on the page's split, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphrec.report.page import RunPage
from graphrec.report.result_table import ranking
from graphrec.report.section import Section


class RankingSection(Section):
    """The result table, the tests behind it, a plot, and the methods that failed.

    >>> from graphrec.testing.small_run import small_page
    >>> page, section = small_page(), RankingSection()
    >>> section.heading(page), section.context(page)["ranking"]["verdicts"]
    ('Ranking on the test likes', ['NDCG@10 of CT is .0000.'])
    """

    id = "ranking"
    title = "Ranking"
    template = "ranking.html"

    def heading(self, page: RunPage) -> str:
        return f"Ranking on the {page.split_name} likes"

    def context(self, page: RunPage) -> Mapping[str, Any]:
        return {"ranking": ranking(page.comparison, "rank"), "failed": dict(page.failed or {})}
