"""`graphrec new backbone`: what it writes works as it stands, and it writes over nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command_line import Call, refused
from support.paths import ROOT
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.cli.scaffold import new_backbone
from graphrec.errors import ComponentError, RunError
from graphrec.runs.recipe import Recipe
from graphrec.runs.train import train


def test_the_test_that_is_written_passes_as_it_stands(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["new", "backbone", "scaffolded_net", "--out", str(tmp_path / "own")])
    assert answer.exit_code == 0
    assert "backbone.name=scaffolded_net:ScaffoldedNet" in answer.stdout
    assert sorted(path.name for path in (tmp_path / "own").iterdir()) == ["scaffolded_net.py", "test_scaffolded_net.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path / "own",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout and "skipped" not in done.stdout


def test_a_recipe_trains_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_recipe: Callable[..., Recipe]
) -> None:
    backbone, _, import_path = new_backbone("tiny_net", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    recipe = tiny_recipe("hcr", f"backbone.name={import_path}", "backbone.keep=0.5", "training.epochs=1")
    assert recipe.backbone_config().model_dump()["keep"] == 0.5
    run = train(recipe, tmp_path / "run")
    assert len(run.recommend(run.user_ids[:2], k=3)) == 6
    assert backbone.name == "tiny_net.py"


def test_a_run_is_not_taken_for_one_of_changed_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_recipe: Callable[..., Recipe]
) -> None:
    backbone, _, import_path = new_backbone("changed_net", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    recipe = tiny_recipe("ct", f"backbone.name={import_path}", "training.epochs=1")
    trained = train(recipe, tmp_path / "run")
    assert train(recipe, tmp_path / "run").manifest == trained.manifest
    backbone.write_text(backbone.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    with pytest.raises(RunError, match="the file of `changed_net` changed"):
        train(recipe, tmp_path / "run")
    assert list(train(recipe, tmp_path / "run", resume=False).manifest["custom_code"]) == ["changed_net"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lightgcn", "a backbone of `graphrec list backbones`"),
        ("class", "a keyword"),
        ("none", "would be called None"),
        ("2nets", "no identifier"),
        ("my-net", "no identifier"),
        ("../scaffolded_net", "no identifier"),
        ("", "no identifier"),
        ("__", "no identifier"),
        ("json", "a module that Python finds"),
        ("backbone", "would be called Backbone"),
    ],
)
def test_a_name_that_cannot_be_given_is_refused(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ComponentError) as caught:
        new_backbone(name, tmp_path)
    assert said in str(caught.value) and "choose another name" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["scaffolded_net.py", "test_scaffolded_net.py"])
def test_a_file_that_exists_stays_as_it_is(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(ComponentError, match="will not overwrite") as caught:
        new_backbone("scaffolded_net", tmp_path)
    assert str(tmp_path / name) in str(caught.value)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_the_command_refuses_with_status_2(call: Call, tmp_path: Path) -> None:
    refused(call("new", "backbone", "mmgcn", "--out", tmp_path), "error: `mmgcn` is taken")


def test_a_folder_of_that_name_is_no_hindrance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scaffolded_net").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert new_backbone("scaffolded_net", tmp_path)[0].is_file()


def test_the_document_names_what_the_command_writes() -> None:
    document = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    assert "graphrec new backbone own_net" in document and "own_net:OwnNet" in document
