"""Refuting a run: what is written, what is not repeated, what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from support.paths import ROOT

from graphrec.data.split import Split
from graphrec.errors import RecipeError, SplitError, UnknownNameError
from graphrec.refutation import (
    DEFAULT_CHECKS,
    CheckResult,
    RefutationCheck,
    RefutationExperiment,
    refutation_checks,
    refute,
)
from graphrec.refutation.experiment import FEWEST_USERS
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.runs.train import train
from graphrec.system.owned_folder import write_own_text
from graphrec.training.callbacks import Callback
from graphrec.training.loop import Trainer

DOCUMENT, RESULTS = ROOT / "docs" / "refutation.md", ROOT / "benchmarks" / "results" / "refutation"
CHECKS = ("placebo_treatment", "subset_stability")


class Own(RefutationCheck):
    """A custom check."""

    expectation = "is sound"

    def run(self, experiment: RefutationExperiment) -> CheckResult:
        return self.result((), True, "It is.")


def test_results_are_written_check_by_check_and_not_repeated(
    own: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = own("hcr")
    monkeypatch.setattr(Split, "open_test", lambda *a, **k: pytest.fail("the test split was opened"))
    monkeypatch.setattr(refutation_checks.get("subset_stability"), "run", lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        refute(run, checks=CHECKS, seeds=2, epochs=1)
    assert list(run.refutation()) == ["placebo_treatment"]
    monkeypatch.setattr(refutation_checks.get("placebo_treatment"), "run", lambda *a: pytest.fail("done again"))
    monkeypatch.setattr(refutation_checks.get("subset_stability"), "run", Own.run)
    refutation = refute(run, checks=CHECKS, seeds=2, epochs=1)
    assert [check.name for check in refutation.checks] == list(CHECKS)
    text = (run.folder / "refutation" / "refutation.md").read_text()
    for check in refutation.checks:
        assert check.verdict in text and check.expectation in text
        for figure in check.figures:
            assert f"| {figure.label} | {figure} |" in text


def test_other_settings_are_another_result(own: Callable[[str], Run]) -> None:
    run = own("ct")
    trained: list[str] = []

    class Noted(Callback):
        def __init__(self, name: str) -> None:
            self.title = name

        def on_start(self, trainer: Trainer) -> None:
            trained.append(f"{self.title}, {trainer.config.epochs}")

    for epochs in (1, 2, 2):
        refute(run, checks=["placebo_treatment"], epochs=epochs, progress=Noted)
    assert trained == ["training items exchanged, 1", "training items exchanged, 2"]


def test_a_setting_that_a_later_version_adds_repeats_no_check(
    own: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = own("ct")
    refute(run, checks=[f"{__name__}:Own"])
    monkeypatch.setattr(Own, "run", lambda *a: pytest.fail("done again"))
    to_toml = Recipe.to_toml
    monkeypatch.setattr(Recipe, "to_toml", lambda recipe: to_toml(recipe) + "\n[later]\nsetting = 1\n")
    refute(Run(run.folder), checks=[f"{__name__}:Own"])


def test_another_recipe_repeats_the_checks(own: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch) -> None:
    run = own("ct")
    refute(run, checks=[f"{__name__}:Own"])
    path = run.folder / "recipe.toml"
    write_own_text(path, path.read_text().replace("patience = ", "patience = 1"))
    monkeypatch.setattr(Own, "run", lambda check, experiment: check.result((), False, "Done again."))
    assert refute(Run(run.folder), checks=[f"{__name__}:Own"]).checks[0].verdict == "Done again."


def test_a_custom_check_is_named_by_its_import_path(own: Callable[[str], Run]) -> None:
    refutation = refute(own("ct"), checks=[f"{__name__}:Own"])
    assert refutation.checks[0].name == f"{__name__}:Own"
    assert refutation.checks[0].passed is True


def test_each_training_is_announced(own: Callable[[str], Run]) -> None:
    epochs: dict[str, int] = {}

    class Counted(Callback):
        def __init__(self, name: str) -> None:
            self.title = name

        def on_epoch(self, trainer: Trainer) -> None:
            epochs[self.title] = trainer.state.epoch

    refute(own("hcr"), checks=["subset_stability"], seeds=2, epochs=1, progress=Counted)
    assert epochs == {"80% of the clicks, 1 of 2": 1, "80% of the clicks, 2 of 2": 1}


def test_training_from_scratch_removes_the_refutation(own: Callable[[str], Run]) -> None:
    run = own("ct")
    refute(run, checks=["placebo_treatment"], epochs=1)
    assert train(run.recipe, run.folder, resume=False).refutation() == {}


def test_mistakes_are_named(own: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch) -> None:
    run = own("ct")
    with pytest.raises(UnknownNameError, match="did you mean `placebo_modality`"):
        refute(run, checks=["placebo_modalty"])
    with pytest.raises(RecipeError, match="nothing to refute with"):
        refute(run, checks=[])
    with pytest.raises(RecipeError, match="too few seeds"):
        refute(run, seeds=1)
    with pytest.raises(RecipeError, match="too few epochs"):
        refute(run, epochs=0)
    monkeypatch.setattr("graphrec.refutation.experiment.FEWEST_USERS", 10**6)
    with pytest.raises(SplitError, match="too few users"):
        refute(run)
    assert FEWEST_USERS < 10**6 and run.refutation() == {}


def test_the_file_is_json_that_anyone_reads(own: Callable[[str], Run]) -> None:
    run = own("hcr")
    refute(run, checks=["placebo_modality"], epochs=1)
    text = (run.folder / "refutation" / "results.json").read_text()
    assert "NaN" not in text
    entry = json.loads(text)["placebo_modality"]
    assert set(entry) == {"name", "expectation", "figures", "passed", "verdict", "settings"}
    assert entry["settings"]["epochs"] == 1


def test_the_check_in_the_document_runs(
    own: Callable[[str], Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = re.findall(r"```python\n# my_check.py\n(.*?)```", DOCUMENT.read_text(), flags=re.DOTALL)
    (tmp_path / "my_check.py").write_text(block)
    monkeypatch.syspath_prepend(tmp_path)
    (result,) = refute(own("ct"), checks=["my_check:HalfTheClicks"], epochs=1).checks
    assert result.figures[0].label == "NDCG of CT, all - half"
    assert result.verdict in ("Learns from data.", "Half would do.")


def test_the_document_names_every_check() -> None:
    for name in refutation_checks:
        assert f"| `{name}` |" in DOCUMENT.read_text()
    assert set(DEFAULT_CHECKS) == set(refutation_checks)


def test_the_share_that_the_document_names_is_that_of_the_committed_figures() -> None:
    results = pd.read_csv(RESULTS / "results.csv").set_index(["figure", "method"])["shown"]
    section = DOCUMENT.read_text().partition("## What it showed once")[2].partition("##")[0]
    share = results["rise, observational - causal, p = 0.5", "HCR"], results["rise, observational, p = 0.5", "HCR"]
    removed, rise = (float("0" + text.partition(" ")[0]) for text in share)
    assert f"({100 * removed / rise:.1f} % of the rise)".replace("(0.", "(.") in section
