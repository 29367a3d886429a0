"""Exported tables, read with numpy and pandas alone, give the scores that the run gives."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file

from graphrec.decoders import BlockLogits
from graphrec.errors import DataError, UnknownNameError
from graphrec.runs.run import Run

FORMATS = ("parquet", "safetensors", "npz")
Tables = dict[str, np.ndarray]


def reload(folder: Path) -> Tables:
    """All tables by name, as somebody without graphrec would read them."""
    manifest = json.loads((folder / "embeddings.json").read_text())
    if manifest["format"] == "npz":
        with np.load(folder / "tables.npz", allow_pickle=False) as stored:
            return {name: stored[name] for name in manifest["tables"]}
    if manifest["format"] == "safetensors":
        return load_file(folder / "tables.safetensors")
    return {
        name: np.stack(pd.read_parquet(folder / f"{name}.parquet")["embedding"].to_numpy())
        for name in manifest["tables"]
    }


def logits(tables: Tables, branch: str) -> np.ndarray:
    return tables[f"branch/{branch}/user"] @ tables[f"branch/{branch}/item"].T


def reference(tables: Tables, branch: str) -> np.ndarray:
    return tables[f"branch/{branch}/user"] @ tables[f"reference/{branch}/item"].T


def s(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x.astype(np.float64)))


def match(tables: Tables) -> np.ndarray:
    return logits(tables, "match")


def click_and_convert(tables: Tables) -> np.ndarray:
    return np.log(s(logits(tables, "click"))) + np.log(s(logits(tables, "conversion")))


def front_door(tables: Tables) -> np.ndarray:
    f = logits(tables, "click_match") * s(logits(tables, "click_exposure"))
    return np.log(s(f)) + np.log(s(logits(tables, "like_match")))


def indirect_effect(tables: Tables) -> np.ndarray:
    factual = s(logits(tables, "match")) * s(logits(tables, "match_visual"))
    intervened = s(reference(tables, "match")) * s(reference(tables, "match_visual"))
    return s(logits(tables, "notice")) * (factual - intervened)


FORMULAS: dict[str, tuple[str, Callable[[Tables], np.ndarray]]] = {
    "ct": ("match", match),
    "esmm": ("log s(click) + log s(conversion)", click_and_convert),
    "hcr": ("log s(click_match * s(click_exposure)) + log s(like_match)", front_door),
    "causalrec": (
        "s(notice) * (s(match) * s(match_visual) - s(match*) * s(match_visual*)), * at the reference item",
        indirect_effect,
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("format", FORMATS)
def test_reloaded_tables_give_the_branches_logits(
    tiny_runs: dict[str, Run], tmp_path: Path, name: str, format: str
) -> None:
    run = tiny_runs[name]
    tables = reload(run.export(tmp_path / "out", format))
    expected = BlockLogits(run.model.branches, torch.arange(len(run.user_ids)))
    assert {table.split("/")[1] for table in tables if table.startswith("branch/")} == set(expected)
    for branch in expected:
        np.testing.assert_allclose(logits(tables, branch), expected[branch].numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("format", FORMATS)
def test_the_stated_formula_gives_the_default_ranking(
    tiny_runs: dict[str, Run], tmp_path: Path, name: str, format: str
) -> None:
    run = tiny_runs[name]
    out = run.export(tmp_path / "out", format)
    text, formula = FORMULAS[name]
    assert json.loads((out / "embeddings.json").read_text())["score"] == text
    mine = formula(reload(out))
    theirs = run.model.scorer(next(iter(run.model.decoder.variants().values())))(
        torch.arange(len(run.user_ids))
    ).numpy()
    if name != "causalrec":
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)
        return
    # The run's score is a rising function of the effect: the ranking is the same, but for items too near to tell.
    order = np.argsort(-theirs, axis=1, kind="stable")
    ranked = np.take_along_axis(mine, order, axis=1)
    assert np.all(np.diff(ranked, axis=1) <= 1e-6 * np.abs(mine).max())
    assert np.array_equal(np.sign(mine[np.abs(mine) > 1e-6]), np.sign(theirs[np.abs(mine) > 1e-6]))


def test_the_reference_is_the_decoder_at_the_mean_item(tiny_runs: dict[str, Run], tmp_path: Path) -> None:
    run = tiny_runs["causalrec"]
    tables = reload(run.export(tmp_path / "out", "npz"))
    for branch, representation in run.model.reference_branches("mean").items():
        np.testing.assert_array_equal(tables[f"reference/{branch}/item"], representation.item.numpy())
    # The visual features pass through a tanh, so the reference is not the mean of that branch's rows.
    mean = tables["branch/match_visual/item"].mean(0, keepdims=True)
    assert not np.allclose(tables["reference/match_visual/item"], mean, rtol=1e-3, atol=0)


@pytest.mark.parametrize("format", FORMATS)
def test_row_r_belongs_to_the_id_in_row_r(tiny_runs: dict[str, Run], tmp_path: Path, format: str) -> None:
    run = tiny_runs["hcr"]
    out = run.export(tmp_path / "out", format)
    for side, ids in (("user", run.user_ids), ("item", run.item_ids)):
        table = pd.read_parquet(out / f"{side}s.parquet")
        assert list(table["id"]) == list(ids)
        assert list(table["row"]) == list(range(len(ids)))
        if format == "parquet":
            assert list(pd.read_parquet(out / f"branch/like_match/{side}.parquet")["id"]) == list(ids)


@pytest.mark.parametrize("name", FORMULAS)
def test_all_formats_hold_the_same_float32_numbers(tiny_runs: dict[str, Run], tmp_path: Path, name: str) -> None:
    first, *others = [reload(tiny_runs[name].export(tmp_path / format, format)) for format in FORMATS]
    for tables in others:
        assert set(tables) == set(first)
        for table, values in tables.items():
            assert values.dtype == first[table].dtype == np.float32
            np.testing.assert_array_equal(values, first[table])


def test_the_manifest_says_what_it_is(tiny_runs: dict[str, Run], tmp_path: Path) -> None:
    run = tiny_runs["hcr"]
    out = run.export(tmp_path / "out", "safetensors")
    manifest = json.loads((out / "embeddings.json").read_text())
    tables = reload(out)
    assert manifest["estimand"] == "front_door"
    assert manifest["rows"] == {"user": len(run.user_ids), "item": len(run.item_ids)}
    assert manifest["tables"] == {name: list(values.shape) for name, values in tables.items()}
    assert (manifest["run"], manifest["dataset"]) == ("hcr", "tiktok")


@pytest.mark.parametrize("name", FORMULAS)
def test_the_manifest_says_what_its_formula_is_written_in(tiny_runs: dict[str, Run], tmp_path: Path, name: str) -> None:
    manifest = json.loads((tiny_runs[name].export(tmp_path / "out") / "embeddings.json").read_text())
    assert manifest["notation"]["s(x)"] == "the sigmoid, 1 / (1 + exp(-x))"
    names = set(re.findall(r"[a-z_]+(?=[^a-z_])|[a-z_]+$", manifest["score"].partition(",")[0])) - {"s", "log"}
    assert names <= {table.split("/")[1] for table in manifest["tables"]}
    if "*)" in manifest["score"]:
        assert "reference" in manifest["notation"]["NAME*"]


def test_an_export_replaces_an_export_and_nothing_else(tiny_runs: dict[str, Run], tmp_path: Path) -> None:
    run = tiny_runs["ct"]
    out = run.export(tmp_path / "out", "parquet")
    run.export(out, "npz")
    assert sorted(path.name for path in out.iterdir()) == [
        "embeddings.json", "graphrec.json", "items.parquet", "tables.npz", "users.parquet"
    ]  # fmt: skip
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    for path in (tmp_path / "mine", tmp_path / "mine" / "notes.txt", run.folder):
        with pytest.raises(DataError, match="will not write an export"):
            run.export(path)


def test_an_unknown_format_is_named_before_anything_is_written(tiny_runs: dict[str, Run], tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean `parquet`"):
        tiny_runs["ct"].export(tmp_path / "out", "parket")
    assert list(tmp_path.iterdir()) == []
