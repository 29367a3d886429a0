"""The suite for report sections finds what is wrong: each class below has one fault, and a test fails on it."""

from __future__ import annotations

import inspect
from itertools import count
from pathlib import Path

import pytest

from graphrec.errors import ComponentError
from graphrec.report.section import Section
from graphrec.testing import SectionContract

DRAWS = count()


class Sound(Section):
    """Without a fault."""

    id = "sound"
    title = "Sound"
    template = "<p>{{ runs }} run</p>"

    def context(self, page):
        return {"runs": len(page.runs)}


class Twin(Sound):
    """Has the id of a built-in section."""

    id = "cost"
    before = "environment"


class Lost(Sound):
    """Precedes a section that there is not."""

    before = "nowhere"


class Absent(Sound):
    """Is never shown."""

    def context(self, page):
        return None


class Unclosed(Sound):
    """Forgets an end tag."""

    template = "<div><p>{{ runs }} run</p>"


class Repeated(Sound):
    """Has an element with the id of its heading."""

    template = '<p id="sound">{{ runs }} run</p>'


class Drawn(Sound):
    """Differs from one writing to the next."""

    def context(self, page):
        return {"runs": next(DRAWS)}


FAULTS = [
    (Twin, "test_it_precedes_the_section_that_it_names"),
    (Lost, "test_it_precedes_the_section_that_it_names"),
    (Absent, "test_its_heading_and_its_link_are_on_the_page_where_it_applies"),
    (Unclosed, "test_the_page_is_well_formed"),
    (Repeated, "test_the_page_is_well_formed"),
    (Drawn, "test_the_same_results_give_the_same_section"),
]


def check(kind: type, test: str, folder: Path, **declared: object) -> None:
    suite = type("Suite", (SectionContract,), {"section": f"{__name__}:{kind.__name__}", **declared})()
    method = getattr(suite, test)
    if "page" in inspect.signature(method).parameters:
        method(suite.write(folder / "page.html"))
    else:
        method()


@pytest.mark.parametrize(("kind", "test"), FAULTS, ids=[kind.__name__ for kind, _ in FAULTS])
def test_a_fault_is_found_and_its_absence_too(kind: type, test: str, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, ComponentError)):
        check(kind, test, tmp_path)
    check(Sound, test, tmp_path)


def test_a_section_that_does_not_apply_says_so(tmp_path: Path) -> None:
    check(Absent, "test_its_heading_and_its_link_are_on_the_page_where_it_applies", tmp_path, applies=False)
