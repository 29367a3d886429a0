"""The scripts in benchmarks/: what they print, and what they say to a mistake."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest
from support.paths import ROOT
from support.per_user_values import check

import graphrec as gr
from graphrec.errors import GraphrecError, RunError
from graphrec.experiments.benchmark import run_benchmark
from graphrec.experiments.papers import HCR
from graphrec.refutation import DEFAULT_CHECKS
from graphrec.runs.recipe import Recipe

SCRIPTS = ROOT / "benchmarks"


def test_the_closing_lines_show_table_and_oracles(
    tiny_recipe: Callable[..., Recipe],
    tiny_world: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    from common import finish

    result = run_benchmark({"hcr": tiny_recipe("hcr")}, tmp_path, truth=tiny_world)
    finish(result, tmp_path)
    printed = capsys.readouterr().out
    assert result.gap is not None
    assert f"{result.gap.interventional_ndcg:.4f}" in printed and f"{result.gap.observational_ndcg:.4f}" in printed
    assert "HCR-S2" in printed and "oracle: P(like | do(item))" in printed
    assert (tmp_path / "embeddings" / "embeddings.json").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("script", ["tiktok", "taobao", "amazon", "kwai"])
def test_a_missing_folder_ends_with_a_message(script: str, tmp_path: Path) -> None:
    command = [sys.executable, SCRIPTS / f"{script}.py", "--data", "nowhere", "--out", tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "no such raw data" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("script", "options", "message"),
    [
        ("tiktok", ("--data", "Twin"), "did you mean `twin`?"),
        ("tiktok", ("--out", "/dev/null/x"), "a file in place of its parent folder"),
        ("amazon", ("--category", "Beauty"), "--category is for real files"),
        ("dose_response_gates", ("--out", "nowhere"), "no world of the study is here"),
    ],
)
def test_a_mistake_ends_with_a_message_before_anything_is_made(
    script: str,
    options: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(script, monkeypatch, tmp_path, *options) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: ") and message in printed and "Traceback" not in printed
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file", sorted((SCRIPTS / "recipes").glob("*.toml")), ids=lambda file: file.stem)
def test_every_recipe_can_be_read(file: Path) -> None:
    settings = tomllib.loads(file.read_text(encoding="utf-8"))
    recipe = Recipe.from_toml(file, [] if "path" in settings.get("data", {}) else ["data.path=prepared"])
    assert recipe.decoder["name"] and recipe.backbone["name"] and recipe.training.epochs >= 1


def test_raw_data_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("tiktok", monkeypatch, tmp_path, "--data", "nowhere") == 2
    assert capsys.readouterr().err.startswith("error: no such raw data")


def test_an_interrupted_benchmark_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def press_control_c(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(gr, "simulate", press_control_c)
    assert call("tiktok", monkeypatch, tmp_path) == 130
    assert capsys.readouterr().err == "\ninterrupted; the same command resumes\n"


def test_where_every_method_failed_it_says_so_and_announces_nothing_that_is_not_there(
    tiny_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("graphrec.training.loop.Trainer.run", lambda *_: 1 / 0)
    assert call("tiktok", monkeypatch, tmp_path, "--data", str(tiny_world), "--out", "out") == 2
    printed = capsys.readouterr()
    assert "report" not in printed.out and "embeddings" not in printed.out and "results.md" in printed.out
    assert "error: every method failed" in printed.err and "CT: ZeroDivisionError" in printed.err
    assert not (tmp_path / "out/report.html").exists() and (tmp_path / "out/paper_tables/hcr-table-1.md").is_file()


def call(script: str, monkeypatch: pytest.MonkeyPatch, folder: Path, *options: str) -> int:
    """Run a script's main from a folder as its command does; returns the status."""
    monkeypatch.syspath_prepend(SCRIPTS)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", [f"{script}.py", *options])
    module = import_module(script)
    with pytest.raises(SystemExit) as caught:
        module.run(module.main)
    return int(caught.value.code or 0)


def test_the_other_target_is_evaluated_and_named(
    tiny_recipe: Callable[..., Recipe], tiny_world: Path, tmp_path: Path
) -> None:
    result = run_benchmark({"ct": tiny_recipe("ct")}, tmp_path, truth=tiny_world, target="satisfaction")
    rows = result.table.set_index("method")
    best = rows.loc["oracle: P(like | do(item is clicked))"]
    assert best["regret_do@50"] == 0 < rows.loc["oracle: P(click | item)", "regret_do@50"]
    assert rows.loc["CT", "regret_do@50"] > 0
    assert not any(name.startswith("oracle: P(like | item)") for name in rows.index)


