"""The command line: each command's happy path, and mistakes that end in a message and status 2, never a traceback."""

from __future__ import annotations

import errno
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import unescape
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
from safetensors import SafetensorError
from typer.testing import CliRunner

import graphrec.carry_out
import graphrec.cli
from graphrec.carry_out import train
from graphrec.cli import app, main
from graphrec.data.store import load, save
from graphrec.recipe import Recipe
from graphrec.run import Run
from graphrec.training.loop import Trainer

COMMANDS = [command.name or command.callback.__name__ for command in app.registered_commands]


@dataclass
class Answer:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


Call = Callable[..., Answer]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Runs the real entry point in this process."""

    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["graphrec", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        printed = capsys.readouterr()
        return Answer(int(caught.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture
def recipe_file(tiny_recipe: Callable[..., Recipe], tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(tiny_recipe("ct").to_toml(), encoding="utf-8")
    return path


@pytest.fixture
def own(tiny_runs: dict[str, Run], tmp_path: Path) -> Callable[[str], Path]:
    """A private copy of a tiny run's folder."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(tiny_runs[name].folder, tmp_path / f"run-{name}"))

    return copy


def refused(answer: Answer, *said: str) -> None:
    """Status 2, our own form of message, nothing on stdout."""
    assert answer.status == 2, answer
    assert answer.err.startswith("error: "), answer.err
    assert "Traceback" not in answer.err
    assert answer.out == ""
    for text in said:
        assert text in answer.err


# Help


def test_help_does_not_wait_for_torch() -> None:
    code = (
        "import sys\n"
        "sys.argv = ['graphrec', '--help']\n"
        "from graphrec.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print('HEAVY', sorted({'torch', 'pandas', 'numpy', 'scipy'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "HEAVY []" in done.stdout
    for command in COMMANDS:
        assert command in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_help_keeps_what_stands_in_brackets() -> None:
    assert "[tune.space]" in CliRunner().invoke(app, ["tune", "--help"]).output
    assert "[tune.space]" in CliRunner().invoke(app, ["--help"]).output


def test_the_version_is_printed(call: Call) -> None:
    assert call("--version").out.strip() == version("graphrec")


def test_no_command_shows_the_help(call: Call) -> None:
    assert "Usage" in call().out


@pytest.mark.parametrize(
    "arguments",
    [["foo"], ["train"], ["list", "foo"], ["recommend", "run", "--users", "1", "--k", "x"], ["show", "--foo"]],
)
def test_a_malformed_command_ends_with_status_2(call: Call, arguments: list[str]) -> None:
    answer = call(*arguments)
    assert answer.status == 2
    assert "Traceback" not in answer.err


# From raw files to recommendations


def test_the_whole_way(call: Call, tmp_path: Path) -> None:
    raw, prepared, run = tmp_path / "raw", tmp_path / "prepared", tmp_path / "run"
    said = call("simulate", "tiktok", "--users", 60, "--items", 50, "--set", "shown=25", "--seed", 3, "--out", raw)
    assert said.status == 0
    assert str(raw / "truth") in said.out
    said = call("prepare", "tiktok", "--raw", raw, "--out", prepared)
    assert said.status == 0
    assert "60 users" in said.out
    said = call("check", prepared, "--json")
    assert said.status == 0
    assert said.json["statistics"]["users"] == 60
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'[data]\npath = "{prepared}"\n[backbone]\nembedding_size = 8\nprojection = 8\n')
    said = call("train", recipe, "--out", run, "--set", "training.epochs=1")
    assert said.status == 0
    assert "best epoch 1 of 1" in said.out
    assert "epoch 1/1" in said.err
    said = call("evaluate", run, "--truth", raw, "--json")
    assert said.status == 0
    assert [row["method"] for row in said.json] == ["HCR", "HCR-T", "HCR-S1", "HCR-S2"]
    assert {"ndcg@50", "ndcg_do@50", "regret_do@50"} <= set(said.json[0])
    lost = {row["method"]: row["regret_do@50"] for row in said.json}
    said = call("evaluate", run, "--truth", raw, "--target", "satisfaction", "--json")
    assert said.status == 0
    assert {row["method"] for row in said.json if row["regret_do@50"] != lost[row["method"]]} == set(lost)
    said = call("recommend", run, "--users", Run(run).user_ids[0], "--k", 3, "--json")
    assert [row["rank"] for row in said.json] == [1, 2, 3]
    assert call("export", run, "--out", tmp_path / "embeddings").status == 0


