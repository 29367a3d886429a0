"""Integrity: no file that graphrec wrote is read with another content, whatever bit of it was changed."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.command_line import Call
from support.trained_runs import MakeRecipe, as_of_an_earlier_version, copied

import graphrec as gr
from graphrec.errors import DamagedFileError, DataError, GraphrecError
from graphrec.report.run_records import ledger
from graphrec.runs.artifacts import load_ids, load_tables
from graphrec.runs.run import Run
from graphrec.runs.train import train
from graphrec.simulation.truth import Truth
from graphrec.system.integrity import verify
from graphrec.system.marker import MARKER
from graphrec.system.owned_folder import write_own_json

READ: dict[str, Callable[[Path], Any]] = {
    "run.json": Run,
    "recipe.toml": Run,
    "history.jsonl": lambda folder: Run(folder).history,
    "weights.safetensors": lambda folder: Run(folder).model,
    "tables.safetensors": load_tables,
    "users.parquet": lambda folder: load_ids(folder, "users"),
    "items.parquet": lambda folder: load_ids(folder, "items"),
    "ledger.jsonl": lambda folder: ledger(Run(folder)),
    "metrics.json": lambda folder: list(Run(folder).results),
    "per_user/test-observational.parquet": lambda folder: Run(folder).results["test", "observational"].per_user,
    "refutation/results.json": lambda folder: Run(folder).refutation(),
    MARKER: lambda folder: Run(folder).history,
}
"""What reads each file of a run."""


@pytest.fixture
def folder(tiny_runs: dict[str, Run], tmp_path: Path) -> Path:
    """A copy of a run that was evaluated, with the results of a refutation."""
    run = copied(tiny_runs["ct"], tmp_path / "run")
    run.evaluate(["observational"])
    write_own_json(run.folder / "refutation" / "results.json", {})
    return run.folder


def damages(content: bytes, count: int, seed: int) -> list[bytes]:
    """The content with a bit flipped, or cut, in as many ways."""
    draw, damaged = random.Random(seed), []
    for number in range(count):
        if number % 3 == 0:
            damaged.append(content[: draw.randrange(len(content))])
        else:
            flipped = bytearray(content)
            flipped[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
            damaged.append(bytes(flipped))
    return damaged


def caught(path: Path, read: Callable[[Path], Any], folder: Path, count: int) -> None:
    """Each damage of a file is a typed error that names it."""
    content = path.read_bytes()
    assert read(folder) is not None
    for damaged in damages(content, count, seed=len(content)):
        path.write_bytes(damaged)
        with pytest.raises(DamagedFileError) as error:
            read(folder)
        assert Path(str(error.value.where)) == path
    path.write_bytes(content)
    assert read(folder) is not None


@pytest.mark.parametrize("name", READ)
def test_every_damage_of_a_file_of_a_run_is_caught(folder: Path, name: str) -> None:
    caught(folder / name, READ[name], folder, count=6)


@pytest.mark.slow  # the same with six damages is above; `benchmarks/reliability/damage.py` has a thousand
@pytest.mark.parametrize("name", READ)
def test_hundreds_of_damages_of_a_file_of_a_run_are_caught(folder: Path, name: str) -> None:
    caught(folder / name, READ[name], folder, count=200)


def test_every_damage_of_prepared_data_a_truth_and_a_checkpoint_is_caught(
    tiny_prepared: Path, tiny_world: Path, tiny_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, world = (shutil.copytree(path, tmp_path / path.name) for path in (tiny_prepared, tiny_world))
    for name in ("manifest.json", "users.parquet", "items.parquet", "interactions.parquet", "features.safetensors"):
        with pytest.raises(GraphrecError):
            (data / name).write_bytes((data / name).read_bytes()[:-1])
            gr.load(data)
        shutil.copy(tiny_prepared / name, data / name)
    for name in ("latents.safetensors", "world.json"):
        caught(world / "truth" / name, Truth.load, world, count=4)

    monkeypatch.setattr("graphrec.runs.train.CHECKPOINT_SECONDS", -1.0)
    recipe = tiny_recipe("ct")

    class Stop(Exception):
        pass

    def stop(trainer: object) -> None:
        raise Stop

    from graphrec.training.callbacks import AfterEpoch

    with pytest.raises(Stop):
        train(recipe, tmp_path / "run", callbacks=[AfterEpoch(stop)])
    checkpoint = tmp_path / "run" / "training.safetensors"
    checkpoint.write_bytes(damages(checkpoint.read_bytes(), 2, seed=0)[1])
    with pytest.raises(GraphrecError, match=r"training\.safetensors"):
        train(recipe, tmp_path / "run")
    checkpoint.unlink()
    assert train(recipe, tmp_path / "run").manifest["status"] == "complete"


def test_what_is_not_on_the_list_is_not_read(folder: Path) -> None:
    (folder / "metrics.json").rename(folder / "mine.json")
    assert not Run(folder).results
    listed = (folder / MARKER).read_text()
    as_of_an_earlier_version(folder)
    (folder / "mine.json").rename(folder / "metrics.json")
    assert len(Run(folder).results) == 1  # without a list it is read as it is
    (folder / MARKER).write_text(listed)


def test_verify_names_what_is_damaged_missing_and_foreign(folder: Path, call: Call) -> None:
    assert {state.state for state in verify(folder)} == {"intact"}
    (folder / "history.jsonl").write_text("{}")
    (folder / "weights.safetensors").unlink()
    (folder / "notes.txt").touch()
    states = {state.path: state.state for state in gr.verify(folder) if state.state != "intact"}
    assert states == {"history.jsonl": "damaged", "weights.safetensors": "missing", "notes.txt": "foreign"}
    answer = call("verify", folder)
    assert answer.status == 1 and "damaged: history.jsonl\n" in answer.out and "foreign: notes.txt" in answer.out
    assert call("verify", folder, "--json").json["weights.safetensors"] == "missing"
    as_of_an_earlier_version(folder)
    with pytest.raises(DataError, match="nothing here says"):
        verify(folder)
    with pytest.raises(DataError, match="no folder"):
        verify(folder / "nowhere")


def test_verify_goes_into_the_folders_of_a_benchmark_and_of_an_export(folder: Path, tmp_path: Path) -> None:
    out = Run(folder).export(folder.parent / "embeddings", "parquet")
    assert {state.state for state in verify(folder.parent)} == {"intact"}
    (table,) = (out / "branch").glob("*/user.parquet")
    table.write_bytes(table.read_bytes()[:-1])
    wrong = [state for state in verify(out.parent) if state.is_wrong]
    assert [state.path for state in wrong] == [table.relative_to(out.parent).as_posix()]
