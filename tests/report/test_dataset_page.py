"""The page about a dataset holds every finding and plot, escapes what it shows, and fits a phone and a desk."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
from support.browser import Page, look_at, seen

from graphrec.checks.inspection import inspect
from graphrec.data.store import load
from graphrec.errors import DataError
from graphrec.report.dataset_page import write_check_page
from graphrec.report.primitives.distributions import quantile_plot, rank_plot, time_plot

HOSTILE = "<script>alert('a&b')</script>"


@pytest.fixture(scope="module")
def inspection(tiny_prepared):
    """The tiny twin under a name that tries to break the page, two pictures missing."""
    dataset = load(tiny_prepared)
    visual = dataset.features["visual"]
    mask = visual.mask.copy()
    mask[:2] = False
    masked = replace(visual, values=np.where(mask[:, None], visual.values, 0), mask=mask)
    return inspect(replace(dataset, name=HOSTILE, features={**dataset.features, "visual": masked}))


@pytest.fixture(scope="module")
def page(inspection, tmp_path_factory):
    return write_check_page(inspection, tmp_path_factory.mktemp("page") / "check.html")


def test_the_page_stands_alone_and_shows_everything(page, inspection):
    text = page.read_text(encoding="utf-8")
    parsed = Page(text)
    assert HOSTILE not in text and HOSTILE in unescape(text)
    assert not [tag for tag, _ in parsed.elements if tag in ("script", "img", "iframe")]
    assert not re.search(r'(?:src|href)="(?!#|data:)', text)
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    shown = unescape(re.sub("</?code>", "`", text.replace("<wbr>", "")))
    for finding in inspection.findings:
        assert finding.message in shown and finding.code in shown and finding.next_step in shown
    titles = re.findall(r'<title id="([a-z]+)-title">', text)
    assert titles == ["users", "items", "likes", "times", "missing", "norms"]
    assert f"visual {2 / inspection.dataset.num_items:.1%}" in shown
    assert "mathdefault" not in text, "a browser cannot read TeX"


def test_the_page_says_in_words_what_the_split_leaves_out(page, inspection):
    text = unescape(page.read_text(encoding="utf-8"))
    n = inspection.split.counts["dropped_clicks_after_cut"]
    assert n > 0 and f"pairs that were first clicked after the end of train and not liked ({n:,})" in text


def test_what_stands_between_backticks_is_set_as_code(page):
    text = page.read_text(encoding="utf-8")
    assert "under the split <code>chronological</code>" in text and "`" not in seen(text)


def test_data_with_errors_gets_a_page_without_plots(inspection, tmp_path):
    broken = replace(inspection.dataset, interactions=inspection.dataset.interactions.assign(user=np.int64(-1)))
    text = write_check_page(inspect(broken), tmp_path / "broken.html").read_text(encoding="utf-8")
    assert "user_out_of_range" in text.replace("<wbr>", "") and "<svg" not in text


def test_a_folder_is_no_page(inspection, tmp_path):
    with pytest.raises(DataError, match="the path of a file"):
        write_check_page(inspection, tmp_path)


def test_plots_say_their_numbers():
    plot = rank_plot({"clicks": np.array([5, 1, 0, 300])}, "user", "Items a user", "k")
    assert "clicks: most 300, median 5, least 1" in plot
    dated = time_plot({"clicks": np.array([17_000.0, 17_010.0])}, {"train": 17_005.0}, "k", dated=True)
    assert "train ends at 2016-07-23" in dated
    assert "1 % 1, 25 % 1, 50 % 1" in quantile_plot({"words": np.ones(4)}, "norm", "k")


def test_a_browser_shows_it_at_two_widths(page, tmp_path):
    assert {view["plots"] for view in look_at(page, tmp_path).values()} == {6}
