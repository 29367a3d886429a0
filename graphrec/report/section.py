"""The contract of a section of a page: the run page and the dataset page are tuples of section classes.

A section of your own is one class. On the run page it is shown when it is handed to `write_report(sections=[...])`,
when the module that registers it has been imported, or when an installed package offers it in the entry-point group
`graphrec.report_sections`. On the dataset page it is shown when it is handed to `write_check_page(sections=[...])`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from markupsafe import Markup

from graphrec.arguments import wrong_type
from graphrec.errors import ComponentError
from graphrec.registry import Registry
from graphrec.report.page import DatasetPage, RunPage
from graphrec.report.primitives.template import template_of

PageT = TypeVar("PageT")
SectionT = TypeVar("SectionT", bound="PageSection[Any]")


class PageSection(ABC, Generic[PageT]):
    """What the sections of all pages have in common; `Section` and `DatasetSection` say which page it is.

    >>> from graphrec.report.sections.cost import CostSection
    >>> CostSection.id, CostSection.title, CostSection.template
    ('cost', 'Cost', 'cost.html')
    """

    id: ClassVar[str]
    """Of the heading, unique on the page: the contents link to it."""
    title: ClassVar[str]
    """In the contents and, by default, above the section."""
    template: ClassVar[str]
    """The body in Jinja2, without the heading: the name of a `.html` file next to the module of the class, or the text
    itself. It sees `page` and what `context` returns; values are escaped. The macros of
    `templates/cells.html` can be imported by that file's name."""
    before: ClassVar[str]
    """The id of the built-in section that a custom section precedes."""

    @abstractmethod
    def context(self, page: PageT) -> Mapping[str, Any] | None:
        """What the template shows; None or empty where the section does not apply, which leaves it out."""

    def heading(self, page: PageT) -> str:
        """What stands above the section."""
        return self.title

    def entries(self, context: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Links of the contents below the section's own, each an id and a text."""
        return ()


class Section(PageSection[RunPage]):
    """One section of the run page.

    >>> class SizesSection(Section):
    ...     id = "sizes-of-runs"
    ...     title = "Sizes of the runs"
    ...     template = "<p>{{ page.split_name | capitalize }}, {{ count }} runs.</p>"
    ...
    ...     def context(self, page):
    ...         return {"count": len(page.runs)}

    `write_report(runs, "page.html", sections=[SizesSection()])` shows it, with a link in the contents.
    """

    before: ClassVar[str] = "cost"


class DatasetSection(PageSection[DatasetPage]):
    """One section of the dataset page, which `write_check_page` writes.

    >>> class NameSection(DatasetSection):
    ...     id, title = "name", "Name"
    ...     template = "<p>It is called {{ name }}.</p>"
    ...
    ...     def context(self, page):
    ...         return {"name": page.inspection.dataset.name}
    >>> from graphrec.checks.inspection import inspect
    >>> from graphrec.data.store import load
    >>> rendered([NameSection()], DatasetPage(inspect(load(data))))[0]["body"]
    Markup('<p>It is called tiktok.</p>')

    `write_check_page(inspection, "check.html", sections=[NameSection()])` shows it, with a link in the contents.
    """

    before: ClassVar[str] = "provenance"


report_sections: Registry[Section] = Registry("report section", base=Section, group="graphrec.report_sections")


def in_order(built_in: Iterable[type[SectionT]], custom: Iterable[SectionT]) -> list[SectionT]:
    """The built-in sections of a page, and each custom one before the section that it names.

    >>> from graphrec.report.dataset_page import DATASET_SECTIONS
    >>> [section.id for section in in_order(DATASET_SECTIONS, ())]
    ['numbers', 'findings', 'distributions', 'split', 'provenance']

    Raises:
        ArgumentError: something is no section, such as a class or its import path.
        ComponentError: two sections have one id, or one precedes a section that there is not.
    """
    ordered = [section() for section in built_in]
    for added in custom:
        if not isinstance(added, PageSection):
            raise wrong_type("sections", added, "instances of section classes, such as [MySection()]")
        ids = [section.id for section in ordered]
        if added.id in ids or added.before not in ids:
            raise ComponentError(
                f"the section {type(added).__name__} does not fit on the page",
                expected="an `id` that no other section has, and in `before` the id of a section of the page",
                got=f"id `{added.id}`, before `{added.before}`",
                where=f"{type(added).__module__}:{type(added).__qualname__}",
                next_step="the page has " + ", ".join(ids),
            )
        ordered.insert(ids.index(added.before), added)
    return ordered


def rendered(sections: Iterable[PageSection[PageT]], page: PageT) -> list[dict[str, Any]]:
    """The sections that apply, as the page's template sets them.

    >>> from graphrec.report.sections.cost import CostSection
    >>> from graphrec.testing.small_run import small_page
    >>> [section["heading"] for section in rendered([CostSection()], small_page())]
    ['Cost']
    """
    shown = ((section, section.context(page)) for section in sections)
    return [
        {
            "id": section.id,
            "title": section.title,
            "heading": section.heading(page),
            "entries": section.entries(context),
            # The body is HTML already: the section's template escaped what it shows.
            "body": Markup(template_of(type(section)).render(page=page, **context).rstrip("\n")),
        }
        for section, context in shown
        if context
    ]
