"""`graphrec check DATASET --truth WORLD` shows how far the log's own truth is from the causal one."""

import json

import pytest
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.data.store import load
from graphrec.errors import DataError
from graphrec.simulation import simulate
from graphrec.simulation.oracle import oracle_gaps


def test_both_targets_are_measured(tiny_world, tiny_prepared):
    answer = CliRunner().invoke(app, ["check", str(tiny_prepared), "--truth", str(tiny_world), "--json"])
    assert answer.exit_code == 0, answer.output
    gaps = json.loads(answer.stdout)["oracles"]
    assert set(gaps) == {"like", "satisfaction"}
    assert gaps["like"]["loss"] > 0.05
    shown = CliRunner().invoke(app, ["check", str(tiny_prepared), "--truth", str(tiny_world)]).stdout
    assert f"{gaps['like']['loss']:.1%}" in shown and f"{gaps['satisfaction']['interventional_ndcg']:.4f}" in shown


def test_no_truth_asked_for_shows_none(tiny_prepared):
    assert "oracles" not in json.loads(CliRunner().invoke(app, ["check", str(tiny_prepared), "--json"]).stdout)


def test_a_truth_of_another_world_is_refused(tiny_prepared, tmp_path):
    other = simulate("tiktok", tmp_path / "other", users=120, items=80, shown=40, seed=1)
    with pytest.raises(DataError, match="another world"):
        oracle_gaps(load(tiny_prepared), other)


def test_fewer_users_may_be_asked_for(tiny_world, tiny_prepared):
    dataset = load(tiny_prepared)
    some, every = (oracle_gaps(dataset, tiny_world, users=users) for users in (30, 10_000))
    assert some["like"] != every["like"]
