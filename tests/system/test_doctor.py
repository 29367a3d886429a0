"""doctor: what it says of a sound and of a broken installation."""

from __future__ import annotations

import builtins
import importlib.util
import tomllib
from importlib.metadata import PackageNotFoundError, version
from types import SimpleNamespace

import pytest
from support.paths import ROOT

from graphrec.system import doctor

PROJECT = ROOT / "pyproject.toml"


def states() -> dict[str, tuple[str, str]]:
    return {name: (state, detail) for name, state, detail in doctor.examine()}


def test_this_installation_is_sound() -> None:
    checked = states()
    assert {state for state, _ in checked.values()} <= {"ok", "optional"}
    assert checked["torch"] == ("ok", version("torch"))
    assert {"python", "device", "cores", "free disk here"} <= set(checked)


def test_it_looks_at_every_dependency_of_the_project() -> None:
    listed = tomllib.loads(PROJECT.read_text())["project"]["dependencies"]
    assert dict(text.split(">=") for text in listed) == doctor.NEEDED
    assert tomllib.loads(PROJECT.read_text())["project"]["requires-python"].startswith(f">={doctor.PYTHON}")


def test_a_missing_package_is_named_with_the_command_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_pyarrow(name: str) -> str:
        if name == "pyarrow":
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(doctor, "version", no_pyarrow)
    assert states()["pyarrow"] == ("missing", "pip install 'pyarrow>=17'")


@pytest.mark.parametrize(
    ("installed", "state"), [("1.26.4", "old"), ("2", "ok"), ("2.0.0rc1", "ok"), ("2.10.1+cpu", "ok"), ("10.0", "ok")]
)
def test_a_package_of_an_earlier_version_is_old(monkeypatch: pytest.MonkeyPatch, installed: str, state: str) -> None:
    monkeypatch.setattr(doctor, "version", lambda name: installed if name == "numpy" else version(name))
    assert states()["numpy"][0] == state
    if state == "old":
        assert states()["numpy"][1] == "1.26.4, needs 2.0 or later: pip install 'numpy>=2.0'"


@pytest.mark.parametrize(("spec", "state"), [(None, "optional"), (SimpleNamespace(), "ok")])
def test_what_is_optional_is_never_missing(monkeypatch: pytest.MonkeyPatch, spec: object, state: str) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    checked = states()
    assert {checked[name][0] for name in doctor.OPTIONAL} == {state}


def test_an_old_python_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.platform, "python_version", lambda: "3.10.2")
    assert states()["python"] == ("old", "3.10.2, needs 3.11 or later: install Python 3.11 or later")


@pytest.mark.parametrize("error", [ImportError("no torch"), OSError("libcudart.so is missing")])
def test_a_torch_that_cannot_be_imported_is_missing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    real = builtins.__import__

    def without_torch(name: str, *rest):
        if name == "torch":
            raise error
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_torch)
    state, detail = states()["device"]
    assert state == "missing"
    assert str(error) in detail
