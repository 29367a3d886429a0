"""Runs that other code made are used, and reported."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.command_line import Call
from support.stopped import Stopped, stop_after
from support.trained_runs import MakeRecipe

import graphrec.runs.train
from graphrec.runs.code_versions import other_code
from graphrec.runs.run import Run
from graphrec.runs.train import train
from graphrec.system.environment import Environment
from graphrec.system.owned_folder import write_own_json


def made_by(run: Run, **entries: str) -> Run:
    """The run as one that was made with something else."""
    manifest = json.loads((run.folder / "run.json").read_text())
    manifest["environment"] |= entries
    write_own_json(run.folder / "run.json", manifest)
    return Run(run.folder)


def test_runs_of_other_code_are_reported_in_one_line(own: Callable[[str], Run]) -> None:
    ct, esmm, hcr = own("ct"), own("esmm"), own("hcr")
    assert other_code([ct, esmm, hcr]) == ""
    ct = made_by(ct, processor="Another", pandas="1.0")
    assert other_code([ct]) == "", "the machine and what only reads tables are in the report alone"
    ct, esmm = made_by(ct, torch="1.9"), made_by(esmm, source="0123456789ab")
    note = other_code([ct, esmm, hcr])
    assert note.startswith("2 of 3 runs were made with other code") and "\n" not in note
    assert "torch 1.9" in note and "source 0123456789ab" in note and Environment().source in note
    manifest = json.loads((hcr.folder / "run.json").read_text())
    del manifest["environment"]["source"]
    write_own_json(hcr.folder / "run.json", manifest)
    assert "the run was" in other_code([Run(hcr.folder)]) and "source unknown" in other_code([Run(hcr.folder)])


def test_a_training_resumed_with_other_code_records_what_it_began_with(
    tiny_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphrec.runs.train, "CHECKPOINT_SECONDS", -1.0)
    recipe = tiny_recipe("ct", "training.epochs=4")
    for epoch in (1, 2):
        with pytest.raises(Stopped):
            train(recipe, tmp_path / "run", callbacks=[stop_after(epoch)])
        manifest = json.loads((tmp_path / "run" / "run.json").read_text())
        if epoch == 1:
            manifest["environment"]["torch"] = "1.9"
            write_own_json(tmp_path / "run" / "run.json", manifest)
    run = train(recipe, tmp_path / "run")
    assert run.manifest["begun_with"]["torch"] == "1.9" and run.manifest["environment"]["torch"] == torch.__version__
    assert "torch 1.9" in other_code([run])
    assert other_code([train(recipe, tmp_path / "run", resume=False)]) == ""


def test_the_command_reports_other_code_once(own: Callable[[str], Run], call: Call) -> None:
    run = made_by(own("ct"), graphrec="0.0.1", source="0123456789ab")
    answer = call("train", run.folder / "recipe.toml", "--out", run.folder)
    lines = answer.err.splitlines()
    assert answer.status == 0
    assert [line for line in lines if "other code" in line] == [line for line in lines if "--no-resume" in line]
    assert sum("graphrec 0.0.1 (source 0123456789ab)" in line for line in lines) == 1
