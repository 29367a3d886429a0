"""Fixtures shared by every test."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.command_line import Answer, Call
from support.packages import install
from support.paths import ROOT

if TYPE_CHECKING:
    from support.trained_runs import MakeRecipe

    from graphrec.runs.recipe import Recipe
    from graphrec.runs.run import Run

__all__ = ["install"]

REALDATA = Path(os.environ.get("GRAPHREC_REALDATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def realdata() -> Callable[[str], Path]:
    """Gives the folder of a real dataset, or skips: real data is not distributed with the project.

    `GRAPHREC_REALDATA` names the folder that holds them.
    """

    def folder(name: str) -> Path:
        path = REALDATA / name
        if not path.is_dir():
            pytest.skip(f"real dataset `{name}` is not at {REALDATA}; set GRAPHREC_REALDATA")
        return path

    return folder


@pytest.fixture(scope="session")
def tiny_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw folder of a simulated Tiktok twin: 120 users, 80 items, with its truth."""
    from graphrec.simulation import simulate

    return simulate("tiktok", tmp_path_factory.mktemp("tiny") / "raw", users=120, items=80, shown=40)


@pytest.fixture(scope="session")
def tiny_prepared(tiny_world: Path) -> Path:
    """The tiny world, prepared."""
    from graphrec.data.prepare import prepare

    return prepare("tiktok", tiny_world, tiny_world.parent / "prepared")


@pytest.fixture(scope="session")
def tiny_recipe(tiny_prepared: Path) -> MakeRecipe:
    """Makes a recipe of two quick epochs on the tiny world; further arguments are as `--set` takes them."""
    from graphrec.runs.recipe import Recipe

    def make(decoder: str = "hcr", *overrides: str) -> Recipe:
        values = {
            "data": {"path": str(tiny_prepared)},
            "backbone": {"embedding_size": 16, "projection": 16},
            "decoder": {"name": decoder},
            "training": {"epochs": 2, "batch_size": 1024, "learning_rate": 0.01, "monitor": "ndcg@20"},
            "evaluation": {"k": [10, 20]},
        }
        return Recipe.from_dict(values, overrides)

    return make


@pytest.fixture(scope="session")
def tiny_runs(tiny_recipe: MakeRecipe, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A trained run of each decoder, shared by all tests: copy a run's folder before changing it."""
    from graphrec.runs.train import train

    folder = tmp_path_factory.mktemp("runs")
    return {name: train(tiny_recipe(name), folder / name) for name in ("ct", "esmm", "hcr", "causalrec")}


@pytest.fixture
def own(tiny_runs: dict[str, Run], tmp_path: Path) -> Callable[[str], Run]:
    """A private copy of a tiny run."""
    from support.trained_runs import copied

    return lambda name: copied(tiny_runs[name], tmp_path / f"run-{name}")


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Runs the real entry point in this process."""
    from graphrec.cli import main

    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["graphrec", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        printed = capsys.readouterr()
        return Answer(int(caught.value.code or 0), printed.out, printed.err)

    return run
