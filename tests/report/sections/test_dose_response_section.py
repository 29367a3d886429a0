"""A dose-response study is read with suspicion, and drawn as far as a plot can hold its methods."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest
from support.paths import ROOT

from graphrec.errors import DataError
from graphrec.report.compared_methods import methods_in_order
from graphrec.report.primitives.tables import number
from graphrec.report.sections.dose_response import doses

pytestmark = pytest.mark.usefixtures("undrawn")
RESULTS = ROOT / "benchmarks" / "results"


def test_curves_are_of_the_baselines_and_the_page_s_methods(study):
    section = doses(study, ["M7", "HCR", "unheard of"])
    drawn = re.findall(r"([^;>]+?): 0: ", re.sub("&.*?;", "", section["plots"][0].split("<desc")[1]))
    assert [name.strip() for name in drawn] == ["oracle: true effect", "M7", "HCR", "popularity (clicks)"]
    assert section["left_out"] == 8 and len(section["plots"]) == 2
    assert all(len(rows) == 12 for _, (_, rows) in section["tables"]), "the tables have all"


def test_a_method_s_own_row_is_drawn_before_other_estimands():
    table = pd.DataFrame({"run": ["CT", "HCR", "HCR", "HCR-NS"], "method": ["CT", "HCR", "HCR-T", "HCR-NS"]})
    assert methods_in_order(table) == ["CT", "HCR", "HCR-NS", "HCR-T"]


def test_a_study_of_other_methods_is_drawn_all_the_same(study):
    assert doses(study, ["nothing of it"])["left_out"] == 5


def test_a_reference_of_the_page_is_no_method_of_the_study(study):
    for methods, left_out in ((["nothing of it"], 5), (["HCR", "M7"], 8)):
        assert doses(study, [*methods, "popularity (clicks)"])["left_out"] == left_out


def test_the_parameter_is_named_where_the_study_says_it(study, tmp_path):
    path = tmp_path / "results.csv"
    path.write_text(study.read_text())
    assert doses(path, ())["parameter"] == "dose"
    (tmp_path / "about.json").write_text(json.dumps({"parameter": "strength", "target": "satisfaction"}))
    section = doses(path, ())
    assert (section["parameter"], section["target"], section["worlds"]) == ("strength", "satisfaction", "5")
    assert section["tables"][0][1][0] == ["method", "strength 0", "strength 2", "strength 8"]


@pytest.mark.parametrize("name", ["dose-hidden", "dose-visual"])
def test_the_studies_in_the_repository_can_be_shown(name):
    path = RESULTS / name / "results.csv"
    section = doses(path, ["HCR", "CausalRec"])
    table = pd.read_csv(path)
    row = table[table["dose"] == table["dose"].max()].iloc[0]
    rows = dict((cells[0], cells[-1]) for cells in section["tables"][0][1][1])
    assert rows[row["method"]].startswith(number(row["ndcg_do@50"]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a CSV file"),
        ("dose,method,worlds\n1,HCR,5\n", "not the results"),
        ("dose,method,worlds,x,x_low,x_high\n", "not the results"),
        ("dose,method,worlds,x,x_low,x_high\n1,HCR,5,high,0,1\n", "no numbers: x"),
        ("method,worlds,x,x_low,x_high\nHCR,5,1,0,1\n", "not the results"),
        ("dose,method,worlds,x,x_low,x_high\n1,HCR,,1,0,1\n2,HCR,5,1,0,1\n", "gaps in: worlds"),
        ("dose,method,worlds,x,x_low,x_high\n1,,5,1,0,1\n2,HCR,5,1,0,1\n", "gaps in: method"),
        ("dose,method,worlds,x,x_low,x_high\n,HCR,5,1,0,1\n2,HCR,5,1,0,1\n", "gaps in: dose"),
    ],
)
def test_what_is_no_study_is_refused_with_the_next_step(tmp_path, text, message):
    path = tmp_path / "results.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        doses(path, ())
    with pytest.raises(DataError, match="no dose-response study"):
        doses(tmp_path / "none.csv", ())
