"""The commands from raw files to recommendations: what each prints and writes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from support.command_line import Call, refused
from support.paths import ROOT

from graphrec.data.store import load, save
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.runs.train import train
from graphrec.system.owned_folder import write_own_json


def test_the_whole_way(call: Call, tmp_path: Path) -> None:
    raw, prepared, run = tmp_path / "raw", tmp_path / "prepared", tmp_path / "run"
    answer = call("simulate", "tiktok", "--users", 60, "--items", 50, "--set", "shown=25", "--seed", 3, "--out", raw)
    assert answer.status == 0
    assert str(raw / "truth") in answer.out
    answer = call("prepare", "tiktok", "--raw", raw, "--out", prepared)
    assert answer.status == 0
    clicks, likes = (len(load(prepared).pairs(role)) for role in ("click", "like"))
    pairs = f"{clicks:,} pairs of user and item with a click, {likes:,} of them with a like"
    assert answer.out.splitlines()[0] == f"wrote {prepared}: 60 users, 50 items, {pairs}"
    answer = call("check", prepared, "--json")
    assert answer.status == 0
    assert answer.json["statistics"]["users"] == 60
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'[data]\npath = "{prepared}"\n[backbone]\nembedding_size = 8\nprojection = 8\n')
    answer = call("train", recipe, "--out", run, "--set", "training.epochs=1")
    assert answer.status == 0
    assert "best epoch 1 of 1" in answer.out
    assert "epoch 1/1" in answer.err
    answer = call("evaluate", run, "--truth", raw, "--json")
    assert answer.status == 0
    assert [row["method"] for row in answer.json] == ["HCR", "HCR-T", "HCR-S1", "HCR-S2"]
    assert {"ndcg@50", "ndcg_do@50", "regret_do@50"} <= set(answer.json[0])
    lost = {row["method"]: row["regret_do@50"] for row in answer.json}
    answer = call("evaluate", run, "--truth", raw, "--target", "satisfaction", "--json")
    assert answer.status == 0
    assert {row["method"] for row in answer.json if row["regret_do@50"] != lost[row["method"]]} == set(lost)
    answer = call("recommend", run, "--users", Run(run).user_ids[0], "--k", 3, "--json")
    assert [row["rank"] for row in answer.json] == [1, 2, 3]
    assert call("export", run, "--out", tmp_path / "embeddings").status == 0


def test_check_prints_tables_and_fails_on_errors(call: Call, tiny_prepared: Path, tmp_path: Path) -> None:
    answer = call("check", tiny_prepared)
    assert answer.status == 0
    assert "120" in answer.out
    dataset = load(tiny_prepared)
    dataset.user_ids[1] = dataset.user_ids[0]
    save(dataset, tmp_path / "twice")
    answer = call("check", tmp_path / "twice")
    assert answer.status == 2
    assert "duplicate_user_ids" in answer.out


def test_check_audits_a_split_and_writes_a_page(call: Call, tiny_prepared: Path, tmp_path: Path) -> None:
    page = tmp_path / "check.html"
    answer = call("check", tiny_prepared, "--split", "global_time", "--out", page, "--json")
    assert answer.status == 0 and str(page) in answer.err
    assert answer.json["split"]["name"] == "global_time"
    assert "no_leaks" in [finding["code"] for finding in answer.json["findings"]]
    assert "simulated" in answer.json["published"]["matched_variant"]
    assert page.read_text(encoding="utf-8").count("<svg") == 6
    answer = call("check", tiny_prepared, "--split", "globaltime")
    assert answer.status == 2 and "did you mean `global_time`" in answer.err


def test_datasets_lists_the_cards_and_says_how_to_get_one(call: Call) -> None:
    answer = call("datasets")
    assert answer.status == 0 and "tiktok" in answer.out and "yahoo_r3" in answer.out
    answer = call("datasets", "tiktok")
    assert "HKUDS/DiffMM" in answer.out and "final_track2_train.txt" in answer.out and "36,656" in answer.out
    assert call("datasets", "coat", "--json").json["source"] == "coat"
    assert {"tiktok", "table"} <= {card["source"] for card in call("datasets", "--json").json}
    answer = call("datasets", "tikto")
    assert answer.status == 2 and "did you mean `tiktok`" in answer.err


def test_show_prints_the_resolved_recipe(call: Call, recipe_file: Path, tmp_path: Path) -> None:
    answer = call("show", recipe_file, "--set", "training.epochs=7")
    assert answer.status == 0
    (tmp_path / "shown.toml").write_text(answer.out)
    assert Recipe.from_toml(tmp_path / "shown.toml") == Recipe.from_toml(recipe_file, ["training.epochs=7"])


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("backbones", "mmgcn"),
        ("callbacks", "progress"),
        ("checks", "activity"),
        ("decoders", "hcr"),
        ("estimands", "front_door"),
        ("metrics", "ndcg"),
        ("refutations", "placebo_modality"),
        ("sources", "table"),
        ("splitters", "chronological"),
        ("worlds", "tiktok"),
    ],
)
def test_list_names_what_there_is(call: Call, kind: str, name: str) -> None:
    assert name in call("list", kind).out
    rows = call("list", kind, "--json").json
    assert name in [row["name"] for row in rows]
    assert all(row["summary"] for row in rows)


def test_a_kind_without_any_says_how_to_write_one(call: Call) -> None:
    assert "graphrec new section NAME" in call("list", "sections").out
    assert call("list", "sections", "--json").json == []


def test_a_sweep_is_one_row_a_value(call: Call, own: Callable[[str], Run]) -> None:
    answer = call("evaluate", own("causalrec").folder, "--estimand", "total_indirect_effect:strength=0,0.5,1", "--json")
    assert [row["estimand"] for row in answer.json] == [
        "total_indirect_effect:strength=0", "total_indirect_effect:strength=0.5", "total_indirect_effect"
    ]  # fmt: skip


def test_a_table_in_a_pipe_is_never_cut(call: Call, own: Callable[[str], Run]) -> None:
    folder = own("causalrec").folder
    answer = call("evaluate", folder, "--estimand", "total_indirect_effect:strength=0,0.25,0.5,0.75")
    blocks = [block.splitlines() for block in answer.out.strip().split("\n\n")]
    assert {len(block) for block in blocks} == {5} and max(len(line) for block in blocks for line in block) <= 120
    assert len({tuple(line.split("  ")[0] for line in block) for block in blocks}) == 1, "each names the same rows"
    for strength in (0, 0.25, 0.5, 0.75):
        assert f"total_indirect_effect:strength={strength:g} " in answer.out
    assert "…" not in answer.out


def test_a_missing_interval_is_null_in_json(call: Call, own: Callable[[str], Run]) -> None:
    folder = own("ct").folder
    assert call("evaluate", folder, "--json").status == 0
    record = json.loads((folder / "metrics.json").read_text())
    record["test/observational"]["metrics"]["mrr"]["low"] = float("nan")
    write_own_json(folder / "metrics.json", record)
    answer = call("compare", folder, "--json")
    assert "NaN" not in answer.out
    assert answer.json[0]["mrr_low"] is None


def test_compare_puts_runs_side_by_side_and_writes_the_report(
    call: Call, own: Callable[[str], Run], tmp_path: Path
) -> None:
    runs = [own("ct").folder, own("esmm").folder]
    for folder in runs:
        assert call("evaluate", folder).status == 0
    answer = call("compare", *runs, "--out", tmp_path / "report.html", "--json")
    assert answer.status == 0
    assert [row["run"] for row in answer.json] == ["ct", "esmm"]
    assert "<html" in (tmp_path / "report.html").read_text()


def test_compare_takes_replicates_as_one_method_in_the_report_too(
    call: Call, tiny_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    runs = [train(tiny_recipe("ct", f"seed={seed}"), tmp_path / f"ct-{seed}") for seed in (0, 1)]
    for run in runs:
        run.evaluate()
    page = tmp_path / "report.html"
    answer = call("compare", *(run.folder for run in runs), "--replicates", "--out", page, "--json")
    assert answer.status == 0 and [row["seeds"] for row in answer.json] == [2]
    shown = page.read_text()
    assert f"{answer.json[0]['ndcg@20']:.4f}".removeprefix("0") in shown and "users and 2 seeds" in shown


def test_compare_shows_a_dose_response_in_the_report(call: Call, own: Callable[[str], Run], tmp_path: Path) -> None:
    folder, page = own("ct").folder, tmp_path / "report.html"
    call("evaluate", folder)
    study = ROOT / "benchmarks" / "results" / "dose-hidden" / "results.csv"
    assert call("compare", folder, "--out", page, "--dose-response", study).status == 0
    shown = page.read_text()
    assert 'id="doses"' in shown and f"--dose-response {study}" in unescape(shown)
    page.unlink()
    refused = call("compare", folder, "--out", page, "--dose-response", tmp_path / "none.csv")
    assert refused.status == 2 and "no dose-response study" in refused.err and not page.exists()
    alone = call("compare", folder, "--dose-response", study)
    assert alone.status == 2 and "--out REPORT.html with --dose-response" in alone.err


def test_a_report_that_cannot_be_made_is_refused_before_the_table(
    call: Call, own: Callable[[str], Run], tmp_path: Path
) -> None:
    folder = own("ct").folder
    call("evaluate", folder)
    (tmp_path / "study.csv").write_text("a,b\n1,2\n")
    (tmp_path / "file").touch()
    page = tmp_path / "report.html"
    refused(call("compare", folder, "--out", tmp_path), "will not write a report there")
    refused(call("compare", folder, "--out", tmp_path / "file" / "report.html"), "a file in place of its parent")
    study = ("--dose-response", tmp_path / "study.csv")
    refused(call("compare", folder, "--out", page, *study), "not the results of a dose-response study")
    assert not page.exists()


def test_a_narrow_terminal_shows_what_matters_most_in_whole_cells(
    call: Call, own: Callable[[str], Run], tiny_world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [own("ct").folder, own("hcr").folder]
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


def test_evaluate_slices_and_lists_print_a_table_for_each_analysis(call: Call, own: Callable[[str], Run]) -> None:
    folder = own("ct").folder
    answer = call("evaluate", folder, "--slices", "--lists", "--json")
    assert answer.status == 0
    result_sets = [row.get("result_set") for row in answer.json]
    assert result_sets == [
        None, "active", "less_active", "time_1", "time_2", "time_3", "time_4", "time_drop", "high_ratio", "low_ratio",
        "lists",
    ]  # fmt: skip
    text = call("evaluate", folder, "--slices").out
    assert "Normalised recall@10" in text
    blocks = [block.splitlines() for block in text.split("\n\n")]
    tables: dict[str, list[list[str]]] = {}
    for block in blocks:
        tables.setdefault(block[1].split()[0], []).append(block)
    assert {name: {len(block) - 1 for block in table} for name, table in tables.items()} == {
        "CT": {1}, "active": {2}, "time_1": {4}, "time_drop": {1}, "high_ratio": {2},
    }  # fmt: skip
    assert not any("drop" in block[0] for block in tables["time_1"])
    assert not any("–" in block[1] for block in tables["time_drop"])
    assert call("compare", folder, "--result-set", "less_active", "--json").json[0]["method"] == "CT"


def test_evaluate_reports_what_the_data_does_not_allow(call: Call, own: Callable[[str], Run]) -> None:
    folder = own("ct").folder
    answer = call("evaluate", folder, "--slices", "--lists", "--off-policy")
    refused(answer, "marked as exposed at random", "where: ", "without --off-policy")
    assert not (folder / "ledger.jsonl").exists() and not Run(folder).results
    answer = call("evaluate", folder, "--slices", "--split", "valid")
    refused(answer, "the slices are of the test split", "where: --slices", "leave out --slices")


def test_compare_prints_tests_and_gives_p_in_json(call: Call, own: Callable[[str], Run]) -> None:
    runs = [own("ct").folder, own("esmm").folder]
    for folder in runs:
        call("evaluate", folder)
    answer = call("compare", *runs)
    assert answer.status == 0 and "compared with" in answer.out and "p (Wilcoxon)" in answer.out
    assert "[ ]: 95 % interval; **: better than every other row (p < .05, Holm-corrected)\n" in answer.out
    tests = answer.out[answer.out.index("compared with") :].splitlines()[1:]
    assert [line.split()[0] for line in tests[:-1]] == ["NDCG@10"], "of the report's headline metric alone"
    assert re.fullmatch(r"tests of \d+ more metrics: with --all-tests", tests[-1])
    everything = call("compare", *runs, "--all-tests").out
    metrics = [line.split()[0] for line in everything[everything.index("compared with") :].splitlines()[1:]]
    assert len(set(metrics)) == len(metrics) == 1 + int(tests[-1].split()[2]) and "--all-tests" not in everything
    rows = call("compare", *runs, "--json").json
    assert rows[0]["ndcg@20_p"] == rows[1]["ndcg@20_p"] and 0 < rows[0]["ndcg@20_p"] <= 1
    refused = call("compare", *runs, "--result-set", "lists")
    assert refused.status == 2 and f"graphrec evaluate {runs[0]} --lists" in refused.err


def test_refute_prints_figures_and_verdicts(call: Call, own: Callable[[str], Run]) -> None:
    folder = own("hcr").folder
    answer = call("refute", folder, "--check", "placebo_modality", "--epochs", 1)
    assert answer.status == 0
    assert "textual: NDCG@10 of HCR, real - placebo" in answer.out
    assert "textual shuffled over the items: epoch 1/1" in answer.err
    again = call("refute", folder, "--check", "placebo_modality", "--epochs", 1, "--json")
    assert again.err == ""
    assert again.json[0]["name"] == "placebo_modality"
    assert again.json[0]["verdict"] in answer.out


def test_recommend_prints_ids(call: Call, tiny_runs: dict[str, Run]) -> None:
    run = tiny_runs["hcr"]
    users = run.user_ids[:2]
    answer = call("recommend", run.folder, "--users", ", ".join(users), "--k", 2, "--json")
    expected = run.recommend(users, k=2)
    pd.testing.assert_frame_equal(pd.DataFrame(answer.json), expected, check_dtype=False)
    assert len(call("recommend", run.folder, "--users", users[0], "--k", 2).out.strip().splitlines()) == 3


def test_doctor_reports_and_fails_where_something_needed_is_missing_or_old(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = call("doctor", "--json")
    assert answer.status == 0
    assert {"check": "python", "state": "ok"}.items() <= answer.json[0].items()
    for state in ("missing", "old"):
        rows = [("python", "ok", "3.11"), ("torch", state, "pip install torch")]
        monkeypatch.setattr("graphrec.system.doctor.examine", lambda rows=rows: rows)
        answer = call("doctor")
        assert answer.status == 1
        assert "pip install torch" in answer.out
