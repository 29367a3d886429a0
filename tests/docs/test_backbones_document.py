"""docs/backbones.md: its commands run, and the settings that it lists as refused are refused."""

from __future__ import annotations

import inspect
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.paths import ROOT
from typer.testing import CliRunner

from graphrec.backbones import backbones
from graphrec.backbones.listing import FEATURES, SYMBOLS
from graphrec.cli import app
from graphrec.errors import GraphrecError
from graphrec.runs.build import build, prepare_split
from graphrec.runs.recipe import Recipe

DOCUMENT = (ROOT / "docs" / "backbones.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```(toml|bash)\n(.*?)```", DOCUMENT, re.DOTALL))


def table(first: str) -> list[list[str]]:
    """The rows of the table whose first header is `first`."""
    match = re.search(rf"\n\| {first} \|.*\n\|---.*\n((?:\|.*\n)+)", DOCUMENT)
    assert match
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in match[1].splitlines()]


@pytest.fixture
def folder(tmp_path: Path, tiny_prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the document's recipe and data, and imports from it."""
    shutil.copytree(tiny_prepared, tmp_path / "runs" / "try" / "prepared")
    (tmp_path / "recipe.toml").write_text(BLOCKS["toml"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("other_net", None)


def test_the_letters_of_the_table_are_explained() -> None:
    assert SYMBOLS.split(": ", 1)[1] in " ".join(DOCUMENT.split())


def test_links_lead_to_files_that_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)", DOCUMENT):
        assert (ROOT / "docs" / target).exists(), target


def test_every_kind_of_feature_use_is_explained() -> None:
    assert [row[0] for row in table("features")] == list(FEATURES.values())


def test_the_commands_run_one_after_the_other(folder: Path) -> None:
    commands = BLOCKS["bash"].replace("\\\n", " ").splitlines()
    assert len(commands) == 5
    for command in commands:
        program, *arguments = shlex.split(command, comments=True)
        answer = CliRunner().invoke(app, arguments)
        assert program == "graphrec" and answer.exit_code == 0, (command, answer.output, answer.exception)
    names = [Recipe.from_toml(path).backbone["name"] for path in sorted(folder.glob("runs/try/*/recipe.toml"))]
    assert names == ["bm3", "freedom", "lightgcn", "other_net:OtherNet"]


@pytest.mark.parametrize(("settings", "problem"), table("settings"))
def test_a_setting_that_does_not_fit_is_refused_with_the_documented_error(
    folder: Path, settings: str, problem: str
) -> None:
    with pytest.raises(GraphrecError) as caught:
        recipe = Recipe.from_toml("recipe.toml", settings.strip("`").split())
        build(recipe, prepare_split(recipe))
    assert caught.value.problem == problem


@pytest.mark.parametrize("modality_items", ["features", "joint"])
def test_the_named_settings_exist(folder: Path, modality_items: str) -> None:
    more = ["backbone.features=true", f"backbone.modality_items={modality_items}"]
    for name in ("lightgcn", "ngcf"):
        recipe = Recipe.from_toml("recipe.toml", [f"backbone.name={name}", "backbone.edge_dropout=0.1", *more])
        assert recipe.backbone["edge_dropout"] == 0.1 and recipe.backbone["modality_items"] == modality_items
    assert Recipe.from_toml("recipe.toml", ["backbone.name=freedom"]).backbone["drop"] > 0


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in backbones
        if backbones.get(name).modality_support == "per_modality" or backbones.get(name).needs_modalities
    ],
)
def test_a_module_published_on_features_as_given_states_that_they_are_scaled(name: str) -> None:
    assert "scaled by column" in " ".join((inspect.getmodule(backbones.get(name)).__doc__ or "").split())