@pytest.mark.slow
@pytest.mark.parametrize(("script", "paper_tables"), [("tiktok", 7), ("taobao", 7), ("kwai", 7), ("amazon", 6)])
def test_a_quick_run_on_a_small_twin_makes_every_paper_table(
    script: str, paper_tables: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    import common

    simulate = gr.simulate
    monkeypatch.setattr(gr, "simulate", lambda world, out: simulate(world, out, users=120, items=110, shown=60))
    monkeypatch.setattr(common, "QUICK", replace(common.QUICK, settings=("training.epochs=1",)))
    import_module(script).main(out=tmp_path / "out")
    made = tmp_path / "out" / "paper_tables"
    tables, texts, pictures = ({path.stem for path in made.glob(f"*.{suffix}")} for suffix in ("csv", "md", "svg"))
    # What the lists are made of is numbers alone.
    assert len(tables) == paper_tables and texts == tables and pictures == tables - {"lists"}
    assert "failed" not in "".join(path.read_text() for path in made.glob("*.md"))
    assert (tmp_path / "out" / "report.html").is_file()
    with pytest.raises(RunError, match="other options"):
        import_module(script).main(out=tmp_path / "out", full=True)


@pytest.mark.slow
def test_a_full_run_goes_the_whole_way_and_is_kept_where_its_folder_is_moved(
    tiny_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    monkeypatch.chdir(tmp_path)
    common, script = import_module("common"), import_module("tiktok")
    short = ("training.epochs=1", "backbone.name=mf", "backbone.embedding_size=8")
    monkeypatch.setattr(common, "FULL", replace(common.FULL, settings=short))
    few = tuple(method for method in HCR.methods if method.name in ("CT", "HCR", "HCR-NS", "HCR beta 5"))
    monkeypatch.setattr(common, "HCR", replace(HCR, methods=few))
    asked = {"data": str(tiny_world), "full": True, "seeds": 1, "trials": 1}
    script.main(out=Path("out"), **asked)
    printed = capsys.readouterr()
    assert "FAILED" not in printed.out and "other code" not in printed.err and Path("out/report.html").is_file()
    assert "data: Tiktok (simulated)" in printed.out and "embeddings" in printed.out
    about = json.loads(Path("out/about.json").read_text())
    assert about["trials"] == 1 and about["failed"] == {}
    assert set(about["runs"]) == {"ct-0", "hcr-0", "hcr-ns-0", "hcr-beta-5-0"}
    assert sorted(path.parent.name for path in Path("out/tuning").glob("*/best.toml")) == ["CT", "HCR"]
    assert Path("out/results.md").read_text().splitlines()[-1].startswith("Tiktok (simulated); seed 0. Made with")
    paper_tables = {path: path.read_bytes() for path in Path("out/paper_tables").iterdir()}
    assert len([path for path in paper_tables if path.suffix == ".md"]) == 8
    assert all(b"Tiktok (simulated)" in text for path, text in paper_tables.items() if path.suffix == ".md")

    before = {path.relative_to("out"): path.read_bytes() for path in Path("out").glob("*.*")}
    Path("out").rename(tmp_path / "elsewhere")
    (tmp_path / "another").mkdir()
    monkeypatch.chdir(tmp_path / "another")
    monkeypatch.setattr("graphrec.training.loop.Trainer.run", pytest.fail)
    monkeypatch.setattr(
        "graphrec.experiments.benchmark.files.write_report", lambda *_, **__: None
    )  # slow, and seen above
    monkeypatch.setattr(common, "HCR", replace(HCR, methods=few, paper_tables={}))
    script.main(out=tmp_path / "elsewhere", **asked)
    after = {
        path.relative_to(tmp_path / "elsewhere"): path.read_bytes() for path in (tmp_path / "elsewhere").glob("*.*")
    }
    for name in ("results.csv", "results.md", "significance.csv", "about.json", "per_user.parquet"):
        assert after[Path(name)] == before[Path(name)], name


def test_backbones_are_tuned_trained_and_put_in_one_table(
    tiny_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    script = import_module("backbones")
    monkeypatch.setattr(script, "in_processes", lambda work, tasks, jobs: [work(*task) for task in tasks])
    recipe, short = script._recipe, ["training.epochs=2", "training.validate_every=2"]
    monkeypatch.setattr(
        script, "_recipe", lambda *what: Recipe.from_dict(tomllib.loads(recipe(*what).to_toml()), short)
    )
    published = {"published": {"mf": 0.0123, "DiffMM": 0.0456}, "published_note": "Read, not run."}
    setting = replace(script.SETTINGS["alibaba"], source="tiktok", **published)
    monkeypatch.setitem(script.SETTINGS, "alibaba", setting)
    asked = {"data": tiny_world, "out": tmp_path / "out", "trials": 1, "seeds": 2}
    with monkeypatch.context() as broken:
        broken.setattr("graphrec.backbones.lightgcn.LightGCN.forward", lambda *_: 1 / 0)
        script.main("alibaba", only="mf,lightgcn", **asked)
    lines = (tmp_path / "out" / "results.md").read_text().splitlines()
    failed = [line for line in lines if line.startswith("| `lightgcn` | failed: ZeroDivisionError")]
    assert len(failed) == 2 and all(line.count("|") == lines[2].count("|") for line in failed[:1])
    script.main("alibaba", only="mf,lightgcn", **asked)
    table = pd.read_csv(tmp_path / "out" / "results.csv")
    assert list(zip(table["method"], table["decoder"])) == [
        ("mf", "ct"), ("lightgcn", "ct"), ("mf", "hcr"), ("lightgcn", "hcr")
    ]  # fmt: skip
    assert (table[["seconds_an_epoch", "megabytes"]] > 0).all(axis=None)
    about = json.loads((tmp_path / "out" / "about.json").read_text())
    assert [run["epochs"] for run in about["cells"]["mf ct"]["runs"]] == [2, 2]
    assert str(tmp_path) not in (tmp_path / "out" / "about.json").read_text()
    lines = (tmp_path / "out" / "results.md").read_text().splitlines()
    assert sum(line.startswith("| `mf` | .") or line.startswith("| `lightgcn` | .") for line in lines) == 4
    assert lines[2].startswith("| backbone | Recall@50 | NDCG@50 | Recall@50, published |")
    assert [line.split(" | ")[3] for line in lines[4:7]] == [".0123", "–", ".0456"]
    assert lines[6].startswith("| DiffMM (not here) |") and lines[8] == "Read, not run."
    check(tmp_path / "out")
    tests = pd.read_csv(tmp_path / "out" / "significance.csv")
    assert tests[["decoder", "metric", "first", "second"]].to_numpy().tolist() == [
        [decoder, metric, "mf", "lightgcn"] for decoder in ("ct", "hcr") for metric in ("recall@50", "ndcg@50")
    ]
    trials = pd.read_csv(tmp_path / "out" / "trials.csv")
    assert trials[["backbone", "decoder", "trial", "epochs"]].to_numpy().tolist() == [
        [name, decoder, 0, 2] for decoder in ("ct", "hcr") for name in ("mf", "lightgcn")
    ]

    script.main("alibaba", only="mf,lightgcn", **asked)
    assert json.loads((tmp_path / "out" / "about.json").read_text()) == about, "nothing is trained again"
    cell = script.Cell("mf", "ct", (tmp_path / "out" / "runs" / "mf-ct-1",))  # as one with other settings than kept
    (again,) = script._costs([cell], tmp_path / "out" / "costs").values()
    assert again["recipe"] != about["cells"]["mf ct"]["cost"]["recipe"]
    with pytest.raises(GraphrecError, match="unknown backbone"):
        script.main("alibaba", only="mf,nonesuch", **asked)
    with pytest.raises(GraphrecError, match="of backbones that are not asked for"):
        script.main("alibaba", only="mf", **asked)
    with pytest.raises(GraphrecError, match="of seeds that are not asked for"):
        script.main("alibaba", only="mf,lightgcn", **asked | {"seeds": 1})
    assert json.loads((tmp_path / "out" / "about.json").read_text()) == about, "nothing is lost"


def test_refutations_of_several_methods_are_put_in_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    script = import_module("refutation")
    monkeypatch.setattr(script, "WORLD", {"users": 120, "items": 80, "shown": 30})
    monkeypatch.setattr(
        script, "METHODS", {name: (*settings, "training.epochs=1") for name, settings in script.METHODS.items()}
    )
    script.main(tmp_path / "out")
    figures = pd.read_csv(tmp_path / "out" / "results.csv")
    assert set(figures["method"]) == set(script.METHODS) and set(figures["check"]) == set(DEFAULT_CHECKS)
    assert not figures["figure"].str.contains("HCR|CausalRec").any(), "one name for the same figure"
    lines = (tmp_path / "out" / "results.md").read_text().splitlines()
    assert len(lines) == 2 + len(figures[["check", "figure"]].drop_duplicates())
    (rise,) = [line for line in lines if "| rise, causal, p = 0.5 |" in line]
    assert rise.endswith("| – |"), "CausalRec learns from clicks, which the confounder leaves alone"
    about = (tmp_path / "out" / "about.json").read_text()
    assert str(tmp_path) not in about and set(json.loads(about)["runs"]) == set(script.METHODS)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ([], ""),
        (["--data", "twin", "--seeds", "5"], " --seeds 5"),
        (["--data", "/secret/data", "--full", "--out", "/secret/out"], " --data DIR --full"),
        (["--out=/secret/out", "--data=/secret/data", "--trials=4"], " --data DIR --trials=4"),
    ],
)
def test_the_command_is_shown_without_paths(arguments: list[str], shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    import common

    assert common.command(["/secret/benchmarks/kwai.py", *arguments]) == f"python benchmarks/kwai.py{shown}"
