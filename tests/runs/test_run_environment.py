"""What a run says of the code and machine behind it."""

from __future__ import annotations

import os
import platform
import re
import socket
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

import graphrec.system.environment
from graphrec.report.sections.environment import environments
from graphrec.runs.run import Run
from graphrec.system.environment import Environment, code_of, source_hash


def test_versions_and_machine_are_in_the_manifest(tiny_runs: dict[str, Run]) -> None:
    environment = tiny_runs["ct"].manifest["environment"]
    assert environment == asdict(Environment())
    assert environment["torch"] == torch.__version__ and re.fullmatch("[0-9a-f]{12}", environment["source"])
    assert {name: environment[name] for name in ("pandas", "scipy", "optuna")} == {
        name: version(name) for name in ("pandas", "scipy", "optuna")
    }
    assert environment["cores"] >= 1 and environment["processor"]
    assert float(environment["memory"].removesuffix(" GiB")) > 0
    text = str(environment)
    assert socket.gethostname() not in text and os.sep not in text


def test_the_source_hash_follows_names_and_bytes(tmp_path: Path) -> None:
    def written(files: dict[str, str]) -> str:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        return source_hash(folder)

    original = written({"a.py": "x = 1\n", "part/b.py": "y = 2\n"})
    assert re.fullmatch("[0-9a-f]{12}", original)
    assert written({"part/b.py": "y = 2\n", "a.py": "x = 1\n", "page.html": "no code"}) == original
    others = [
        written({"a.py": "x = 2\n", "part/b.py": "y = 2\n"}),
        written({"c.py": "x = 1\n", "part/b.py": "y = 2\n"}),
        written({"a.py": "x = 1\n", "b.py": "y = 2\n"}),
        written({"a.py": "x = 1\n"}),
        written({"a.py": "x = 1\ny", "part/b.py": " = 2\n"}),
    ]
    assert len({original, *others}) == 6


def test_the_processor_is_named_by_its_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = tmp_path / "cpuinfo"
    monkeypatch.setattr(graphrec.system.environment, "CPUINFO", listed)
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert graphrec.system.environment._processor() == "unknown"
    listed.write_text("processor\t: 0\nmodel name\t: A Fast One: 2\nprocessor\t: 1\nmodel name\t: A Slow One\n")
    assert graphrec.system.environment._processor() == "A Fast One: 2"


def test_the_report_shows_each_environment_once(tiny_runs: dict[str, Run], own: Callable[[str], Run]) -> None:
    runs = [tiny_runs["ct"], tiny_runs["esmm"], tiny_runs["hcr"]]
    names = {run.folder: run.name for run in runs}
    (environment,) = environments(runs, names)
    assert (
        environment["runs"] == ["ct", "esmm", "hcr"] and environment["facts"].items() >= asdict(Environment()).items()
    )
    copied = own("ct")
    copied.manifest["begun_with"] = {"graphrec": "0.0.1", "torch": "1.9"}
    first, second = environments([*runs, copied], names | {copied.folder: "copied"})
    assert second["runs"] == ["copied"] and second["facts"]["begun_with"].endswith("torch 1.9")
    assert "begun_with" not in first["facts"]


def test_code_is_named_by_the_entries_that_there_are() -> None:
    assert code_of({"graphrec": "0.0.1", "torch": "1.9"}) == "graphrec 0.0.1 (source unknown), torch 1.9"
