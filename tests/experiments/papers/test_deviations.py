"""Each experiment says how it departs from its paper's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from graphrec.experiments.benchmark import BenchmarkResult
from graphrec.experiments.benchmark.files import report_on
from graphrec.experiments.papers import CAUSALREC, HCR
from graphrec.experiments.papers.deviations import no_pictures


def test_the_batch_the_tuning_and_the_split_are_stated(result: BenchmarkResult, visual: BenchmarkResult) -> None:
    sentences = HCR.deviations(replace(result, trials=4))
    assert not any(sentence.startswith("Batches") for sentence in sentences), (
        "the fixture trains with the paper's 1,024"
    )
    assert any(
        "the best of 4 trainings at most; the paper searches its whole grid" in sentence for sentence in sentences
    )
    assert not any(sentence.startswith("Split") for sentence in sentences), "chronological, as the paper"
    sentences = CAUSALREC.deviations(visual)
    assert "Batches of 1,024 positive pairs; the paper: 100." in sentences
    assert any("as the recipe has them" in sentence for sentence in sentences)
    assert any("chronological" in sentence and "does not state its own" in sentence for sentence in sentences)


def test_what_stands_in_for_pictures_is_stated_in_every_paper_table(visual: BenchmarkResult) -> None:
    roles = visual.data.roles
    assert roles["textual"] == "exposure" and "visual" in roles
    sentence = "The files have no pictures. What the paper does with visual features is done here with: textual."
    assert no_pictures(visual) == [sentence]
    pictured = replace(visual, data=replace(visual.data, roles={**roles, "visual": "exposure"}))
    assert no_pictures(pictured) == []
    made = CAUSALREC.make(visual, "Tiny")
    assert all(sentence in paper_table.notes for paper_table in made if paper_table.name != "causalrec-table-1")
    assert sentence in CAUSALREC.deviations(visual)


def test_the_page_has_them(result: BenchmarkResult, tmp_path: Path) -> None:
    for runs in result.trained.values():
        for run in runs:
            run.evaluate()
    report_on(result, tmp_path, deviations=["Batches of <7> pairs."])
    page = (tmp_path / "report.html").read_text()
    assert "<h3>The experiments</h3>" in page and "<li>Batches of &lt;7&gt; pairs.</li>" in page
