"""Reading a stranger's folders runs nothing, opens nothing outside, starts nothing, connects nowhere: a hook counts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import audited_commands

from graphrec.runs.run import Run
from graphrec.system.marker import MARKER
from graphrec.system.owned_folder import own_file, write_own_json, write_own_text
from graphrec.training.checkpoint import load_weights

EVIL = (
    "from graphrec.backbones.mmgcn import MMGCN\nopen('/tmp/graphrec-was-here', 'w').close()\nclass It(MMGCN): pass\n"
)
VERBS: list[list[str]] = [
    ["evaluate", "{run}", "--split", "valid"],
    ["recommend", "{run}", "--users", "1"],
    ["explain", "{run}", "--user", "1", "--item", "1"],
    ["export", "{run}", "--out", "{run}-out", "--format", "parquet"],
    ["compare", "{run}", "--result-set", "valid"],
    ["compare", "{run}", "--out", "{run}.html"],
    ["refute", "{run}", "--seeds", "2", "--epochs", "1"],
    ["show", "{run}/recipe.toml"],
    ["train", "{run}/recipe.toml", "--out", "{run}-new"],
    ["tune", "{run}/recipe.toml", "--out", "{run}-tuned", "--trials", "1"],
    ["check", "{run}"],
    ["prepare", "tiktok", "--raw", "{run}", "--out", "{run}-data"],
    ["verify", "{run}"],
    ["evaluate", "{run}", "--truth", "{run}"],
]
FIELDS = (
    ("backbone", "name", False),
    ("decoder", "name", False),
    ("split", "name", False),
    ("training", "callbacks", True),
    ("evaluation", "metrics", True),
    ("evaluation", "estimands", True),
)
PACKAGES = (
    "torch_scatter",
    "numba",
    "triton",
    "numexpr",
    "bottleneck",
    "brotli",
    "optuna_x",
    "cupy",
    "IPython",
    "faiss",
)


def with_name(folder: Path, table: str, key: str, is_list: bool, name: str) -> None:
    """Let the recipe of a run name code."""
    import tomllib

    import tomli_w

    values = tomllib.loads((folder / "recipe.toml").read_text())
    values.setdefault(table, {})[key] = [name] if is_list else name
    write_own_text(folder / "recipe.toml", tomli_w.dumps(values))


def hostile_runs(run: Run, folder: Path) -> list[Path]:
    """Copies of a run, each with something that must not be followed."""
    (folder / "evil_code.py").write_text(EVIL)
    for package in PACKAGES:
        (folder / f"{package}.py").write_text(EVIL)
    copies = []

    def copy(name: str) -> Path:
        copies.append(Path(shutil.copytree(run.folder, folder / name)))
        return copies[-1]

    for number, (table, key, is_list) in enumerate(FIELDS):
        for name in ("evil_code:It", f"{folder}/evil_code.py:It", "./evil_code.py:It", "os:system"):
            with_name(copy(f"names-{number}-{len(copies)}"), table, key, is_list, name)
    for name in (
        "recipe.toml",
        "run.json",
        "weights.safetensors",
        "users.parquet",
        "history.jsonl",
        MARKER,
        "ledger.jsonl",
    ):
        linked = copy(f"link-{name}")
        (linked / name).unlink(missing_ok=True)
        (linked / name).symlink_to("/etc/passwd")
    tensors, _ = load_weights(run.folder / "tables.safetensors")
    from safetensors.torch import save_file

    for number, name in enumerate(("../../x/user", "/etc/x/user", "a/../user")):
        tables = copy(f"tables-{number}") / "tables.safetensors"
        names = {name: tensors["main/fused/user"], name.replace("user", "item"): tensors["main/fused/item"]}
        with own_file(tables) as file:
            save_file({key: value.clone() for key, value in {**tensors, **names}.items()}, file)
    listed = copy("marker-leads-out")
    write_own_json(listed / "metrics.json", {})
    manifest = json.loads((run.folder / "run.json").read_text())
    elsewhere = copy("data-elsewhere")
    write_own_json(elsewhere / "run.json", manifest | {"custom_code": {"evil_code": "0" * 64}})
    return copies


def audited(folder: Path, *groups: list[list[str]]) -> list[dict[str, Any]]:
    root = Path(audited_commands.__file__).parents[1]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(root.parent), str(root)]), OMP_NUM_THREADS="1")
    answer = subprocess.run(
        [sys.executable, "-m", "support.audited_commands", str(folder)],
        input=json.dumps(groups), capture_output=True, text=True, env=environment, cwd=folder.parent,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def assert_harmless(counted: dict[str, Any]) -> None:
    assert counted["counts"].pop("events") > 100, "the hook sees nothing"
    assert counted["counts"] == {}, counted["examples"]


@pytest.fixture
def folder(tiny_runs: dict[str, Run], tiny_prepared: Path, tmp_path: Path) -> Path:
    """All that the commands are given, the data of the runs included."""
    inside = tmp_path / "inside"
    inside.mkdir()
    shutil.copytree(tiny_prepared, inside / "prepared")
    return inside


@pytest.fixture
def run(folder: Path, tiny_runs: dict[str, Run]) -> Run:
    """A run whose data is in the folder."""
    copied = Path(shutil.copytree(tiny_runs["ct"].folder, folder / "run"))
    text = (copied / "recipe.toml").read_text()
    path = tiny_runs["ct"].recipe.data.path
    write_own_text(copied / "recipe.toml", text.replace(path, str(folder / "prepared")))
    return Run(copied)


def test_hostile_runs_run_open_start_and_connect_nothing_and_the_hook_sees_where_one_does(
    folder: Path, run: Run, tmp_path: Path
) -> None:
    copies = hostile_runs(run, folder)
    chosen = [copies[number] for number in (0, 5, 10, 24, -3, -1)]
    verbs = [VERBS[number] for number in (0, 3, 7)]
    commands = [[part.format(run=copy) for part in verb] for copy in chosen for verb in verbs]
    # The control: a run that is trusted, with code that does all that is counted.
    outside = tmp_path / "outside.txt"
    outside.write_text("secret")
    (folder / "evil_control.py").write_text(
        "import os, socket, subprocess\nfrom graphrec.backbones.mmgcn import MMGCN\n"
        f"open({str(outside)!r}).close()\nopen({str(outside)!r}, 'a').close()\nsubprocess.run(['true'])\n"
        "try:\n    socket.create_connection(('127.0.0.1', 9), timeout=1)\nexcept OSError:\n    pass\n"
        "class It(MMGCN): pass\n"
    )
    with_name(run.folder, "backbone", "name", False, f"{folder}/evil_control.py:It")
    verb = ["evaluate", str(run.folder), "--split", "valid"]
    hostile, untrusted, trusted = audited(folder, commands, [verb], [[*verb, "--trust", str(run.folder)]])
    assert_harmless(hostile)
    assert untrusted["statuses"] == {"2": 1}
    assert_harmless(untrusted)
    assert trusted["statuses"] == {"0": 1}
    assert {"executed", "opened", "written", "started", "connected"} <= set(trusted["counts"]), trusted


@pytest.mark.slow  # the same with a few of each is above
def test_every_command_on_every_hostile_run(folder: Path, run: Run) -> None:
    commands = [[part.format(run=copy) for part in verb] for copy in hostile_runs(run, folder) for verb in VERBS]
    (counted,) = audited(folder, commands)
    print(len(commands), "commands", counted["counts"]["events"], "events", counted["statuses"])
    assert_harmless(counted)
