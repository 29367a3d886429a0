"""run_benchmark: several methods, one table; a failure is reported, and a finished run is not trained again."""

from __future__ import annotations

import gc
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import graphrec.experiments.benchmark.run
from graphrec.data.store import load, save
from graphrec.errors import RecipeError, RunError
from graphrec.evaluation.crossed import error_of_difference
from graphrec.experiments.benchmark import run_benchmark, titled
from graphrec.recommender import FrozenModel
from graphrec.report.compared_methods import compare_methods
from graphrec.report.primitives.tables import number
from graphrec.report.trained_method import methods_of
from graphrec.runs.recipe import Recipe
from graphrec.runs.train import train
from graphrec.system.owned_folder import write_own_json


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
    evaluated = pd.read_parquet(tmp_path / "per_user.parquet").query(
        "result_set == 'truth' and method == 'CT' and seed == 0"
    )
    liking, everybody = evaluated["ndcg_do@50"].notna().sum(), len(evaluated)
    assert liking < everybody, "else the line is another"
    over = f"NDCG (do) is over the {liking} users with a drawn like, the other (do) columns over all {everybody}."
    assert over in (tmp_path / "results.md").read_text()
    first_seed, second_seed = (
        pd.read_parquet(tmp_path / f"runs/ct-{seed}/per_user/test-observational.parquet") for seed in (0, 1)
    )
    row = result.table.set_index("method").loc["CT"]
    assert row["ndcg@20"] == pytest.approx((first_seed["ndcg@20"].mean() + second_seed["ndcg@20"].mean()) / 2)
    tests = pd.read_csv(tmp_path / "significance.csv")
    competitors = {"popularity (clicks)", "CT", "HCR", "HCR-T", "HCR-S1", "HCR-S2"}
    for metric in ("ndcg@20", "regret_do@50"):
        pairs = tests[tests["metric"] == metric]
        assert {*pairs["first"], *pairs["second"]} == competitors, "oracles compete with none"
        assert len(pairs) == 15 and pairs["crossed"].notna().all()
    values = [
        np.stack([run.results["test", estimand].per_user["ndcg@20"].to_numpy() for run in result.trained["hcr"]])
        for estimand in ("front_door", "observational")
    ]
    paired = error_of_difference(*values, paired=True).p(values[0].mean() - values[1].mean())
    of_hcr = tests[(tests["first"] == "HCR") & (tests["second"] == "HCR-T") & (tests["metric"] == "ndcg@20")]
    assert of_hcr["crossed"].item() == pytest.approx(paired), "estimands of one training are paired by seed"
    between = tests[(tests["first"] == "CT") & (tests["second"] == "HCR") & (tests["metric"] == "ndcg@20")].iloc[0]
    table = result.table.set_index("method")["ndcg@20"]
    assert between["difference"] == pytest.approx(table["CT"] - table["HCR"])


def test_the_page_ranks_what_the_table_ranks_by_the_same_tests(recipes, tiny_world: Path, tmp_path: Path) -> None:
    result = run_benchmark(recipes, tmp_path, seeds=(0, 1), truth=tiny_world)
    methods = methods_of(list(result.trained.values()), result.compared)
    both = []
    for result_set in ("test", "truth"):
        comparison = compare_methods(methods, result_set, result.baselines)
        assert comparison.table["row"].tolist() == result.table["method"].tolist()
        both.append(comparison.tests)
    pd.testing.assert_frame_equal(pd.concat(both, ignore_index=True), result.tests)
    words = " ".join(re.sub(r"<[^>]+>", " ", (tmp_path / "report.html").read_text()).split())
    ranked = words[words.index("Evaluated by the interventional truth") :]
    assert re.search(r"\S+ has, oracles aside, the highest NDCG@50 \(do\)", ranked)
    assert "popularity (clicks) clicks of the training split" in ranked


