"""What makes graphrec a package: its names, its metadata, and the systems on which it can be imported."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import metadata, version
from pathlib import Path

import pytest
from support.paths import ROOT

import graphrec as gr

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WITHOUT_UNIX = """
import os, sys
import filelock, pandas, psutil, torch  # on Unix some of them need what is taken away next

for name in ("fcntl", "resource", "termios", "pwd", "grp"):
    sys.modules[name] = None  # an import of it then fails, as on Windows
for name in {"sysconf", "sched_getaffinity"} & set(dir(os)):
    delattr(os, name)

import graphrec.cli.app, graphrec.runs.train, graphrec.testing
from graphrec.system.environment import Environment
from graphrec.system import memory

memory.STATUS = memory.Path("nowhere")
print(memory.peak_mb(), Environment().memory)
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)


def test_dir_lists_the_public_names() -> None:
    assert dir(gr) == sorted([*gr.__all__, "__version__"])
    assert all(getattr(gr, name) is not None for name in dir(gr))


def test_every_public_name_shows_an_example() -> None:
    for name in gr.__all__:
        value = getattr(gr, name)
        documented = [value, *(vars(value).values() if isinstance(value, type) else ())]
        assert any(">>>" in (getattr(part, "__doc__", None) or "") for part in documented), name


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute `trian`"):
        gr.trian  # noqa: B018


def test_the_version_is_that_of_the_project() -> None:
    assert gr.__version__ == version("graphrec") == PROJECT["version"]


def test_the_types_ship() -> None:
    assert (Path(gr.__file__).parent / "py.typed").is_file()


def test_the_licence_is_named_and_there() -> None:
    assert PROJECT["license"] == "MIT" and PROJECT["license-files"] == ["LICENSE"]
    assert "Copyright (c) 2026 the graphrec contributors" in (ROOT / "LICENSE").read_text()
    assert {"description", "keywords", "classifiers", "authors"} <= set(PROJECT) and "urls" not in PROJECT
    assert metadata("graphrec")["Name"] == "graphrec"


def test_the_tested_system_is_the_only_one_that_is_claimed() -> None:
    systems = [name for name in PROJECT["classifiers"] if name.startswith("Operating System")]
    assert systems == ["Operating System :: POSIX :: Linux"]
    assert "On macOS and Windows the package can be imported" in (ROOT / "docs" / "commands.md").read_text(
        encoding="utf-8"
    )


def test_the_module_is_the_command() -> None:
    assert run("-m", "graphrec", "--version").stdout.strip() == PROJECT["version"]


def test_the_import_needs_no_module_of_unix_and_warns_of_nothing_deprecated() -> None:
    done = run("-W", "error::DeprecationWarning", "-c", WITHOUT_UNIX)
    assert done.stdout.split() == ["0", "unknown"]
    assert done.stderr == ""