def test_check_prints_tables_and_fails_on_errors(call: Call, tiny_prepared: Path, tmp_path: Path) -> None:
    said = call("check", tiny_prepared)
    assert said.status == 0
    assert "120" in said.out
    dataset = load(tiny_prepared)
    dataset.user_ids[1] = dataset.user_ids[0]
    save(dataset, tmp_path / "twice")
    said = call("check", tmp_path / "twice")
    assert said.status == 2
    assert "duplicate_user_ids" in said.out


def test_check_audits_a_split_and_writes_a_page(call: Call, tiny_prepared: Path, tmp_path: Path) -> None:
    page = tmp_path / "check.html"
    said = call("check", tiny_prepared, "--split", "global_time", "--out", page, "--json")
    assert said.status == 0 and str(page) in said.err
    assert said.json["split"]["name"] == "global_time"
    assert "no_leaks" in [finding["code"] for finding in said.json["findings"]]
    assert "simulated" in said.json["published"]["verdict"]
    assert page.read_text(encoding="utf-8").count("<svg") == 6
    said = call("check", tiny_prepared, "--split", "globaltime")
    assert said.status == 2 and "did you mean `global_time`" in said.err


def test_datasets_lists_the_cards_and_says_how_to_get_one(call: Call) -> None:
    said = call("datasets")
    assert said.status == 0 and "tiktok" in said.out and "yahoo_r3" in said.out
    said = call("datasets", "tiktok")
    assert "HKUDS/DiffMM" in said.out and "final_track2_train.txt" in said.out and "36,656" in said.out
    assert call("datasets", "coat", "--json").json["source"] == "coat"
    assert {"tiktok", "table"} <= {card["source"] for card in call("datasets", "--json").json}
    said = call("datasets", "tikto")
    assert said.status == 2 and "did you mean `tiktok`" in said.err


def test_show_prints_the_resolved_recipe(call: Call, recipe_file: Path, tmp_path: Path) -> None:
    said = call("show", recipe_file, "--set", "training.epochs=7")
    assert said.status == 0
    (tmp_path / "shown.toml").write_text(said.out)
    assert Recipe.from_toml(tmp_path / "shown.toml") == Recipe.from_toml(recipe_file, ["training.epochs=7"])


@pytest.mark.parametrize(
    ("kind", "one"),
    [("backbones", "mmgcn"), ("decoders", "hcr"), ("estimands", "front_door"), ("sources", "table"),
     ("worlds", "tiktok"), ("splits", "chronological"), ("checks", "placebo_modality")],
)  # fmt: skip
def test_list_names_what_there_is(call: Call, kind: str, one: str) -> None:
    assert one in call("list", kind).out
    rows = call("list", kind, "--json").json
    assert one in [row["name"] for row in rows]
    assert all(row["summary"] for row in rows)


def test_a_sweep_is_one_row_a_value(call: Call, own: Callable[[str], Path]) -> None:
    said = call("evaluate", own("causalrec"), "--estimand", "total_indirect_effect:strength=0,0.5,1", "--json")
    assert [row["estimand"] for row in said.json] == [
        "total_indirect_effect:strength=0", "total_indirect_effect:strength=0.5", "total_indirect_effect"
    ]  # fmt: skip


def test_a_table_in_a_pipe_is_never_cut(call: Call, own: Callable[[str], Path]) -> None:
    folder = own("causalrec")
    said = call("evaluate", folder, "--estimand", "total_indirect_effect:strength=0,0.25,0.5,0.75")
    lines = said.out.strip().splitlines()
    assert len(lines) == 5
    for strength in (0, 0.25, 0.5, 0.75):
        assert f"total_indirect_effect:strength={strength:g} " in said.out
    assert "…" not in said.out


