"""run_benchmark: several methods, one table; what failed is told, what is done is not done again."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import graphrec.benchmark
from graphrec.benchmark import run_benchmark
from graphrec.errors import RecipeError
from graphrec.recipe import Recipe


@pytest.fixture
def recipes(tiny_recipe) -> dict[str, Recipe]:
    return {"ct": tiny_recipe("ct"), "hcr": tiny_recipe("hcr")}


def test_the_table_holds_references_methods_and_variants(recipes, tiny_world: Path, tmp_path: Path) -> None:
    result = run_benchmark(recipes, tmp_path, seeds=(0, 1), truth=tiny_world)
    assert list(result.table["method"]) == [
        "popularity (clicks)",
        "oracle: P(like | item)",
        "oracle: P(like | do(item))",
        "CT",
        "HCR",
        "HCR-T",
        "HCR-S1",
        "HCR-S2",
    ]
    best = result.table.set_index("method").loc["oracle: P(like | do(item))"]
    assert best["regret_do@50"] == pytest.approx(0, abs=1e-12)
    assert result.gap is not None and best["ndcg_do@50"] == pytest.approx(result.gap.interventional_ndcg)
    assert {path.name for path in tmp_path.iterdir()} == {
        "runs", "results.csv", "results.md", "results.svg", "significance.csv", "per_user.parquet", "about.json",
        "report.html", "ledger.jsonl",
    }  # fmt: skip
    one, two = (pd.read_parquet(tmp_path / f"runs/ct-{seed}/per_user/test-observational.parquet") for seed in (0, 1))
    row = result.table.set_index("method").loc["CT"]
    assert row["ndcg@20"] == pytest.approx((one["ndcg@20"].mean() + two["ndcg@20"].mean()) / 2)
    tests = pd.read_csv(tmp_path / "significance.csv")
    competitors = {"popularity (clicks)", "CT", "HCR", "HCR-T", "HCR-S1", "HCR-S2"}
    for metric in ("ndcg@20", "regret_do@50"):
        found = tests[tests["metric"] == metric]
        assert {*found["first"], *found["second"]} == competitors, "oracles compete with none"
        assert len(found) == 15 and found["seeds"].notna().all()
    between = tests[(tests["first"] == "CT") & (tests["second"] == "HCR") & (tests["metric"] == "ndcg@20")].iloc[0]
    table = result.table.set_index("method")["ndcg@20"]
    assert between["difference"] == pytest.approx(table["CT"] - table["HCR"])


def test_nothing_written_names_a_path(recipes, tmp_path: Path) -> None:
    run_benchmark({"ct": recipes["ct"]}, tmp_path)
    for name in ("results.csv", "results.md", "results.svg", "significance.csv", "about.json"):
        assert str(tmp_path) not in (tmp_path / name).read_text()


def test_a_failed_method_is_told_and_the_others_go_on(recipes, tmp_path: Path, monkeypatch) -> None:
    train = graphrec.benchmark.train

    def fails_for_ct(recipe: Recipe, *args, **kwargs):
        if recipe.name == "ct":
            raise RecipeError("this one fails")
        return train(recipe, *args, **kwargs)

    monkeypatch.setattr(graphrec.benchmark, "train", fails_for_ct)
    result = run_benchmark(recipes, tmp_path)
    assert "this one fails" in result.failed["ct"]
    assert "HCR" in set(result.table["method"]) and "CT" not in set(result.table["method"])
    assert "this one fails" in json.loads((tmp_path / "about.json").read_text())["failed"]["ct"]


def test_what_is_there_is_not_done_again(recipes, tmp_path: Path, monkeypatch) -> None:
    first = run_benchmark({"ct": recipes["ct"]}, tmp_path)
    ledger = tmp_path / "runs/ct-0/ledger.jsonl"
    opened = ledger.read_text()
    monkeypatch.setattr("graphrec.training.loop.Trainer.run", pytest.fail)
    second = run_benchmark({"ct": recipes["ct"]}, tmp_path)
    pd.testing.assert_frame_equal(first.table, second.table)
    assert ledger.read_text() == opened
