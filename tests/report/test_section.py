"""A custom section is one class: the page and its contents show it, and nothing else is edited."""

from __future__ import annotations

import pytest
from support.browser import Page, seen
from support.hostile import HOSTILE

from graphrec.errors import ArgumentError, ComponentError
from graphrec.report.run_page import SECTIONS, all_sections, write_report
from graphrec.report.section import Section, report_sections

pytestmark = pytest.mark.usefixtures("undrawn")


class EpochsSection(Section):
    id = "epochs"
    title = "Epochs of the runs"
    template = "<ul>{% for name, epochs in epochs.items() %}<li>{{ name }}: {{ epochs }} epochs</li>{% endfor %}</ul>\n"
    before = "training"

    def context(self, page):
        return {"epochs": {page.run_names[run.folder]: run.manifest["epochs"] for run in page.runs}}

    def entries(self, context):
        return [("training", f"Curves of {len(context['epochs'])} runs")]


class EmptySection(Section):
    id = "empty"
    title = "Not applicable"
    template = "nothing"

    def context(self, page):
        return None


@pytest.fixture
def registry(monkeypatch):
    """The registry, whose additions last for one test."""
    monkeypatch.setattr(report_sections, "_components", {})
    return report_sections


def headings(text):
    return [attributes["id"] for tag, attributes in Page(text).elements if tag == "h2"]


def links(text):
    return [link["href"] for link in Page(text).all("a")]


def test_a_custom_section_is_on_the_page_and_in_the_contents(hcr, tmp_path):
    plain = write_report([hcr], tmp_path / "plain.html").read_text(encoding="utf-8")
    text = write_report([hcr], tmp_path / "page.html", sections=[EpochsSection()]).read_text(encoding="utf-8")
    before = headings(plain)
    assert headings(text) == [*before[: before.index("training")], "epochs", *before[before.index("training") :]]
    assert links(text).count("#epochs") == 1 and "Curves of 1 runs" in seen(text)
    assert f"{HOSTILE}: 2 epochs" in seen(text) and "<script" not in text, "values are escaped"


def test_a_registered_section_is_on_every_page_and_stands_before_the_cost(hcr, tmp_path, registry):
    registry.register("epochs")(type("LateSection", (EpochsSection,), {"before": Section.before}))
    text = write_report([hcr], tmp_path / "page.html").read_text(encoding="utf-8")
    assert headings(text)[headings(text).index("cost") - 1] == "epochs"


def test_a_section_that_does_not_apply_is_left_out(hcr, tmp_path):
    text = write_report([hcr], tmp_path / "page.html", sections=[EmptySection()]).read_text(encoding="utf-8")
    assert "empty" not in headings(text) and "#empty" not in links(text)


def test_a_template_may_be_a_file_next_to_the_class(hcr, tmp_path, monkeypatch):
    (tmp_path / "own_section.py").write_text(
        "from graphrec.report.section import Section\n\n\n"
        "class OwnSection(Section):\n"
        "    id, title, template = 'own', 'Own', 'own.html'\n\n"
        "    def context(self, page):\n"
        "        return {'rows': (['run', 'users'], [(run.name, '7') for run in page.runs])}\n"
    )
    (tmp_path / "own.html").write_text(
        '{% from "cells.html" import cells %}\n{{ cells(rows, "own-table", "Users of each run.", 1) }}\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    from own_section import OwnSection

    text = write_report([hcr], tmp_path / "page.html", sections=[OwnSection()]).read_text(encoding="utf-8")
    assert "Users of each run." in seen(text) and 'aria-labelledby="own-table"' in text


@pytest.mark.parametrize("changed", [{"id": "cost"}, {"before": "nowhere"}])
def test_a_section_that_does_not_fit_is_refused(changed):
    with pytest.raises(ComponentError, match="OddSection does not fit"):
        all_sections([type("OddSection", (EpochsSection,), changed)()])


def test_every_built_in_section_has_its_own_id_and_template():
    assert len({section.id for section in SECTIONS}) == len({section.template for section in SECTIONS}) == len(SECTIONS)


@pytest.mark.parametrize("wrong", [["my_module:Mine"], "x", [Section], [3]])
def test_what_is_no_section_is_refused(hcr, tmp_path, wrong):
    with pytest.raises(ArgumentError, match="instances of section classes"):
        write_report([hcr], tmp_path / "a.html", sections=wrong)
    assert not (tmp_path / "a.html").exists()
