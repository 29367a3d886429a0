"""A paper's experiments as a whole: the methods are tuned alike, a second call resumes, and failures are reported."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from support.paths import ROOT

from graphrec.data.prepare import prepare
from graphrec.data.store import load
from graphrec.errors import RunError
from graphrec.experiments.benchmark import BenchmarkResult
from graphrec.experiments.papers import CAUSALREC, HCR, Mode, Paper, reproduce
from graphrec.experiments.papers.hcr_tables import hcr_table_2
from graphrec.experiments.papers.methods import HCR_NS, Method, chosen, with_beta
from graphrec.experiments.papers.reproduce import _recipes
from graphrec.experiments.papers.scored import Scored
from graphrec.experiments.papers.statistics import hcr_table_1
from graphrec.runs.recipe import Recipe
from graphrec.runs.train import train
from graphrec.simulation import simulate

RECIPES = ROOT / "benchmarks" / "recipes"

METHODS = (
    Method("CT", ("decoder.name=ct",)),
    Method("CR", ("decoder.name=cr", "data.modalities=['visual']")),
    Method("HCR", ("decoder.name=hcr",)),
    HCR_NS,
    Method("DCF", ("decoder.name=dcf", "decoder.no_such_key=1")),
    Method("Multi-DR", ("decoder.name=multi_dr",), core=False),
)
TINY = Paper(
    "HCR", METHODS, {"hcr-table-1": hcr_table_1, "hcr-table-2": lambda result, title: hcr_table_2(result, title, (20,))}
)
BUG = Paper("HCR", (Method("ESMM", ("decoder.name=esmm",)), METHODS[0]), {"hcr-table-1": hcr_table_1})
FULL = Mode("full", every=False, seeds=2, trials=1)


@pytest.mark.slow
def test_all_is_made_and_what_fails_is_reported(
    tiny_recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported = []
    monkeypatch.setattr(
        "graphrec.experiments.benchmark.files.write_report", lambda *args, **options: reported.append(options)
    )
    base = tiny_recipe("hcr", "backbone.name=mf", "backbone.embedding_size=8", "training.epochs=1")
    done = reproduce(TINY, base, tmp_path, FULL, title="Tiny")
    assert set(done.result.trained) == {"CT", "HCR", "HCR-NS"} and set(done.result.failed) == {"CR", "DCF"}
    assert [run.recipe.seed for run in done.result.trained["HCR-NS"]] == [0, 1]
    assert not done.result.trained["HCR-NS"][0].recipe.decoder["share_embeddings"]
    assert sorted(path.name for path in (tmp_path / "tuning").iterdir() if (path / "best.toml").is_file()) == [
        "CT", "HCR",
    ]  # fmt: skip
    shown = pd.read_csv(tmp_path / "paper_tables" / "hcr-table-2.csv").set_index("Method")["NDCG@20"]
    assert shown["DCF"].startswith("failed: ") and "no_such_key" in shown["DCF"]
    assert shown["CR"].startswith("failed: ") and shown["Multi-DR"] == "not run"
    assert "as in significance.csv)" in (tmp_path / "paper_tables" / "hcr-table-2.md").read_text(), (
        "its rows are all there"
    )
    rows = pd.read_csv(tmp_path / "results.csv")["method"].tolist()
    assert rows.count("HCR") == 1 and "HCR-NS" in rows and "HCR-S2" in rows
    about = json.loads((tmp_path / "about.json").read_text())
    assert "no_such_key" in about["failed"]["DCF"] and about["trials"] == 1
    assert [paper_table.name for paper_table in reported[0]["paper_tables"]] == list(TINY.paper_tables)
    assert reported[0]["failed"] == done.result.failed

    before = {path: path.read_bytes() for path in (tmp_path / "paper_tables").iterdir()}
    results = (tmp_path / "results.csv").read_bytes()
    monkeypatch.setattr("graphrec.training.loop.Trainer.run", pytest.fail)
    reproduce(TINY, base, tmp_path, FULL, title="Tiny")
    assert {path: path.read_bytes() for path in (tmp_path / "paper_tables").iterdir()} == before
    assert (tmp_path / "results.csv").read_bytes() == results


def test_an_ablation_that_tuning_has_chosen_anyway_is_not_trained_again(
    tiny_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    base = tiny_recipe("hcr", "decoder.beta=3")
    methods = (METHODS[2], *(with_beta(beta) for beta in (1, 3)))
    recipes, failed = _recipes(methods, base, tmp_path, Mode("quick", every=True, seeds=1, trials=0))
    assert list(recipes) == ["HCR", "HCR beta 1"] and not failed


def test_a_bug_in_one_method_does_not_stop_the_others(
    tiny_recipe: Callable[..., Recipe],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("graphrec.decoders.esmm.ESMM.objectives", lambda self: 1 / 0)
    base = tiny_recipe("hcr", "backbone.name=mf", "backbone.embedding_size=8", "training.epochs=1")
    done = reproduce(BUG, base, tmp_path, Mode("quick", every=False, seeds=1, trials=0), title="Tiny")
    assert "ZeroDivisionError" in done.result.failed["ESMM"] and "CT" in done.result.trained
    assert "Traceback" in caplog.text


def test_a_bug_in_the_tuning_of_one_method_does_not_stop_the_others(
    tiny_recipe: Callable[..., Recipe],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    base = tiny_recipe("hcr", "backbone.name=mf", "backbone.embedding_size=8", "training.epochs=1")
    monkeypatch.setattr("graphrec.experiments.benchmark.files.write_report", lambda *_, **__: None)
    with monkeypatch.context() as broken:
        broken.setattr("graphrec.decoders.esmm.ESMM.objectives", lambda self: 1 / 0)
        done = reproduce(BUG, base, tmp_path, Mode("full", every=True, seeds=1, trials=1), title="Tiny")
    assert done.result.failed == {"ESMM": "ZeroDivisionError: division by zero"} and "CT" in done.result.trained
    assert "Traceback" in caplog.text
    again = reproduce(BUG, base, tmp_path, Mode("full", every=True, seeds=1, trials=1), title="Tiny")
    assert set(again.result.trained) == {"ESMM", "CT"}, "once the bug is fixed the method is tried again"


def test_an_interruption_stops_all(
    tiny_recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press_control_c(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    # By name in sys.modules: the package's attribute `reproduce` is the function, not the module.
    for module, name, trials in (
        ("graphrec.experiments.papers.reproduce", "tune", 1),
        ("graphrec.experiments.benchmark.run", "train", 0),
    ):
        with monkeypatch.context() as pressed, pytest.raises(KeyboardInterrupt):
            pressed.setattr(sys.modules[module], name, press_control_c)
            reproduce(BUG, tiny_recipe("hcr"), tmp_path, Mode("full", every=True, seeds=1, trials=trials), title="Tiny")
    assert not (tmp_path / "results.csv").exists()


def test_results_are_kept_where_the_tuning_behind_them_no_longer_fits(
    tiny_recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphrec.experiments.benchmark.files.write_report", lambda *_, **__: None)
    paper, mode = Paper("HCR", METHODS[:1], {"hcr-table-1": hcr_table_1}), Mode("full", every=True, seeds=1, trials=1)
    settings = ("backbone.name=mf", "backbone.embedding_size=8")
    reproduce(paper, tiny_recipe("hcr", *settings, "training.epochs=1"), tmp_path, mode, title="Tiny")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(RunError, match="the results here have CT"):
        reproduce(paper, tiny_recipe("hcr", *settings, "training.epochs=2"), tmp_path, mode, title="Tiny")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_data_is_described_where_nothing_could_be_trained(
    tiny_recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphrec.training.loop.Trainer.run", lambda *_: 1 / 0)
    done = reproduce(TINY, tiny_recipe("hcr"), tmp_path, Mode("quick", every=False, seeds=1, trials=0), title="Tiny")
    assert not done.result.runs and not (tmp_path / "report.html").exists()
    table = pd.read_csv(tmp_path / "paper_tables" / "hcr-table-1.csv")
    assert table.loc[0, "#Users"] == 120 and table.loc[0, "Dataset"] == "Tiny (simulated)"
    assert pd.read_csv(tmp_path / "paper_tables" / "hcr-table-2.csv").loc[0, "NDCG@20"].startswith("failed: ")


def test_a_bug_in_the_evaluation_of_one_method_costs_its_row_alone(
    result: BenchmarkResult, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    per_user = Scored.per_user
    monkeypatch.setattr(Scored, "per_user", lambda self, *args: 1 / 0 if self.name == "ESMM" else per_user(self, *args))
    scores = hcr_table_2(result, "Tiny", (20,)).table.set_index("Method")["NDCG@20"]
    assert scores["ESMM"] == "failed: ZeroDivisionError: division by zero"
    assert scores["CT"] > 0 and scores["HCR"] > 0
    assert "Traceback" in caplog.text


def test_deepstyle_has_a_category_on_amazon(tmp_path: Path) -> None:
    simulate("amazon", tmp_path / "raw", users=120, items=110, shown=60, departments=4)
    data = prepare("amazon", tmp_path / "raw", tmp_path / "prepared", {"with_images": "true"})
    settings = (f"data.path={data}", "backbone.embedding_size=8", "training.epochs=1")
    (method,) = (candidate for candidate in CAUSALREC.methods if candidate.name == "DeepStyle")
    run = train(method.recipe(Recipe.from_toml(RECIPES / "causalrec.toml", settings)), tmp_path / "run")
    names = load(data).features["main_category"].columns
    assert len(names) > 1 and run.manifest["context"]["widths"]["main_category"] == len(names)
    assert run.untrained_decoder().category == "main_category"


def test_an_ablation_takes_the_settings_of_its_method(tiny_recipe: Callable[..., Recipe]) -> None:
    tuned = tiny_recipe("hcr", "training.learning_rate=0.123", "decoder.beta=5")
    ablated = HCR_NS.recipe(tuned)
    assert ablated.training == tuned.training and ablated.name == "HCR-NS"
    assert ablated.decoder == {**tuned.decoder, "share_embeddings": False}


@pytest.mark.parametrize("paper", [HCR, CAUSALREC], ids=lambda paper: paper.name)
def test_every_method_of_a_paper_is_a_recipe(paper: Paper, tiny_recipe: Callable[..., Recipe]) -> None:
    recipes: dict[str, Recipe] = {}
    for method in paper.methods:
        recipes[method.name] = method.recipe(
            recipes[method.of] if method.of else tiny_recipe("hcr", "backbone.name=mf")
        )
    bodies = [recipe.model_copy(update={"name": ""}).to_toml() for recipe in recipes.values()]
    same = [name for name, body in zip(recipes, bodies) if bodies.count(body) > 1]
    assert same in ([], ["HCR", "HCR beta 1"])  # the default is on the grid
    quick = {method.name for method in chosen(paper.methods, every=False)}
    assert {method.of for method in paper.methods if method.name in quick and method.of} <= quick
