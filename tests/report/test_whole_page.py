"""The page with every section: all of it found from the contents, readable by everyone, escaped, the same each time."""

from __future__ import annotations

import re
from html import unescape
from importlib.resources import files
from itertools import pairwise, product

import pytest
from support.browser import Page, look_at, seen
from support.contrast import contrast
from support.hostile import HOSTILE
from support.trained_runs import copied

from graphrec.report.primitives.tables import number
from graphrec.report.run_page import write_report
from graphrec.runs import analyses

CSS = (files("graphrec") / "report" / "templates" / "head.html").read_text(encoding="utf-8")
SECTIONS = [
    "data", "ranking", "truth", "slices", "sensitivity", "doses", "paper-tables", "training", "causal", "explanation",
    "lists", "cost", "methods", "environment", "provenance", "repeat",
]  # fmt: skip


@pytest.fixture(scope="module")
def text(whole_page):
    return whole_page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def palettes():
    """The colours of each `:root` rule: light, dark, print."""
    rules = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    return [dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", rule)) for rule in rules]


def test_the_contents_lead_to_every_section_in_order(page):
    links = [link["href"].removeprefix("#") for link in page.all("a")]
    assert [link for link in links if not link.startswith("paper-table-")] == ["main", *SECTIONS]
    assert links.count("paper-table-1") == links.count("paper-table-2") == 1
    headings = [attrs["id"] for tag, attrs in page.elements if tag == "h2"]
    assert headings == SECTIONS


def test_headings_skip_no_level_and_ids_are_unique(page):
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    labels = [name for _, attrs in page.elements for name in attrs.get("aria-labelledby", "").split()]
    assert set(labels) <= set(ids)
    assert {link["href"].removeprefix("#") for link in page.all("a")} <= set(ids)


def test_keyboard_and_screen_readers_reach_everything(page):
    body = [(tag, attrs) for tag, attrs in page.elements[page.elements.index(("body", {})) + 1 :]]
    assert body[0] == ("a", {"class": "skip", "href": "#main"}), "the first stop leads past the contents"
    assert page.all("html") == [{"lang": "en"}] and len(page.all("main")) == 1
    for tag, attrs in body:
        if tag == "svg":
            assert attrs["role"] == "img" and len(attrs["aria-labelledby"].split()) == 2
        if attrs.get("class", "").split()[:1] in (["scroll"], ["graph"], ["picture"]):
            assert attrs["tabindex"] == "0" and ("aria-labelledby" in attrs or attrs.get("aria-label")), attrs
    assert len(page.all("svg")) > 15
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(th.get("scope") in ("col", "row") for th in page.all("th"))
    assert ":focus-visible { outline: 2px" in CSS


def test_text_is_read_on_every_ground_in_every_colour_scheme():
    assert len(palettes()) == 3
    for colours in palettes():
        for ink, ground in product(("ink", "soft", "link"), ("ground", "shade")):
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground, colours)
    used = set(re.findall(r"(?<!-)\bcolor: (#[0-9a-f]{6})", CSS))
    assert used <= {"#1b1f24"}, "colours outside the palette are not measured here; .graph is ink on white"


def test_what_comes_from_outside_is_shown_and_never_obeyed(page, text):
    assert not page.all("script") and "<script" not in text
    addresses = re.findall(r'\b(?:href|src|action)="([^"]*)"|url\(([^)]*)\)', text)
    assert all("".join(address).startswith(("#", "data:")) for address in addresses)
    words = seen(text)
    for sentence in (f"All methods, {HOSTILE}", f"Read so: {HOSTILE}", f"failed: DataError: {HOSTILE}"):
        assert sentence in words


def test_paper_tables_keep_their_layout_and_bold_what_is_significant(text):
    at = text.index('id="paper-table-1"')
    shown = text[at : text.index('id="paper-table-2"', at)]
    assert '<strong>.2000</strong><span class="interval">[.1500, .2500]</span>' in shown
    assert "<strong>.1000" not in shown and "100.0" in shown and "failed: no likes" in shown
    assert 'class="picture wide"' in text and 'class="picture"' in shown


def test_the_drop_the_slices_and_both_truths_are_there(text, analysed):
    words = seen(text)
    for result in analysed.results:
        for value in result.metrics.values():
            plain = f"{value['mean']:z.4f}"  # a zero has no sign
            shown = plain.replace("0.", ".", 1) if abs(value["mean"]) < 1 else plain
            assert shown in words, (result.result_set, shown)
    assert words.count("Without this analysis: beta 3, causalrec") == 4
    assert "do(item is clicked)" in words and "P(like | user, do(item)):" in words
    assert "Not evaluated by the truth: beta 3" in words


def test_sensitivity_has_the_strength_and_the_setting_that_was_trained(text):
    assert "strength (lambda2)" in text
    assert "<h3><code>decoder.beta</code></h3>" in text
    assert len(re.findall("<h3><code>", text)) == 1, "nothing else differs alone"


def test_the_commands_repeat_the_analyses(text, study):
    commands = unescape(re.search(r'id="repeat".*?<pre[^>]*>(.*?)</pre>', text, re.DOTALL)[1])
    first, second, third = (line for line in commands.splitlines() if line.startswith("graphrec evaluate"))
    assert "--slices --lists --truth WORLD" in first
    assert second.endswith("--truth WORLD --target satisfaction")
    assert third.endswith("--truth WORLD") and "--slices" not in third
    assert commands.splitlines()[-1].endswith(f"--dose-response {study}")


@pytest.mark.usefixtures("undrawn")  # test_plots draws plots twice
def test_the_same_input_gives_the_same_page(whole_page, text, analysed, hcr_beta, causalrec, paper_tables, study):
    runs, failed = [analysed, hcr_beta, causalrec], {"ESMM": f"DataError: {HOSTILE}"}
    write_report(runs, whole_page, paper_tables=paper_tables, dose_response=study, failed=failed)
    again = whole_page.read_text(encoding="utf-8")
    whole_page.write_text(text, encoding="utf-8")
    digest = re.compile(r"sha256:[0-9a-f]{64}(?= -->\n$)")  # of the page, drawings included
    assert words_of_plots(digest.sub("", again)) == words_of_plots(digest.sub("", text))


def words_of_plots(text):
    """The page with titles and descriptions instead of drawings."""
    drawing = r"<svg[^>]*><title[^>]*>(.*?)</title><desc[^>]*>(.*?)</desc>.*?</svg>"
    return re.sub(drawing, r"<svg>\1: \2</svg>", text, flags=re.DOTALL)


@pytest.mark.usefixtures("undrawn")
def test_a_page_of_the_validation_likes_has_no_slices_of_the_test_split(ct, tmp_path):
    run = copied(ct, tmp_path / "run")
    run.evaluate()
    analyses.by_activity(run)
    assert 'id="slices"' in write_report([run], tmp_path / "test.html").read_text()
    assert 'id="slices"' not in write_report([run], tmp_path / "valid.html", split="valid").read_text()


def test_opens_in_a_browser_on_a_phone_a_desk_and_paper_without_a_fault(whole_page, hcr, tmp_path):
    value = next(iter(hcr.results)).metrics["ndcg@50"]
    for width, view in look_at(whole_page, tmp_path).items():
        assert f"{number(value['mean'])} [{number(value['low'])}, {number(value['high'])}]" in view["tables"]
        assert view["plots"] >= 12, width
