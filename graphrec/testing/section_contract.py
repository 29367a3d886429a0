"""What every section of a run's page must do: have a place on the page, and leave the rest of it whole.

A class joins in three lines:

class TestMySection(SectionContract):
    section = "my_module:MySection"
"""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import ClassVar

import pytest

from graphrec.report.primitives.template import template_of
from graphrec.report.run_page import all_sections, write_report
from graphrec.report.section import Section, report_sections
from graphrec.testing.contract import Contract
from graphrec.testing.small_run import small_page, small_run

_PAGES: dict[type, str] = {}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
"""HTML elements that have no end tag."""


class SectionContract(Contract):
    """Every test writes the page of `graphrec.testing.small_run`, a run that was evaluated on test and no more.

    This section is to precede one that the page does not have. (A test names it by import path, and sets no `kind`.)

    >>> class Note(Section):
    ...     id = title = "note"
    ...     before = "nowhere"
    ...     template = "<p>{{ words }}</p>"
    ...     def context(self, page):
    ...         return {"words": f"{len(page.runs)} run"}
    >>> class TestNote(SectionContract):
    ...     section = "my_module:Note"
    ...     kind = Note
    >>> TestNote().test_it_precedes_the_section_that_it_names()
    Traceback (most recent call last):
    graphrec.errors.ComponentError: the section Note does not fit on the page
      expected: ...
      got: id `note`, before `nowhere`...
    """

    section: ClassVar[str]
    """Its registered name, or its import path."""
    applies: ClassVar[bool] = True
    """False for a section that has nothing to show of that run, and therefore is left out."""

    @property
    def kind(self) -> type[Section]:
        return report_sections.get(self.section)

    def custom(self) -> list[Section]:
        """What `write_report` is given: nothing where the class is registered, as it is then on every page."""
        registered = any(report_sections.get(name) is self.kind for name in report_sections)
        return [] if registered else [self.kind()]

    def write(self, out: Path) -> str:
        """The text of the page."""
        return write_report([small_run()], out, sections=self.custom()).read_text(encoding="utf-8")

    @pytest.fixture
    def page(self, tmp_path: Path) -> str:
        """Written once for all tests of the class: its figures take a second."""
        contract = type(self)
        if contract not in _PAGES:
            _PAGES[contract] = self.write(tmp_path / "page.html")
        return _PAGES[contract]

    def test_it_precedes_the_section_that_it_names(self) -> None:
        ids = [section.id for section in all_sections(self.custom())]
        assert ids.index(self.kind.id) == ids.index(self.kind.before) - 1

    def test_its_heading_and_its_link_are_on_the_page_where_it_applies(self, page: str) -> None:
        elements = Elements(page)
        headings = [attributes.get("id") for tag, attributes in elements.opened if tag == "h2"]
        links = [attributes.get("href") for _, attributes in elements.opened]
        number = 1 if self.applies else 0
        assert headings.count(self.kind.id) == links.count(f"#{self.kind.id}") == number

    def test_the_page_is_well_formed(self, page: str) -> None:
        elements = Elements(page)
        assert elements.errors == []
        ids = [attributes["id"] for _, attributes in elements.opened if "id" in attributes]
        assert len(ids) == len(set(ids)), "an id is on the page twice"

    def test_the_same_results_give_the_same_section(self) -> None:
        page = small_page()
        first, second = (self.kind().context(page) for _ in range(2))
        template = template_of(self.kind)
        assert template.render(page=page, **(first or {})) == template.render(page=page, **(second or {}))


class Elements(HTMLParser):
    """The elements of a page, and the tags that do not match.

    >>> Elements("<p>a<b>c</p>").errors
    ['</p> ends <b>']
    >>> Elements('<p id="x">a<br>c</p>').opened
    [('p', {'id': 'x'}), ('br', {})]
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.opened: list[tuple[str, dict[str, str | None]]] = []
        self.errors: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.errors += [f"<{tag}> has no end" for tag in self._open if not self.errors]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append((tag, dict(attrs)))  # <path/> in a drawing

    def handle_endtag(self, tag: str) -> None:
        last = self._open.pop() if self._open else ""
        if last != tag:
            self.errors.append(f"</{tag}> ends <{last}>")
