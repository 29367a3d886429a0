"""The dose-response study: worlds along a parameter, evaluated by the truth, resumable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import graphrec.experiments.dose_response as dose_response
from graphrec.errors import MismatchError
from graphrec.experiments.dose_response import (
    INTERVENTIONAL,
    METRICS,
    OBSERVATIONAL,
    DoseResponseStudy,
    over_seeds,
    run_study,
    study_markdown,
)
from graphrec.report.dose_response_figure import write_dose_response_figure
from graphrec.runs.recipe import Recipe


@pytest.fixture(scope="module")
def study(tiny_recipe: Callable[..., Recipe], tmp_path_factory: pytest.TempPathFactory) -> DoseResponseStudy:
    recipe = tmp_path_factory.mktemp("study") / "recipe.toml"
    recipe.write_text(tiny_recipe("ct").to_toml(), encoding="utf-8")
    return DoseResponseStudy(
        parameter="strength",
        values=(0.0, 8.0),
        recipe=recipe,
        methods={
            "CT": ("decoder.name=ct",),
            "HCR": ("decoder.name=hcr",),
            "HCR-NS": ("decoder.name=hcr", "decoder.share_embeddings=false"),
            "broken": ("decoder.name=deepstyle",),
        },
        world={"users": 40, "items": 90, "shown": 30},
    )


@pytest.fixture(scope="module")
def folder(study: DoseResponseStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    run_study(study, out, (0, 1))
    return out


def test_every_method_is_evaluated_in_every_world(folder: Path) -> None:
    worlds = pd.read_csv(folder / "worlds.csv")
    expected = {"popularity (clicks)", OBSERVATIONAL, INTERVENTIONAL, "CT"}
    expected |= {"HCR", "HCR-T", "HCR-S1", "HCR-S2", "HCR-NS"}
    for (_, _), world in worlds.groupby(["dose", "seed"]):
        assert set(world["method"]) == expected, "of another setting of a decoder its first estimand alone"
        assert len(world) == len(expected)
    assert set(zip(worlds["dose"], worlds["seed"])) == {(0, 0), (0, 1), (8, 0), (8, 1)}


def test_stronger_confounding_opens_the_gap_between_the_oracles(folder: Path) -> None:
    means = pd.read_csv(folder / "results.csv").set_index(["method", "dose"])["regret_do@50"]
    assert means[INTERVENTIONAL, 0] == means[INTERVENTIONAL, 8] == 0
    assert means[OBSERVATIONAL, 0] == pytest.approx(0)
    assert means[OBSERVATIONAL, 8] > 0


def test_a_method_that_cannot_work_is_said_and_left_out(
    study: DoseResponseStudy, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = run_study(DoseResponseStudy(**{**vars(study), "values": (0.0,)}), tmp_path, (0,))
    assert "broken failed at strength 0, seed 0" in caplog.text
    assert "broken" not in set(table["method"])
    assert table[[f"{metric}_low" for metric in METRICS]].isna().all(axis=None), "one world has no interval"


def test_the_same_call_again_trains_nothing(
    study: DoseResponseStudy, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (folder / "worlds.csv").read_text()
    stamps = {path: path.stat().st_mtime_ns for path in folder.rglob("weights.safetensors")}
    monkeypatch.setattr(dose_response, "evaluate_by_truth", None)
    run_study(study, folder, (0, 1))
    assert (folder / "worlds.csv").read_text() == before
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("weights.safetensors")} == stamps


def test_a_changed_recipe_is_refused_and_leaves_the_results_alone(
    study: DoseResponseStudy, folder: Path, tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    changed = tmp_path / "recipe.toml"
    changed.write_text(study.recipe.read_text(encoding="utf-8").replace("learning_rate = ", "learning_rate = 1"))
    with pytest.raises(MismatchError, match="another recipe"):
        run_study(replace(study, recipe=changed), folder, (0, 1))
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_the_interval_is_students_over_worlds() -> None:
    values = np.array([0.2, 0.3, 0.5])
    worlds = pd.DataFrame({"dose": 1.0, "method": "A", "seed": range(3)} | {metric: values for metric in METRICS})
    row = over_seeds(worlds).iloc[0]
    low, high = stats.t.interval(0.95, 2, values.mean(), stats.sem(values))
    assert row["worlds"] == 3
    for metric in METRICS:
        assert (row[metric], row[f"{metric}_low"], row[f"{metric}_high"]) == pytest.approx((values.mean(), low, high))


def test_the_table_and_the_picture_show_every_method_and_dose(folder: Path, tmp_path: Path) -> None:
    table = pd.read_csv(folder / "results.csv")
    text = study_markdown(table, "strength")
    assert text.count("| HCR |") == len(METRICS)
    assert "| method | strength 0 | strength 8 |" in text
    assert "lost by the observational oracle" in text
    write_dose_response_figure(table, (INTERVENTIONAL, "CT", "HCR"), METRICS, "strength", tmp_path / "figure.svg")
    drawn = (tmp_path / "figure.svg").read_text()
    assert drawn.startswith("<svg") and "HCR" in drawn and "Leakage (do)" in drawn
