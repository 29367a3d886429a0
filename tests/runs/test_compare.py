"""Runs compared: tests of the values of users, and seeds as replicates."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.trained_runs import MakeRecipe, as_of_an_earlier_version, copied

from graphrec.causal import EffectOnMediator, Observational
from graphrec.cli.errors import in_shell
from graphrec.errors import RunError, worded
from graphrec.report.primitives.tables import clear_best
from graphrec.runs.compare import compare, compare_runs, paired_tests
from graphrec.runs.run import Run
from graphrec.runs.train import train


@pytest.fixture
def run_with(tiny_runs: dict[str, Run], tmp_path: Path) -> Callable[..., Run]:
    """A copy of a run with another name and seed, whose NDCG@5 has the values of the argument."""

    def make(name: str, seed: int, values: np.ndarray, dim: int = 16) -> Run:
        folder = copied(tiny_runs["ct"], tmp_path / f"{name}-{seed}").folder
        as_of_an_earlier_version(folder)
        text = (folder / "recipe.toml").read_text()
        text = text.replace('name = "ct"\nseed = 0', f'name = "{name}"\nseed = {seed}')
        (folder / "recipe.toml").write_text(text.replace("embedding_size = 16", f"embedding_size = {dim}"))
        (folder / "metrics.json").write_text("{}")
        run = Run(folder)
        assert (run.name, run.recipe.seed) == (name, seed)
        run.results.add("test", "CT", Observational(), pd.DataFrame({"user": np.arange(len(values)), "ndcg@5": values}))
        return run

    return make


def test_the_table_is_that_of_compare_and_the_tests_are_of_its_rows(run_with: Callable[..., Run]) -> None:
    rng = np.random.default_rng(0)
    base = rng.random(80)
    runs = [
        run_with("a", 0, base),
        run_with("b", 0, base + 0.2),
        run_with("c", 0, base + 0.001 * rng.standard_normal(80)),
    ]
    comparison = compare_runs(runs)
    pd.testing.assert_frame_equal(comparison.table, compare(runs))
    tests = comparison.tests.set_index(["first", "second"])
    assert tests.loc[(0, 1), "difference"] == pytest.approx(-0.2)
    assert tests.loc[(0, 1), "p"] < 0.001 and tests.loc[(0, 2), "p"] > 0.05
    assert clear_best(comparison.table, "ndcg@5", comparison.tests) == 1


def test_users_are_paired_by_their_ids() -> None:
    first = pd.DataFrame({"user": ["a", "b", "c"], "positives": 1, "mrr": [0.1, 0.2, 0.3]})
    other = pd.DataFrame({"user": ["c", "d", "a"], "positives": 1, "mrr": [0.3, 0.9, 0.1]})
    tests = paired_tests({4: [first], 7: [other]})
    assert tests[["first", "second", "users"]].to_numpy().tolist() == [[4, 7, 2]]
    assert tests["difference"][0] == 0 and tests["p"][0] == 1


def test_leakage_is_compared_by_its_distance_from_zero() -> None:
    rng = np.random.default_rng(1)
    near = 0.02 * rng.standard_normal(50)
    tables = [pd.DataFrame({"user": range(50), "leakage_do": values}) for values in (near - 0.3, near[::-1] + 0.3)]
    assert paired_tests(dict(enumerate([table] for table in tables)))["p"][0] > 0.05, "as far off on either side"


def test_runs_that_differ_in_the_seed_alone_are_one_method(run_with: Callable[..., Run]) -> None:
    rng = np.random.default_rng(2)
    base = rng.random(80)
    shifts = {"a": (0.0, 0.001, -0.001), "b": (0.1, -0.09, 0.02)}
    runs = [
        run_with(name, seed, base + s, 16 if name == "a" else 8)
        for name in shifts
        for seed, s in enumerate(shifts[name])
    ]
    comparison = compare_runs(runs, replicates=True)
    assert comparison.table[["run", "seeds", "users"]].to_numpy().tolist() == [["a", 3, 80], ["b", 3, 80]]
    assert comparison.table["ndcg@5"].tolist() == pytest.approx([base.mean(), base.mean() + 0.01])
    (test,) = comparison.tests.to_dict("records")
    assert test["permutation"] < 0.001 and test["p"] == test["crossed"] > 0.05
    wide, narrow = (comparison.table["ndcg@5_high"] - comparison.table["ndcg@5_low"])[[1, 0]]
    assert wide > narrow


def test_the_path_of_the_same_data_does_not_matter_for_a_method(
    run_with: Callable[..., Run], tiny_prepared: Path, tmp_path: Path
) -> None:
    base = np.random.default_rng(5).random(20)
    runs = [run_with("a", seed, base + seed) for seed in (0, 1)]
    moved = Path(shutil.copytree(tiny_prepared, tmp_path / "moved"))
    runs[1] = train(runs[1].recipe.with_data_at(str(moved)), runs[1].folder)
    assert runs[0].recipe.data.path != runs[1].recipe.data.path
    assert compare_runs(runs, replicates=True).table["seeds"].tolist() == [2]
    runs[1].manifest["dataset_fingerprint"] = "of other features in the same split"
    assert compare_runs(runs, replicates=True).table["seeds"].tolist() == [1, 1]


def test_estimands_of_one_training_are_paired_by_seed(run_with: Callable[..., Run]) -> None:
    rng = np.random.default_rng(4)
    base, shifts = rng.random(80), (0.1, -0.09, 0.02)
    runs = [run_with("a", seed, base + shift) for seed, shift in enumerate(shifts)]
    runs += [run_with("b", seed, base + shift + 0.01, 8) for seed, shift in enumerate(shifts)]
    for run, shift in zip(runs, shifts):  # those of a alone
        noisy = base + shift + 0.01 + 0.005 * rng.standard_normal(80)
        table = pd.DataFrame({"user": np.arange(80), "ndcg@5": noisy})
        run.results.add("test", "CT, intervened", EffectOnMediator(), table)
    tests = compare_runs(runs, replicates=True).tests.set_index(["first", "second"])
    assert tests.loc[(0, 1), "p"] < 0.01, "the same difference"
    assert tests.loc[(0, 2), "p"] > 0.5, "of two trainings it could be chance"


def test_methods_with_other_numbers_of_seeds_are_no_replicates(run_with: Callable[..., Run]) -> None:
    values = np.random.default_rng(3).random(10)
    runs = [run_with("a", 0, values), run_with("a", 1, values), run_with("b", 0, values, 8)]
    with pytest.raises(RunError, match="different numbers of seeds") as caught:
        compare_runs(runs, replicates=True)
    assert caught.value.got == "2 of a, 1 of b"
    again = run_with("z", 0, values)
    with pytest.raises(RunError, match="same seed"):
        compare_runs([runs[0], again], replicates=True)


def test_a_run_named_twice_is_refused(own: Callable[[str], Run]) -> None:
    run = own("ct")
    run.evaluate(split="valid")
    with pytest.raises(RunError, match="named twice"):
        compare([run, Run(run.folder)], "valid")


def test_runs_on_the_same_split_are_in_the_same_table(own: Callable[[str], Run]) -> None:
    runs = [own("ct"), own("hcr")]
    tables = [run.evaluate() for run in runs]
    table = compare(runs)
    assert list(table["run"]) == ["ct", *["hcr"] * 4]
    expected = pd.concat(tables, ignore_index=True)
    pd.testing.assert_frame_equal(table.drop(columns="run"), expected)


def test_runs_on_different_splits_are_not_compared(
    own: Callable[[str], Run], tiny_recipe: MakeRecipe, tmp_path: Path
) -> None:
    other = train(tiny_recipe("ct", "split.train=0.6"), tmp_path / "other")
    with pytest.raises(RunError, match="different splits") as caught:
        compare([own("ct"), other])
    assert str(other.folder) in str(caught.value.got)


def test_a_run_that_was_not_evaluated_is_named(own: Callable[[str], Run]) -> None:
    run = own("ct")
    with pytest.raises(RunError, match="not evaluated on valid yet") as caught:
        compare([run], result_set="valid")
    step = caught.value.next_step
    assert worded(step, in_shell) == f"graphrec evaluate {run.folder} --split valid"
    assert str(step) == "`run.evaluate(split='valid')`"
    with pytest.raises(RunError, match="not evaluated yet"):
        _ = run.results["test", "observational"].per_user
