"""The table of a benchmark follows from the values of each user that lie beside it, in the kept results too."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from graphrec.benchmark import run_benchmark
from graphrec.evaluation.metrics import summarise
from graphrec.report.tables import metric_label, metric_names

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "results"
TABLES = sorted(RESULTS.glob("*/exhibits/hcr-table-[23].csv"))
KEPT = sorted(file.parent.name for file in RESULTS.glob("*/per_user.parquet"))


def check(folder: Path) -> pd.DataFrame:
    """Recompute every mean and interval whose values are kept; the values."""
    table = pd.read_csv(folder / "results.csv", keep_default_na=False, na_values=[""])
    table = table.assign(estimand=table["estimand"].fillna("")).set_index(["method", "estimand"])
    values = pd.read_parquet(folder / "per_user.parquet")
    values = values.astype({name: str for name in ("method", "estimand", "part")})
    metrics = [name for name in metric_names(table) if name in values]
    assert any(metric.startswith("ndcg") for metric in metrics)
    found: dict[tuple[str, str], dict[str, dict[str, float]]] = {}
    for (method, estimand, _), part in values.groupby(["method", "estimand", "part"], sort=False):
        seeds = [one for _, one in part.groupby("seed")]
        measured = [metric for metric in metrics if part[metric].notna().any()]
        assert all(one["user"].tolist() == seeds[0]["user"].tolist() for one in seeds)
        found.setdefault((method, estimand), {}).update(summarise(*(one[measured] for one in seeds)))
    assert set(found) == set(table.index), "every row has its values"
    for row, summary in found.items():
        for metric in metrics:
            kept = table.loc[row, [metric, f"{metric}_low", f"{metric}_high"]].tolist()
            again = [summary[metric][key] for key in ("mean", "low", "high")]
            assert again == pytest.approx(kept, rel=1e-5, abs=1e-7), (row, metric)
    return values


@pytest.mark.parametrize("name", KEPT)
def test_a_kept_result_follows_from_its_values(name: str) -> None:
    check(RESULTS / name)
    assert (RESULTS / name / "per_user.parquet").stat().st_size < 1_000_000


@pytest.mark.parametrize(
    "file", sorted(RESULTS.glob("*/exhibits/hcr-table-[23].csv")), ids=lambda f: str(f.parents[1].name)
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
                kept = float(table.loc[method, column + end])
                assert kept == pytest.approx(rows.loc[method, names[column] + end], nan_ok=True), (method, column + end)


def test_a_benchmark_keeps_the_values_behind_its_table(tiny_recipe, tiny_world: Path, tmp_path: Path) -> None:
    recipes = {"ct": tiny_recipe("ct"), "hcr": tiny_recipe("hcr")}
    run_benchmark(recipes, tmp_path, seeds=(0, 3), truth=tiny_world, report=False)
    values = check(tmp_path)
    assert values.dtypes[["ndcg@10", "mrr", "ndcg_do@50"]].tolist() == ["float32"] * 3
    assert "ndcg@20" in values and "hr@20" not in values and "regret_do@50" not in values, "the headlines alone"
    assert set(values["part"]) == {"test", "truth"}
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
