"""The dataset page is a tuple of section classes: its contents write themselves, and a custom section joins them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.browser import Page, seen
from support.hostile import HOSTILE

from graphrec.checks.inspection import inspect
from graphrec.data.store import load
from graphrec.errors import ComponentError
from graphrec.report.dataset_page import DATASET_SECTIONS, write_check_page
from graphrec.report.page import DatasetPage
from graphrec.report.section import DatasetSection, in_order


class EventsSection(DatasetSection):
    id = "events"
    title = "Events"
    template = "<p>{{ name }} has {{ count }} events.</p>\n"
    before = "split"

    def context(self, page):
        return {"name": HOSTILE, "count": len(page.inspection.dataset.interactions)}

    def heading(self, page):
        return f"Events of {page.inspection.dataset.num_users} users"

    def entries(self, context):
        return [("findings", f"What was found of {context['count']} events")]


class EmptySection(EventsSection):
    id = "empty"

    def context(self, page):
        return None


@pytest.fixture(scope="module")
def inspection(tiny_prepared):
    return inspect(load(tiny_prepared))


def headings(text):
    return [attributes["id"] for tag, attributes in Page(text).elements if tag == "h2"]


def links(text):
    return [link["href"].removeprefix("#") for link in Page(text).all("a")]


def test_the_contents_name_every_section_in_the_order_of_the_page(inspection, tmp_path):
    text = write_check_page(inspection, tmp_path / "check.html").read_text(encoding="utf-8")
    assert headings(text) == [section.id for section in DATASET_SECTIONS]
    assert [link for link in links(text) if link != "main"] == headings(text)


def test_a_custom_section_is_on_the_page_and_in_the_contents(inspection, tmp_path):
    plain = headings(write_check_page(inspection, tmp_path / "plain.html").read_text(encoding="utf-8"))
    page = write_check_page(inspection, tmp_path / "check.html", sections=[EventsSection(), EmptySection()])
    text = page.read_text(encoding="utf-8")
    assert headings(text) == [*plain[: plain.index("split")], "events", *plain[plain.index("split") :]]
    assert links(text).count("events") == 1 and "empty" not in links(text), "what does not apply is left out"
    count, users = len(inspection.dataset.interactions), inspection.dataset.num_users
    for words in (f"Events of {users} users", f"What was found of {count} events", f"{HOSTILE} has {count} events."):
        assert words in seen(text)
    assert "<script" not in text, "values are escaped"


def test_without_a_split_the_page_has_no_section_of_it(inspection, tmp_path):
    of_nobody = inspection.dataset.interactions.assign(user=-1)
    broken = inspect(replace(inspection.dataset, interactions=of_nobody))
    text = write_check_page(broken, tmp_path / "check.html").read_text(encoding="utf-8")
    assert headings(text) == ["numbers", "findings", "provenance"]
    assert not {"split", "distributions"} & set(links(text))


@pytest.mark.parametrize("changed", [{"id": "numbers"}, {"before": "nowhere"}])
def test_a_section_that_does_not_fit_is_refused(changed):
    with pytest.raises(ComponentError, match="OddSection does not fit"):
        in_order(DATASET_SECTIONS, [type("OddSection", (EventsSection,), changed)()])


def test_every_built_in_section_says_something_of_sound_data(inspection):
    assert all(section().context(DatasetPage(inspection)) for section in DATASET_SECTIONS)