def test_a_missing_interval_is_null_in_json(call: Call, own: Callable[[str], Path]) -> None:
    folder = own("ct")
    assert call("evaluate", folder, "--json").status == 0
    record = json.loads((folder / "metrics.json").read_text())
    record["test/observational"]["metrics"]["mrr"]["low"] = float("nan")
    (folder / "metrics.json").write_text(json.dumps(record))
    said = call("compare", folder, "--json")
    assert "NaN" not in said.out
    assert said.json[0]["mrr_low"] is None


def test_compare_puts_runs_side_by_side_and_writes_the_report(
    call: Call, own: Callable[[str], Path], tmp_path: Path
) -> None:
    runs = [own("ct"), own("esmm")]
    for folder in runs:
        assert call("evaluate", folder).status == 0
    said = call("compare", *runs, "--out", tmp_path / "report.html", "--json")
    assert said.status == 0
    assert [row["run"] for row in said.json] == ["ct", "esmm"]
    assert "<html" in (tmp_path / "report.html").read_text()


def test_compare_takes_replicates_as_one_method_in_the_report_too(
    call: Call, tiny_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    runs = [train(tiny_recipe("ct", f"seed={seed}"), tmp_path / f"ct-{seed}") for seed in (0, 1)]
    for run in runs:
        run.evaluate()
    page = tmp_path / "report.html"
    said = call("compare", *(run.folder for run in runs), "--replicates", "--out", page, "--json")
    assert said.status == 0 and [row["seeds"] for row in said.json] == [2]
    shown = page.read_text()
    assert f"{said.json[0]['ndcg@20']:.4f}".removeprefix("0") in shown and "users and 2 seeds" in shown


def test_compare_shows_a_dose_response_in_the_report(call: Call, own: Callable[[str], Path], tmp_path: Path) -> None:
    folder, page = own("ct"), tmp_path / "report.html"
    call("evaluate", folder)
    study = Path(__file__).resolve().parents[1] / "benchmarks" / "results" / "dose-hidden" / "results.csv"
    assert call("compare", folder, "--out", page, "--dose-response", study).status == 0
    shown = page.read_text()
    assert 'id="doses"' in shown and f"--dose-response {study}" in unescape(shown)
    page.unlink()
    refused = call("compare", folder, "--out", page, "--dose-response", tmp_path / "none.csv")
    assert refused.status == 2 and "no dose-response study" in refused.err and not page.exists()
    alone = call("compare", folder, "--dose-response", study)
    assert alone.status == 2 and "--out REPORT.html with --dose-response" in alone.err


def test_a_report_that_cannot_be_made_is_refused_before_the_table(
    call: Call, own: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = own("ct")
    call("evaluate", folder)
    (tmp_path / "study.csv").write_text("a,b\n1,2\n")
    (tmp_path / "file").touch()
    page = tmp_path / "report.html"
    refused(call("compare", folder, "--out", tmp_path), "the report is a file")
    refused(call("compare", folder, "--out", tmp_path / "file" / "report.html"), "the system refused")
    study = ("--dose-response", tmp_path / "study.csv")
    refused(call("compare", folder, "--out", page, *study), "not the results of a dose-response study")
    assert not page.exists()


def test_a_narrow_terminal_shows_what_matters_most_in_whole_cells(
    call: Call, own: Callable[[str], Path], tiny_world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [own("ct"), own("hcr")]
    for folder in runs:
        call("evaluate", folder)
    for key, value in {"FORCE_COLOR": "1", "NO_COLOR": "1", "COLUMNS": "80", "TERM": "xterm"}.items():
        monkeypatch.setenv(key, value)
    out = call("evaluate", runs[1], "--truth", tiny_world).out
    header, *rows = re.sub(r"\x1b\[[0-9;]*m", "", out).splitlines()
    assert re.split(r" {2,}", header.strip()) == ["method", "NDCG@10", "NDCG@50 (do)", "Regret@50 (do)"]
    assert [row.split()[0] for row in rows[:4]] == ["HCR", "HCR-T", "HCR-S1", "HCR-S2"]
    assert all(len(re.findall(r"\.\d{4} \[-?\.\d{4}, -?\.\d{4}\]", row)) == 3 for row in rows[:4])
    rest = " ".join(rows[4:])
    assert "more columns: on a wider terminal" in rest and "metrics.json" in rest.replace(" ", "")
    compared = call("compare", *runs).out
    lines = re.sub(r"\x1b\[[0-9;]*m", "", compared).splitlines()
    assert lines[0].split()[:2] == ["method", "run"] and max(map(len, lines)) <= 80
    assert "**" not in compared


def test_evaluate_slices_and_lists_print_a_table_for_each_analysis(call: Call, own: Callable[[str], Path]) -> None:
    folder = own("ct")
    said = call("evaluate", folder, "--slices", "--lists", "--json")
    assert said.status == 0
    parts = [row.get("part") for row in said.json]
    assert parts == [
        None, "active", "less_active", "time_1", "time_2", "time_3", "time_4", "time_drop", "high_ratio", "low_ratio",
        "lists",
    ]  # fmt: skip
    text = call("evaluate", folder, "--slices").out
    assert "Normalised recall@10" in text
    tables = [table.splitlines() for table in text.split("\n\n")]
    assert [len(table) - 1 for table in tables] == [1, 2, 4, 1, 2]
    over_time, drops = tables[2:4]
    assert "drop" not in over_time[0] and drops[1].startswith("time_drop") and "–" not in drops[1]
    assert call("compare", folder, "--part", "less_active", "--json").json[0]["method"] == "CT"


def test_evaluate_tells_what_the_data_does_not_allow(call: Call, own: Callable[[str], Path]) -> None:
    folder = own("ct")
    said = call("evaluate", folder, "--slices", "--lists", "--off-policy")
    refused(said, "marked as exposed at random", "where: ", "leave out --off-policy")
    assert not (folder / "ledger.jsonl").exists() and Run(folder).metrics() == {}
    said = call("evaluate", folder, "--slices", "--part", "valid")
    refused(said, "the slices are of the test part", "where: --slices", "leave out --slices")


def test_compare_prints_tests_and_gives_p_in_json(call: Call, own: Callable[[str], Path]) -> None:
    runs = [own("ct"), own("esmm")]
    for folder in runs:
        call("evaluate", folder)
    said = call("compare", *runs)
    assert said.status == 0 and "less that of" in said.out and "p (Wilcoxon)" in said.out
    rows = call("compare", *runs, "--json").json
    assert rows[0]["ndcg@20_p"] == rows[1]["ndcg@20_p"] and 0 < rows[0]["ndcg@20_p"] <= 1
    refused = call("compare", *runs, "--part", "lists")
    assert refused.status == 2 and f"graphrec evaluate {runs[0]} --lists" in refused.err


def test_refute_prints_figures_and_verdicts(call: Call, own: Callable[[str], Path]) -> None:
    folder = own("hcr")
    said = call("refute", folder, "--check", "placebo_modality", "--epochs", 1)
    assert said.status == 0
    assert "textual: NDCG@10 of HCR, real - placebo" in said.out
    assert "textual shuffled over the items: epoch 1/1" in said.err
    again = call("refute", folder, "--check", "placebo_modality", "--epochs", 1, "--json")
    assert again.err == ""
    assert again.json[0]["name"] == "placebo_modality"
    assert again.json[0]["verdict"] in said.out


def test_recommend_prints_ids(call: Call, tiny_runs: dict[str, Run]) -> None:
    run = tiny_runs["hcr"]
    users = run.user_ids[:2]
    said = call("recommend", run.folder, "--users", ", ".join(users), "--k", 2, "--json")
    expected = run.recommend(users, k=2)
    pd.testing.assert_frame_equal(pd.DataFrame(said.json), expected, check_dtype=False)
    assert len(call("recommend", run.folder, "--users", users[0], "--k", 2).out.strip().splitlines()) == 3


def test_doctor_reports_and_fails_where_something_needed_is_missing(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = call("doctor", "--json")
    assert said.status == 0
    assert {"check": "python", "state": "ok"}.items() <= said.json[0].items()
    monkeypatch.setattr("graphrec.doctor.examine", lambda: [("torch", "missing", "pip install torch")])
    said = call("doctor")
    assert said.status == 1
    assert "pip install torch" in said.out


# Mistakes


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("training.epoch=3", "did you mean `epochs`?"),
        ("decoder.name=hrc", "did you mean `hcr`?"),
        ("training.epochs=-1", "recipe key `training.epochs` has a wrong value"),
        ("training.batch_size=0", "greater than or equal to 1"),
        ("training.monitor=ndcg@7", "unknown validation metric"),
        ("training.device=nowhere", "cannot be used here"),
        ("split.name=foo", "unknown split"),
        ("data.path=nowhere", "no prepared data here"),
        ('data.feedback.like=["thumb_up"]', "did you mean `thumbs_up`?"),
        ("data.roles.visul=content", "did you mean `visual`?"),
        ("training.learning_rate=1e30", "lower the learning rate"),
        ("epochs", "--set takes KEY.SUB=VALUE"),
    ],
)
def test_a_mistake_in_a_recipe(call: Call, recipe_file: Path, tmp_path: Path, override: str, said: str) -> None:
    refused(call("train", recipe_file, "--out", tmp_path / "run", "--set", override), said)


def test_a_damaged_dataset(call: Call, recipe_file: Path, tiny_prepared: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_prepared, tmp_path / "data"))
    with open(folder / "interactions.parquet", "ab") as stream:
        stream.write(b"x")
    overridden = ["--set", f"data.path={folder}"]
    said = call("train", recipe_file, "--out", tmp_path / "run", *overridden)
    refused(said, "was changed after it was written", str(folder / "interactions.parquet"))
    (folder / "manifest.json").write_text("{")
    refused(call("check", folder), "not a JSON file")


def run_mistakes() -> Sequence[tuple[list[str], str]]:
    return [
        (["evaluate", "{nowhere}"], "not a run folder"),
        (["evaluate", "{hcr}", "--estimand", "front_dor"], "did you mean `front_door`?"),
        (["evaluate", "{hcr}", "--estimand", "total_indirect_effect"], "does not fit this decoder"),
        (["evaluate", "{hcr}", "--part", "tset"], "did you mean `test`?"),
        (["evaluate", "{hcr}", "--truth", "{hcr}"], "no truth lies here"),
        (["evaluate", "{hcr}", "--target", "like"], "a target without a truth"),
        (["recommend", "{hcr}", "--users", "nobody"], "user ids are unknown"),
        (["recommend", "{hcr}", "--users", " , "], "no user ids"),
        (["recommend", "{hcr}", "--users", "1", "--k", "0"], "at least 1 item"),
        (["export", "{hcr}", "--out", "{nowhere}", "--format", "parket"], "did you mean `parquet`?"),
        (["export", "{hcr}", "--out", "{hcr}"], "will not overwrite"),
        (["compare", "{hcr}"], "not evaluated on test yet"),
        (["refute", "{hcr}", "--check", "placebo"], "unknown refutation check `placebo`"),
        (["refute", "{hcr}", "--seeds", "1"], "too few seeds"),
        (["check", "{nowhere}"], "no prepared data here"),
        (["show", "{nowhere}"], "no such recipe"),
        (["simulate", "tikok", "--out", "{nowhere}"], "did you mean `tiktok`?"),
        (["simulate", "tiktok", "--out", "{nowhere}", "--users", "0"], "has a wrong value"),
        (["simulate", "tiktok", "--out", "{nowhere}", "--set", "usrs=3"], "did you mean `users`?"),
        (["simulate", "tiktok", "--out", "{nowhere}", "--set", "dataset=x"], "expected: --from DATASET"),
        (["simulate", "tiktok", "--out", "{nowhere}", "--set", "out=x"], "expected: --out FOLDER"),
        (["prepare", "tiktokk", "--raw", "{hcr}", "--out", "{nowhere}"], "did you mean `tiktok`?"),
        (["prepare", "tiktok", "--raw", "{nowhere}", "--out", "{nowhere}"], "no such raw data"),
    ]


@pytest.mark.parametrize(("arguments", "said"), run_mistakes(), ids=lambda value: str(value)[:50])
def test_a_mistake_leaves_nothing_behind(
    call: Call, own: Callable[[str], Path], tmp_path: Path, arguments: list[str], said: str
) -> None:
    places = {"hcr": own("hcr"), "nowhere": tmp_path / "nowhere"}
    before = sorted(tmp_path.rglob("*"))
    refused(call(*(argument.format(**places) for argument in arguments)), said)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_unfinished_run(call: Call, own: Callable[[str], Path]) -> None:
    folder = own("ct")
    manifest = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**manifest, "status": "training"}))
    refused(call("evaluate", folder), "has not finished", "graphrec train")


