"""The commands that repeat the runs of a page."""

from __future__ import annotations

import shutil
from html import unescape

import pytest
from support.trained_runs import copied

from graphrec.report.run_page import write_report
from graphrec.report.sections.repeat import commands
from graphrec.runs.run import Run
from graphrec.runs.train import train


@pytest.mark.usefixtures("undrawn")
def test_the_commands_name_the_data_where_the_recipe_no_longer_finds_them(ct, world, tmp_path, monkeypatch):
    shutil.copytree(world / "prepared", tmp_path / "here" / "data")
    monkeypatch.chdir(tmp_path / "here")
    train(ct.recipe.with_data_at("data"), "run").evaluate(split="valid")
    (line,) = train_lines(write_report([Run("run")], tmp_path / "a.html", split="valid"))
    assert line == "graphrec train run/recipe.toml --out run-again"
    monkeypatch.chdir(tmp_path)
    (line,) = train_lines(write_report([Run("here/run")], tmp_path / "a.html", split="valid"))
    assert line == "graphrec train here/run/recipe.toml --out here/run-again --set data.path=here/data"


def train_lines(page):
    return [line for line in unescape(page.read_text()).splitlines() if "graphrec train" in line]


def test_a_run_that_two_truths_evaluated_is_evaluated_by_both_again(ct, world, tmp_path):
    run = copied(ct, tmp_path / "run")
    for target in ("like", "satisfaction"):
        run.evaluate_truth(world / "raw", target=target)
    lines = [line for line in commands([run], "valid", tmp_path / "a.html").splitlines() if " evaluate " in line]
    ends = [line.partition("--estimand observational")[2] for line in lines]
    assert ends == [" --truth WORLD", " --truth WORLD --target satisfaction"]
