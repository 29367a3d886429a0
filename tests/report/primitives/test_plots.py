"""Plots are well-formed SVG that shares a page with others, in any colour scheme, for any reader."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from support.contrast import contrast

from graphrec.report.primitives.plots import SERIES, Estimate, curve_plot, dot_plot, training_plot

SVG = "{http://www.w3.org/2000/svg}"
NAN = float("nan")
HOSTILE = "<script>alert('a&b')</script> $x_1"
HISTORY = [
    {"epoch": 1, "loss": 1.25, "ndcg@50": 0.1},
    {"epoch": 2, "loss": 1.125},
    {"epoch": 3, "loss": 1.0, "ndcg@50": 0.3},
]


def dots(key="a", metric="ndcg@50"):
    return dot_plot([Estimate(HOSTILE, 0.25, 0.2, 0.3), Estimate("CT", 0.4, NAN, NAN)], metric, key)


def curves(key="b"):
    points = [(0.0, Estimate("", 0.2, 0.1, 0.3)), (1.0, Estimate("", 0.3, 0.2, 0.4))]
    return curve_plot({HOSTILE: points, "other": points}, "regret_do@50", "strength", key)


def training(key="c", history=HISTORY, best=3):
    return training_plot(history, "ndcg@50", best, HOSTILE, key)


@pytest.fixture(params=[dots, curves, training], ids=lambda draw: draw.__name__)
def svg(request):
    return request.param()


def words(svg):
    return " ".join("".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(f"{SVG}text"))


def test_is_one_accessible_element_without_scripts_styles_or_outside_references(svg):
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg" and root.get("role") == "img"
    title, described = (root.find(f"{SVG}{tag}") for tag in ("title", "desc"))
    assert root.get("aria-labelledby").split() == [title.get("id"), described.get("id")]
    assert HOSTILE in title.text + described.text
    assert not {f"{SVG}script", f"{SVG}style", f"{SVG}image"} & {element.tag for element in root.iter()}
    addresses = re.findall(r'(?:href|src)="([^"]*)"|url\(([^)]*)\)', svg)
    assert addresses and all(("".join(address)).startswith("#") for address in addresses)


def test_every_reference_leads_to_an_id_of_the_same_plot(svg):
    ids = re.findall(r'\bid="([^"]+)"', svg)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', svg)) | set(re.findall(r"url\(#([^)]+)\)", svg)) <= set(ids)


def test_the_same_plot_twice_on_a_page_shares_no_id_and_drawing_is_reproducible():
    first, second = (set(re.findall(r'\bid="([^"]+)"', dots(key))) for key in ("a", "b"))
    assert not first & second
    assert dots() == dots()


def test_text_stays_text_in_the_page_s_own_colour_and_font(svg):
    assert HOSTILE in words(svg) or svg.count("training loss")
    assert "currentColor" in svg and "DejaVu" not in svg
    colours = set(re.findall(r"#[0-9a-f]{6}\b", svg))
    assert colours and colours <= set(SERIES)


@pytest.mark.parametrize("ground", ["#ffffff", "#14171c"])
def test_series_stand_out_from_light_and_dark_ground(ground):
    assert all(contrast(colour, ground) > 3 for colour in SERIES)


def test_the_dot_plot_says_its_numbers_and_lies_at_them():
    root = ElementTree.fromstring(dots())
    described = root.find(f"{SVG}desc").text
    assert ".2500 [.2000, .3000]" in described and "CT: .4000 [–, –]" in described
    assert ".2500 [.2000, .3000]" in words(dots())
    places = {round(float(use.get("x"))) for use in root.iter(f"{SVG}use") if "#2f7ac4" in use.get("style", "")}
    assert len(places) == 2


def test_a_loss_says_that_lower_is_better():
    assert "lower is better" in words(dots(metric="regret_do@50"))
    assert "lower is better" not in words(dots())
    assert "nearer 0 is better" in words(dots(metric="leakage_do"))


def test_a_long_label_is_cut_in_the_plot_and_whole_in_the_description():
    name = "package.module:" + "x" * 40 + ":strength=0.25"
    svg = dot_plot([Estimate(name, 0.2, 0.1, 0.3)], "mrr", "a")
    assert name not in words(svg) and "strength=0.25" in words(svg)
    assert name in ElementTree.fromstring(svg).find(f"{SVG}desc").text


def test_training_marks_the_best_epoch_and_bears_epochs_without_validation():
    assert "best: .3000 at epoch 3" in words(training())
    assert "best" not in words(training(best=2))
    assert "epoch" in words(training(history=HISTORY[:1], best=1))
