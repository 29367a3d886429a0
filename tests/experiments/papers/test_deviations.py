"""Each experiment says how it departs from its paper's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from graphrec.experiments.benchmark import BenchmarkResult
from graphrec.experiments.benchmark.files import report_on
from graphrec.experiments.papers import CAUSALREC, HCR
from graphrec.experiments.papers.deviations import no_pictures


def test_the_batch_the_tuning_and_the_split_are_told(result: BenchmarkResult, visual: BenchmarkResult) -> None:
    said = HCR.deviations(replace(result, trials=4))
    assert not any(one.startswith("Batches") for one in said), "the fixture trains with the paper's 1,024"
    assert any("the best of 4 trainings at most; the paper searches its whole grid" in one for one in said)
    assert not any(one.startswith("Split") for one in said), "chronological, as the paper"
    said = CAUSALREC.deviations(visual)
    assert "Batches of 1,024 positive pairs; the paper: 100." in said
    assert any("as the recipe has them" in one for one in said)
    assert any("chronological" in one and "does not state its own" in one for one in said)


def test_what_stands_in_for_pictures_is_told_in_every_paper_table(visual: BenchmarkResult) -> None:
    roles = visual.data.roles
    assert roles["textual"] == "exposure" and "visual" in roles
    told = "The files have no pictures. What the paper does with visual features is done here with: textual."
    assert no_pictures(visual) == [told]
    pictured = replace(visual, data=replace(visual.data, roles={**roles, "visual": "exposure"}))
    assert no_pictures(pictured) == []
    made = CAUSALREC.make(visual, "Tiny")
    assert all(told in one.notes for one in made if one.name != "causalrec-table-1")
    assert told in CAUSALREC.deviations(visual)


def test_the_page_has_them(result: BenchmarkResult, tmp_path: Path) -> None:
    for found in result.trained.values():
        for run in found:
            run.evaluate()
    report_on(result, tmp_path, deviations=["Batches of <7> pairs."])
    page = (tmp_path / "report.html").read_text()
    assert "<h3>The experiments</h3>" in page and "<li>Batches of &lt;7&gt; pairs.</li>" in page
