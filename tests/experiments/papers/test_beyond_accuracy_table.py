"""The table of what lists are made of, on a whole small benchmark, whose tables its own are held to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from graphrec.errors import DataError
from graphrec.experiments.benchmark import BenchmarkResult, run_benchmark
from graphrec.experiments.papers.beyond_accuracy import list_contents
from graphrec.experiments.papers.hcr_tables import hcr_table_2, hcr_table_3
from graphrec.runs import analyses
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run


@pytest.fixture(scope="module")
def two(tiny_recipe: Callable[..., Recipe], tmp_path_factory: pytest.TempPathFactory) -> BenchmarkResult:
    """CT and HCR, two seeds each; CR failed."""
    recipes = {"CT": tiny_recipe("ct"), "HCR": tiny_recipe("hcr")}
    folder = tmp_path_factory.mktemp("two")
    return run_benchmark(recipes, folder, seeds=(0, 1), report=False, failed={"CR": "no title; got none"})


def test_a_row_is_a_method_and_estimand_with_the_means_of_its_seeds(two: BenchmarkResult) -> None:
    paper_table = list_contents(two, "Tiny")
    table = paper_table.table.set_index("Method")
    assert list(table.index) == ["CT", "HCR", "HCR-T", "HCR-S1", "HCR-S2", "CR"]
    shown = ["Coverage", "Popularity", "Intra-list similarity textual", "Intra-list similarity visual"]
    assert paper_table.rows()[0][:3] == ["Method", *shown[:2]] and set(shown) <= set(paper_table.rows()[0])
    assert paper_table.caption.startswith("The 20 best"), "50 items are longer than the recipe's lists"
    own = [analyses.of_lists(run).set_index("method") for run in two.trained["HCR"]]
    for name in ("HCR", "HCR-S1"):
        similarity = ("intra_list_similarity_textual", "intra_list_similarity_visual")
        for column, metric in zip(shown, ("coverage", "popularity", *similarity)):
            means = [seed_table.loc[name, f"{metric}@20"] for seed_table in own]
            assert table.loc[name, column] == pytest.approx(sum(means) / 2)
    assert table.loc["HCR", "Popularity_low"] < table.loc["HCR", "Popularity"]
    assert str(table.loc["HCR", "Coverage_low"]) == "nan"
    assert table.loc["CR", "Coverage"] == "failed: no title" and "CR failed: no title; got none" in paper_table.notes


def test_a_method_whose_lists_cannot_be_made_fails_alone(two: BenchmarkResult, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(run: Run, *what: object) -> None:
        if run.name == "HCR":
            raise DataError("the scores are not numbers", got="NaN")

    monkeypatch.setattr("graphrec.experiments.papers.beyond_accuracy.evaluate_missing", broken)
    paper_table = list_contents(two, "Tiny")
    table = paper_table.table.set_index("Method")
    assert table.loc["CT", "Coverage"] > 0
    assert (table.loc[["HCR", "HCR-S1"], "Coverage"] == "failed: the scores are not numbers").all()
    assert "HCR-S1 failed: the scores are not numbers; got NaN" in paper_table.notes


def test_a_papers_tables_have_the_benchmarks_numbers(two: BenchmarkResult) -> None:
    rows = two.table.set_index("method")
    for paper_table in (hcr_table_2(two, "Tiny", (10, 20)), hcr_table_3(two, "Tiny", (10, 20))):
        table = paper_table.table.set_index("Method")
        for name in set(table.index) & set(rows.index):
            for column, metric in (("Recall@20", "recall@20"), ("NDCG@10", "ndcg@10")):
                for end in ("", "_low", "_high"):
                    assert table.loc[name, column + end] == rows.loc[name, metric + end]