def test_nothing_written_names_a_path(recipes, tmp_path: Path) -> None:
    run_benchmark({"ct": recipes["ct"]}, tmp_path)
    for name in ("results.csv", "results.md", "results.svg", "significance.csv", "about.json"):
        assert str(tmp_path) not in (tmp_path / name).read_text()


def test_a_failed_method_is_reported_and_the_others_continue(recipes, tmp_path: Path, monkeypatch) -> None:
    train = graphrec.experiments.benchmark.run.train

    def fails_for_ct(recipe: Recipe, *args, **kwargs):
        if recipe.name == "ct":
            raise RecipeError("this one fails")
        return train(recipe, *args, **kwargs)

    monkeypatch.setattr(graphrec.experiments.benchmark.run, "train", fails_for_ct)
    result = run_benchmark(recipes, tmp_path)
    assert "this one fails" in result.failed["ct"]
    assert "HCR" in set(result.table["method"]) and "CT" not in set(result.table["method"])
    assert "this one fails" in json.loads((tmp_path / "about.json").read_text())["failed"]["ct"]


def test_methods_on_different_splits_are_refused_before_anything_is_written(
    recipes, tiny_recipe, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match="different splits"):
        run_benchmark({"ct": recipes["ct"], "hcr": tiny_recipe("hcr", "split.train=0.6")}, tmp_path)
    assert files(tmp_path) == {}


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_results_are_kept_where_a_method_behind_them_no_longer_fits(
    recipes, tiny_recipe, tiny_prepared: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run_benchmark(recipes, out)
    before = files(out)
    changed = {"ct": recipes["ct"], "hcr": tiny_recipe("hcr", "training.epochs=1")}
    with pytest.raises(RunError, match=r"the results here have hcr[\s\S]*another recipe[\s\S]*choose another `out`"):
        run_benchmark(changed, out)
    dataset = load(tiny_prepared)
    dataset.features["visual"].values[0] += 1
    save(dataset, tmp_path / "other")
    with pytest.raises(RunError, match="on other data"):
        run_benchmark({name: recipe.with_data_at(str(tmp_path / "other")) for name, recipe in recipes.items()}, out)
    assert files(out) == before


def test_results_are_never_replaced_by_those_of_fewer_seeds(recipes, tmp_path: Path) -> None:
    ct_recipe = {"ct": recipes["ct"]}
    run_benchmark(ct_recipe, tmp_path, seeds=(0, 1), report=False, command="do all of it")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(RunError, match="of seeds that are not asked for"):
        run_benchmark(ct_recipe, tmp_path, seeds=(0,), report=False)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert json.loads((tmp_path / "about.json").read_text())["command"] == "do all of it"
    assert (tmp_path / "results.md").read_text().endswith(" By `do all of it`.\n")
    run_benchmark(ct_recipe, tmp_path, seeds=(0, 1, 2), report=False)
    assert len(pd.read_parquet(tmp_path / "per_user.parquet")["seed"].unique()) == 3


def test_a_method_without_results_may_fail_next_to_those_that_have_some(recipes, tiny_recipe, tmp_path: Path) -> None:
    run_benchmark({"ct": recipes["ct"]}, tmp_path, report=False)
    train(recipes["hcr"].model_copy(update={"name": "hcr"}), tmp_path / "runs" / "hcr-0")
    changed = {"ct": recipes["ct"], "hcr": tiny_recipe("hcr", "training.epochs=1")}
    result = run_benchmark(changed, tmp_path, report=False)
    assert "another recipe" in result.failed["hcr"] and "CT" in set(result.table["method"])


def test_runs_of_other_code_are_reported_once(recipes, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run_benchmark(recipes, tmp_path, seeds=(0, 1), report=False)
    assert "other code" not in caplog.text
    for manifest in (tmp_path / "runs").glob("*/run.json"):
        content = json.loads(manifest.read_text())
        content["environment"] |= {"graphrec": "0.0.1", "torch": "1.9", "source": "0123456789ab"}
        write_own_json(manifest, content)
    run_benchmark(recipes, tmp_path, seeds=(0, 1), report=False)
    warnings = [record for record in caplog.records if "other code" in record.message]
    assert [record.levelname for record in warnings] == ["WARNING"]
    assert warnings[0].message.startswith("4 of 4 runs were made with other code (graphrec 0.0.1")
    assert "a new folder" in warnings[0].message
    last = (tmp_path / "results.md").read_text().splitlines()[-1]
    assert last == "tiktok (simulated); seeds 0, 1. Made with graphrec 0.0.1 (source 0123456789ab), torch 1.9."
    about = json.loads((tmp_path / "about.json").read_text())["runs"]["ct-0"]["environment"]
    assert about["torch"] == "1.9" and {"processor", "cores", "memory", "pandas"} <= set(about)


@pytest.mark.parametrize(
    ("simulated", "title", "shown"),
    [(True, "Tiktok", "Tiktok (simulated)"), (True, "A (simulated)", "A (simulated)"), (False, "Tiktok", "Tiktok")],
)
def test_simulated_data_is_called_so(tiny_prepared: Path, simulated: bool, title: str, shown: str) -> None:
    dataset = load(tiny_prepared)
    if not simulated:
        dataset = replace(dataset, provenance={"source": "tiktok"})
    assert titled(title, dataset) == shown


def test_what_is_there_is_not_done_again(recipes, tmp_path: Path, monkeypatch) -> None:
    first = run_benchmark({"ct": recipes["ct"]}, tmp_path)
    ledger = tmp_path / "runs/ct-0/ledger.jsonl"
    opened = ledger.read_text()
    monkeypatch.setattr("graphrec.training.loop.Trainer.run", pytest.fail)
    second = run_benchmark({"ct": recipes["ct"]}, tmp_path)
    pd.testing.assert_frame_equal(first.table, second.table)
    assert ledger.read_text() == opened


@pytest.mark.parametrize("strength", [0.0, 0.4])
def test_a_tuned_strength_leaves_the_method_its_name_and_its_variants(
    strength: float, tiny_recipe, tmp_path: Path
) -> None:
    chosen = f"total_indirect_effect:strength={strength:g}"
    settings = (f'evaluation.estimands=["{chosen}", "observational"]', "backbone.name=mf", "training.epochs=1")
    recipes = {
        "CausalRec": tiny_recipe("causalrec", *settings),
        "CausalRec-M": tiny_recipe("causalrec", *settings, "decoder.multitask=false"),
    }
    result = run_benchmark(recipes, tmp_path, trials=10, report=False)
    rows = result.table.set_index("method")["estimand"]
    assert rows.to_dict() == {
        "popularity (clicks)": "",
        "CausalRec": chosen,
        "CausalRec w/o CI": "observational",
        "CausalRec-M": chosen,
    }
    text = (tmp_path / "results.md").read_text()
    assert f"- Scored under `{chosen}`, chosen on the validation split: CausalRec, CausalRec-M." in text


def test_a_report_of_several_seeds_has_the_means_of_the_table(recipes, tmp_path: Path) -> None:
    result = run_benchmark(recipes, tmp_path, seeds=(0, 1))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    means = result.table.set_index("method")["ndcg@20"].drop("popularity (clicks)")
    assert len(means) == 5
    for mean in means:
        assert number(mean) in page
    first = result.trained["ct"][0].results["test", "observational"].metrics["ndcg@20"]["mean"]
    assert number(first) not in page, "one seed's mean is shown nowhere"


def test_no_trained_model_stays_in_memory(recipes, tiny_world: Path, tmp_path: Path) -> None:
    def alive() -> int:
        gc.collect()
        return sum(type(instance) is FrozenModel for instance in gc.get_objects())

    before = alive()
    result = run_benchmark(recipes, tmp_path, seeds=(0, 1), truth=tiny_world, report=False)
    assert len(result.trained["hcr"]) == 2 and alive() == before
