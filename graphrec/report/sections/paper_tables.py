"""The papers' tables and figures on the page: each a table, its picture inline, and what a reader must know."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from graphrec.report.page import RunPage
from graphrec.report.primitives.paper_table import PaperTable
from graphrec.report.section import Section

PHONE = 400
"""Points of width above which a picture keeps its size and scrolls in its own box."""


class PaperTablesSection(Section):
    """The tables and figures that the caller hands over; nothing without any.

    >>> from dataclasses import replace
    >>> import pandas as pd
    >>> from graphrec.testing.small_run import small_page
    >>> table = PaperTable("table-1", "Table 1. Results", "All methods.", pd.DataFrame({"Method": ["CT"]}))
    >>> section = PaperTablesSection()
    >>> section.entries(section.context(replace(small_page(), paper_tables=[table])))
    [('paper-table-1', 'Table 1')]
    """

    id = "paper-tables"
    title = "Tables and figures of the papers"
    template = "paper_tables.html"

    def context(self, page: RunPage) -> Mapping[str, Any] | None:
        return {"paper_tables": _shown(page.paper_tables)} if page.paper_tables else None

    def entries(self, context: Mapping[str, Any]) -> list[tuple[str, str]]:
        return [(table["key"], table["short"]) for table in context["paper_tables"]]


def _shown(paper_tables: Sequence[PaperTable]) -> list[dict[str, Any]]:
    """What the page shows of each table or figure, in their order."""
    return [
        {
            "key": f"paper-table-{number}",
            "title": table.title,
            "short": table.title.partition(". ")[0],
            "caption": table.caption,
            "table": table.rows(),
            "notes": table.notes,
            "picture": None if table.picture is None else Markup(_apart(table.picture, f"papertable{number}")),
            "wide": table.picture is not None and _width(table.picture) > PHONE,
        }
        for number, table in enumerate(paper_tables, start=1)
    ]


def _apart(svg: str, key: str) -> str:
    """The picture with ids of its own: two pictures may have been drawn with one prefix."""
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{key}-\1"', svg)
    svg = re.sub(r'href="#([^"]+)"', rf'href="#{key}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{key}-\1)", svg)
    ids = re.compile(r'aria-labelledby="([^"]+)"')
    return ids.sub(lambda match: f'aria-labelledby="{" ".join(f"{key}-{name}" for name in match[1].split())}"', svg)


def _width(svg: str) -> float:
    match = re.search(r'<svg[^>]*\bwidth="([\d.]+)pt"', svg)
    return float(match[1]) if match else 0.0
