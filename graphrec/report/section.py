"""The contract of a section of the run page, and the registry of custom ones.

A section of your own is one class. It is shown when it is handed to `write_report(sections=[...])`, when the module
that registers it has been imported, or when an installed package offers it in the entry-point group
`graphrec.report_sections`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from graphrec.registry import Registry
from graphrec.report.page import RunPage


class Section(ABC):
    """One section of the page.

    >>> class SizesSection(Section):
    ...     id = "sizes-of-runs"
    ...     title = "Sizes of the runs"
    ...     template = "<p>{{ page.split_name | capitalize }}, {{ count }} runs.</p>"
    ...
    ...     def context(self, page):
    ...         return {"count": len(page.runs)}

    `write_report(runs, "page.html", sections=[SizesSection()])` shows it, with a link in the contents.
    """

    id: ClassVar[str]
    """Of the heading, unique on the page: the contents link to it."""
    title: ClassVar[str]
    """In the contents and, by default, above the section."""
    template: ClassVar[str]
    """The body in Jinja2, without the heading: the name of a `.html` file next to the module of the class, or the text
    itself. It sees `page` and what `context` returns; values are escaped. The macros of
    `templates/cells.html` can be imported by that file's name."""
    before: ClassVar[str] = "cost"
    """The id of the built-in section that a custom section precedes."""

    @abstractmethod
    def context(self, page: RunPage) -> Mapping[str, Any] | None:
        """What the template shows; None or empty where the section does not apply, which leaves it out."""

    def heading(self, page: RunPage) -> str:
        """What stands above the section."""
        return self.title

    def entries(self, context: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Links of the contents below the section's own, each an id and a text."""
        return ()


report_sections: Registry[Section] = Registry("report section", base=Section, group="graphrec.report_sections")