def test_a_run_of_another_recipe(call: Call, own: Callable[[str], Path], recipe_file: Path) -> None:
    said = call("train", recipe_file, "--out", own("ct"), "--set", "seed=9")
    refused(said, "a run of another recipe", "choose another --out")


def test_an_interrupted_training_says_how_to_go_on(
    call: Call, recipe_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphrec.carry_out, "CHECKPOINT_SECONDS", -1.0)

    def press_control_c(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("graphrec.training.loop.Trainer._keep_best", press_control_c)
        said = call("train", recipe_file, "--out", tmp_path / "run")
    assert said.status == 130
    assert "no checkpoint was kept yet: the same command starts from the first epoch" in said.err
    assert "Traceback" not in said.err

    keep_best = graphrec.carry_out.Trainer._keep_best

    def press_in_the_second_epoch(trainer: Trainer, metrics: dict[str, float]) -> None:
        if trainer.state.epoch == 2:
            raise KeyboardInterrupt
        keep_best(trainer, metrics)

    with monkeypatch.context() as patch:
        patch.setattr("graphrec.training.loop.Trainer._keep_best", press_in_the_second_epoch)
        said = call("train", recipe_file, "--out", tmp_path / "run")
        assert said.status == 130 and "the same command goes on after epoch 1" in said.err
        said = call("train", recipe_file, "--out", tmp_path / "run", "--no-resume")
        assert said.status == 130 and "without --no-resume it goes on after epoch 1" in said.err
    said = call("train", recipe_file, "--out", tmp_path / "run")
    assert said.status == 0 and [row["epoch"] for row in Run(tmp_path / "run").history] == [1, 2]
    assert "trained there before" not in said.out
    assert "trained there before, and nothing was done" in call("train", recipe_file, "--out", tmp_path / "run").out


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "weights"), "make room"),
        (PermissionError(errno.EACCES, "Permission denied", "weights"), "choose a place that you may read and write"),
        (OSError("Error writing bytes to file"), "check that path"),
        (SafetensorError("Error while serializing: I/O error: No space left"), "No space left"),
    ],
)  # fmt: skip
def test_what_the_system_refuses_is_a_message(
    call: Call,
    own: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    said: str,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("graphrec.export.embeddings.write_json", refuse)
    answer = call("export", own("ct"), "--out", tmp_path / "out")
    refused(answer, "the system refused to read or write a file", said)
    assert not (tmp_path / "out").exists()


def test_a_path_through_a_file_is_a_message(call: Call, recipe_file: Path) -> None:
    refused(call("train", recipe_file, "--out", recipe_file / "run"))
    refused(call("simulate", "tiktok", "--users", 20, "--items", 20, "--set", "shown=9", "--out", recipe_file / "x"))


def test_a_folder_in_place_of_a_file_is_named(call: Call, tmp_path: Path) -> None:
    answer = call("causal", "hcr", "--svg", tmp_path)
    assert answer.status == 2 and f"where: {tmp_path}\n" in answer.err


def test_a_bug_keeps_its_traceback(call: Call, own: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphrec.run.Run.export", lambda *_: 1 / 0)
    monkeypatch.setattr(sys, "argv", ["graphrec", "export", str(own("ct")), "--out", "x"])
    with pytest.raises(ZeroDivisionError):
        main()


def test_a_warning_is_a_line_without_source_code(call: Call, recipe_file: Path, tmp_path: Path) -> None:
    said = call("train", recipe_file, "--out", tmp_path / "run", "--set", "split.seed=4")
    assert said.status == 0
    assert "warning: split.seed is ignored by the split `chronological`" in said.err
    assert "warnings.warn" not in said.err
