"""`graphrec list backbones`: what each uses, trains and costs."""

from __future__ import annotations

import json
import re

import pytest
from support.command_line import Call
from typer.testing import CliRunner

from graphrec.backbones import backbones
from graphrec.backbones.listing import FEATURES, SYMBOLS
from graphrec.cli import app


def listed(*more: str) -> str:
    answer = CliRunner().invoke(app, ["list", "backbones", *more])
    assert answer.exit_code == 0
    return answer.stdout


def test_json_has_what_each_class_says_of_itself() -> None:
    rows = {row["name"]: row for row in json.loads(listed("--json"))}
    assert list(rows) == list(backbones)
    for name, row in rows.items():
        kind = backbones.get(name)
        assert row["features"].startswith(FEATURES[kind.modality_support])
        assert row["features"].endswith("needs one") == kind.needs_modalities
        assert row["auxiliary_losses"] == list(kind.auxiliary_losses)
        assert row["more_cost"] == kind.more_cost and row["modality_users"] == (kind.modality_support == "per_modality")
        assert row["cost"] == kind.cost and row["summary"].startswith(kind.__doc__.split("\n")[0])
    assert (rows["lightgcn"]["features"], rows["lightgcn"]["cost"]) == ("ids alone", "2 L E d")


def test_every_cost_is_stated_in_letters_that_are_explained() -> None:
    explained = set(re.findall(r"\b[A-Z]\b|\bd\b", SYMBOLS))
    for name in backbones:
        formula, *definitions = backbones.get(name).cost.split(",")
        own = {text.split("=")[0].strip() for text in definitions}
        letters = set(re.findall(r"[A-Za-z_]+", formula))
        assert letters and letters <= explained | own, name


def test_a_row_is_a_line_in_a_pipe() -> None:
    *blocks, _, _ = (block.splitlines() for block in listed().split("\n\n"))
    for block in blocks:
        assert [line.split()[0] for line in block] == ["name", *backbones]
    headers = [header for block in blocks for header in re.split(" {2,}", block[0])[1:]]
    assert headers == ["what it is", "features", "auxiliary losses", "multiply-adds"]


def test_a_hundred_columns_are_enough(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in {"FORCE_COLOR": "1", "NO_COLOR": "1", "COLUMNS": "100", "TERM": "xterm"}.items():
        monkeypatch.setenv(key, value)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", call("list", "backbones").out).splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) < 6 * (len(list(backbones)) + 1), "a backbone is a few lines, not a column of words"
    whole = set(" ".join(lines).split())
    for name in backbones:
        kind = backbones.get(name)
        for cell in (kind.name, kind.__doc__.split("\n")[0], *kind.auxiliary_losses, kind.cost, kind.more_cost):
            assert {word.rstrip(",;") for word in cell.split()} <= {word.rstrip(",;") for word in whole}, name


def test_other_kinds_keep_two_columns() -> None:
    rows = json.loads(CliRunner().invoke(app, ["list", "decoders", "--json"]).stdout)
    assert all(set(row) == {"name", "summary"} for row in rows)
