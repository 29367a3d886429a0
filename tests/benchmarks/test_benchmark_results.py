"""The table of a benchmark follows from the values of each user that lie beside it, in the kept results too."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from support.paths import ROOT
from support.per_user_values import check

from graphrec.backbones import backbones
from graphrec.experiments.benchmark import run_benchmark
from graphrec.report.primitives.tables import metric_label, metric_names, number
from graphrec.runs.recipe import Recipe

RESULTS = ROOT / "benchmarks" / "results"
QUICKEST = "alibaba"
"""The benchmark whose results are recomputed soonest; the others are marked slow."""
KEPT = sorted(file.parent.name for file in RESULTS.glob("*/per_user.parquet"))


@pytest.mark.parametrize(
    "name", [name if name == QUICKEST else pytest.param(name, marks=pytest.mark.slow) for name in KEPT]
)
def test_a_kept_result_follows_from_its_values(name: str) -> None:
    check(RESULTS / name)
    assert (RESULTS / name / "per_user.parquet").stat().st_size < 1_000_000


@pytest.mark.parametrize(
    "file", sorted(RESULTS.glob("*/paper_tables/hcr-table-[23].csv")), ids=lambda f: str(f.parents[1].name)
)
def test_a_kept_table_of_hcrs_has_the_numbers_of_its_results(file: Path) -> None:
    rows = pd.read_csv(file.parents[1] / "results.csv").set_index("method")
    table = pd.read_csv(file).set_index("Method")
    names = {metric_label(metric): metric for metric in metric_names(rows.reset_index())}
    shown = [column for column in table if column in names]
    assert "NDCG@50" in shown
    for method in set(table.index) & set(rows.index):
        for column in shown:
            for end in ("", "_low", "_high"):
                value = float(table.loc[method, column + end])
                assert value == pytest.approx(rows.loc[method, names[column] + end], nan_ok=True), (
                    method,
                    column + end,
                )


def test_a_benchmark_keeps_the_values_behind_its_table(tiny_recipe, tiny_world: Path, tmp_path: Path) -> None:
    recipes = {"ct": tiny_recipe("ct"), "hcr": tiny_recipe("hcr")}
    run_benchmark(recipes, tmp_path, seeds=(0, 3), truth=tiny_world, report=False)
    values = check(tmp_path)
    assert values.dtypes[["ndcg@10", "mrr", "ndcg_do@50"]].tolist() == ["float32"] * 3
    assert "ndcg@20" in values and "hr@20" not in values and "regret_do@50" not in values, "the headlines alone"
    assert set(values["result_set"]) == {"test", "truth"}
    seeds = values.groupby("method")["seed"].unique().map(list).to_dict()
    assert seeds["HCR-T"] == [0, 3] and seeds["popularity (clicks)"] == [0], "popularity has no seed"
    assert values["user"].ne(values["user"].shift()).sum() == values["user"].nunique(), "a user's stand together"
    assert values["user"].str.fullmatch(r"\d+").all(), "by the ids of the data"


def test_values_that_are_not_those_of_the_table_are_noticed(tiny_recipe, tmp_path: Path) -> None:
    run_benchmark({"ct": tiny_recipe("ct")}, tmp_path, report=False)
    values = pd.read_parquet(tmp_path / "per_user.parquet")
    values["mrr"] = values["mrr"].sample(frac=1, random_state=0).to_numpy()
    values.to_parquet(tmp_path / "per_user.parquet")
    with pytest.raises(AssertionError, match="mrr"):
        check(tmp_path)


@pytest.mark.parametrize("folder", sorted(RESULTS.glob("backbones-*")), ids=lambda folder: folder.name)
def test_a_kept_table_of_backbones_has_them_all_tuned_alike(folder: Path) -> None:
    table, trials = pd.read_csv(folder / "results.csv"), pd.read_csv(folder / "trials.csv")
    for decoder in ("ct", "hcr"):
        assert set(table.loc[table["decoder"] == decoder, "method"]) == set(backbones)
    assert trials.groupby(["backbone", "decoder"]).size().nunique() == 1, "as many trainings for each"
    settings = ["training.learning_rate", "training.weight_decay"]
    tried = trials.groupby(["backbone", "decoder"])[settings].apply(lambda cell: sorted(map(tuple, cell.to_numpy())))
    assert all(cell == tried.iloc[0] for cell in tried)


def test_the_further_trainings_on_tiktok_are_recipes_and_have_the_figures_told() -> None:
    further = pd.read_csv(RESULTS / "backbones-tiktok" / "further.csv")
    recipe = RESULTS.parent / "recipes" / "backbones-tiktok.toml"
    names = [Recipe.from_toml(recipe, settings.split()).backbone["name"] for settings in further["settings"]]
    told = (RESULTS / "README.md").read_text(encoding="utf-8")
    assert f"has {len(further)} more trainings" in told
    for name, ones in further.groupby(names):
        evaluated = ones.dropna(subset="test_recall@20")
        first = ones[ones["seed"] == 0]
        best = first.loc[first["valid_recall@20"].idxmax(), "settings"]
        every = name == "lightgcn"  # a sweep of the layers, nothing chosen
        assert set(evaluated["settings"]) == (set(ones["settings"]) if every else {best}), "chosen on validation"
        for settings, seeds in evaluated.groupby("settings"):
            assert sorted(seeds["seed"]) == [0, 1, 2]
            mean = number(seeds["test_recall@20"].mean())
            assert re.search(rf"\| `{name}` \|.*\| {re.escape(mean)}[ |]", told), settings
