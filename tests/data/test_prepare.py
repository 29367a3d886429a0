"""From raw files to a prepared folder: it is written atomically, and nothing of the user's is ever replaced."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import graphrec as gr
from graphrec.cli.errors import in_shell
from graphrec.data.prepare import prepare, prepare_once
from graphrec.data.sources import sources
from graphrec.data.store import load
from graphrec.errors import Argument, DataError, GraphrecError, RecipeError, UnknownNameError
from graphrec.simulation import simulate
from graphrec.system.owned_folder import write_own_json


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A small table."""
    path = tmp_path / "mine" / "log.csv"
    path.parent.mkdir()
    rows = [(f"u{u}", f"i{i}", 10 * u + i) for u in range(6) for i in range(6)]
    pd.DataFrame(rows, columns=["user", "item", "timestamp"]).to_csv(path, index=False)
    return path


def test_prepared_data_is_what_the_source_read(tiny_world: Path, tiny_prepared: Path) -> None:
    kind = sources.get("tiktok")
    read, loaded = kind.load(tiny_world, kind.Options()), load(tiny_prepared)
    assert list(loaded.user_ids) == list(read.user_ids)
    assert list(loaded.item_ids) == list(read.item_ids)
    assert len(loaded.interactions) == len(read.interactions)
    assert set(loaded.features) == set(read.features)


def test_preparing_again_replaces_what_was_prepared(log: Path, tmp_path: Path) -> None:
    out = prepare("table", log, tmp_path / "out")
    before = load(out).num_users
    prepare("table", log, out)
    assert load(out).num_users == before == 6
    assert not any(path.name.startswith(".") for path in tmp_path.iterdir())


@pytest.mark.parametrize("inside", [True, False])
def test_the_raw_data_is_never_replaced(log: Path, inside: bool) -> None:
    (log.parent / "manifest.json").write_text("{}")  # a file of the user's, by chance called like ours
    raw = log if inside else log.parent
    with pytest.raises(DataError, match="will not write prepared data there") as caught:
        prepare("table", raw, log.parent)
    assert caught.value.where == log.parent
    assert log.is_file()


@pytest.mark.parametrize("folder", ["mine", "mine/log.csv"])
def test_files_of_others_are_never_replaced(log: Path, tmp_path: Path, tiny_world: Path, folder: str) -> None:
    with pytest.raises(DataError, match="will not write prepared data"):
        prepare("tiktok", tiny_world, tmp_path / folder)
    assert sorted(path.name for path in log.parent.iterdir()) == ["log.csv"]


def test_prepared_data_and_exported_embeddings_never_replace_each_other(
    tiny_runs: dict, tiny_world: Path, tiny_prepared: Path, tmp_path: Path
) -> None:
    exported = tiny_runs["ct"].export(tmp_path / "embeddings")
    with pytest.raises(DataError, match="will not write prepared data"):
        prepare("tiktok", tiny_world, exported)
    with pytest.raises(DataError, match="will not write an export"):
        tiny_runs["ct"].export(tiny_prepared)
    assert load(tiny_prepared).num_users == 120


def test_unknown_names_and_missing_data_are_named(tiny_world: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean `tiktok`"):
        prepare("tiktokk", tiny_world, tmp_path / "out")
    with pytest.raises(DataError, match="no such raw data") as caught:
        prepare("tiktok", tmp_path / "nowhere", tmp_path / "out")
    assert caught.value.where == tmp_path / "nowhere"
    assert not (tmp_path / "out").exists()


def test_an_unknown_option_is_an_error_with_the_nearest(log: Path, tmp_path: Path) -> None:
    option = next(iter(sources.get("table").Options.model_fields))
    with pytest.raises(RecipeError) as caught:
        prepare("table", log, tmp_path / "out", {option[:-1]: "x"})
    assert caught.value.problem == f"unknown table option `{option[:-1]}`; did you mean `{option}`?"
    assert caught.value.where == Argument("options") and in_shell(caught.value.where) == "--option"


def test_a_failed_preparation_leaves_nothing(log: Path, tmp_path: Path) -> None:
    log.write_text("user,item,timestamp\nu1,i1\nu2,i2,3,4,5\n")
    with pytest.raises(GraphrecError):
        prepare("table", log, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine"]


def test_the_public_verbs_are_functions() -> None:
    assert all(callable(getattr(gr, name)) for name in gr.__all__), gr.__all__


@pytest.mark.slow
def test_the_public_verbs_stay_functions_whatever_is_imported_first() -> None:
    code = (
        "import graphrec.experiments.papers, graphrec.cli, graphrec.data.prepare, graphrec as gr\n"
        "assert all(callable(getattr(gr, name)) for name in gr.__all__), gr.__all__\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_prepare_once_keeps_what_was_asked_for_and_refuses_anything_else(tiny_world: Path, tmp_path: Path) -> None:
    other = simulate("tiktok", tmp_path / "other", users=60, items=50, shown=20)
    out = prepare_once("tiktok", tiny_world, tmp_path / "prepared")
    before = (out / "manifest.json").stat().st_mtime_ns
    assert prepare_once("tiktok", tiny_world, out) == out
    assert (out / "manifest.json").stat().st_mtime_ns == before
    with pytest.raises(DataError, match="other prepared data"):
        prepare_once("tiktok", other, out)
    with pytest.raises(DataError, match="other prepared data") as caught:
        prepare_once("tiktok", tiny_world, out, {"layout": "icme"})
    assert caught.value.got == "another option layout" and "{'layout': 'icme'}" in str(caught.value.expected)


def test_data_prepared_before_an_option_existed_is_recognised(tiny_world: Path, tmp_path: Path) -> None:
    out = prepare_once("tiktok", tiny_world, tmp_path / "prepared")
    manifest = json.loads((out / "manifest.json").read_text())
    del manifest["provenance"]["options"]["item_offset"]
    write_own_json(out / "manifest.json", manifest)
    assert prepare_once("tiktok", tiny_world, out) == out
    with pytest.raises(DataError, match="other prepared data"):
        prepare_once("tiktok", tiny_world, out, {"item_offset": 3})
