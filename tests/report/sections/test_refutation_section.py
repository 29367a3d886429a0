"""A run's refutation stands in the page, and a page without any says nothing of it."""

from __future__ import annotations

import pytest
from support.trained_runs import copied

from graphrec.report.run_page import write_report
from graphrec.system.owned_folder import write_own_json

CHECK = {
    "name": "placebo_modality",
    "expectation": "ranks worse with <b>another</b> picture",
    "figures": [
        {"label": "real - placebo", "value": 0.0123, "low": -0.0045, "high": 0.0301},
        {"label": "deviation", "value": 0.0077, "low": None, "high": None},
    ],
    "passed": False,
    "verdict": "Does not use visual.",
    "settings": {"epochs": 3},
}


@pytest.mark.usefixtures("undrawn")
def test_the_page_shows_each_check_with_its_figures_and_verdict(hcr, tmp_path):
    run = copied(hcr, tmp_path / "run")
    undecided = CHECK | {"name": "own", "figures": [], "passed": None, "settings": {"epochs": None}}
    write_own_json(run.folder / "refutation" / "results.json", {"placebo_modality": CHECK, "own": undecided})
    page = write_report([run], tmp_path / "page.html").read_text()
    assert '<a href="#refutation">' in page
    assert "real - placebo: .0123" in page and "[-.0045, .0301]" in page and "deviation: .0077" in page
    assert "failed: Does not use visual." in page and "no verdict: Does not use visual." in page
    assert "at most 3 epochs a training" in page and "epochs as in the recipe" in page
    assert "&lt;b&gt;another&lt;/b&gt;" in page


@pytest.mark.usefixtures("undrawn")
def test_a_run_that_was_not_tried_has_no_such_section(hcr, tmp_path):
    assert "refutation" not in write_report([hcr], tmp_path / "page.html").read_text().lower()
