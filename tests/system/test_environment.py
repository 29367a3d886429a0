"""environment.yml describes the environment of requirements.lock."""

from __future__ import annotations

import re
import tomllib

import pytest
from support.paths import ROOT

LOCKS = ("requirements-torch.lock", "requirements.lock", "requirements-oracle.lock")
CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib"}
NOT_FROM_PYPI = {"python", "pytorch-scatter", "gcc", "make", "pip"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked() -> dict[str, str]:
    """Versions by name, torch's included, which has a lock of its own."""
    return {name: version for file in ("requirements.lock", "requirements-torch.lock") for name, version in pins(file)}


def pins(file: str) -> list[tuple[str, str]]:
    """The names and versions in a lock file."""
    text = (ROOT / file).read_text()
    return [(normal(name), version) for name, version in re.findall(r"(?m)^([\w.-]+)==([\w.]+)", text)]


def conda() -> dict[str, str]:
    versions = {}
    for line in (ROOT / "environment.yml").read_text().splitlines():
        match = re.fullmatch(r"  - ([\w.-]+)(?:=([\w.]+))?", line)
        if match and match.group(1) not in ("conda-forge",):
            name = normal(match.group(1)).replace("pytorch-geometric", "torch-geometric")
            versions[CONDA_NAMES.get(name, name)] = match.group(2) or ""
    return versions


def test_conda_versions_equal_the_lock() -> None:
    versions = {name: version for name, version in conda().items() if name not in NOT_FROM_PYPI}
    assert versions, "environment.yml was not understood"
    assert versions == {name: locked()[name] for name in versions}


def test_torch_scatter_is_in_the_conda_environment_and_not_in_the_lock() -> None:
    assert "pytorch-scatter" in conda()
    assert "torch-scatter" not in locked()


def test_everything_the_package_needs_is_locked_and_in_conda() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [
        *project["dependencies"],
        *(p for extra in ("dev", "tune") for p in project["optional-dependencies"][extra]),
    ]
    names = {normal(re.split(r"[<>=]", requirement)[0]) for requirement in needed}
    assert names <= set(locked())
    assert names <= set(conda())


def test_the_oracles_of_the_tests_are_locked_apart_and_change_nothing_else() -> None:
    assert pins("requirements-oracle.lock") == [
        ("dowhy", "0.14"),
        ("ir-measures", "0.4.3"),
        ("pytrec-eval-terrier", "0.5.11"),
    ]
    assert not {"dowhy", "ir-measures", "pytrec-eval-terrier"} & set(locked())
    makefile = (ROOT / "Makefile").read_text()
    assert "pip install --quiet --require-hashes --no-deps -r requirements-oracle.lock" in makefile


def test_the_lock_names_no_torch_build() -> None:
    assert locked()["torch"] == "2.13.0"
    assert not any(name.startswith(("nvidia", "cuda", "triton")) for name in locked())


@pytest.mark.parametrize("file", ["requirements.lock", "requirements-oracle.lock"])
def test_every_locked_file_has_its_hash_and_no_index_is_named(file: str) -> None:
    text = (ROOT / file).read_text()
    entries = re.findall(r"(?m)^[\w.-]+==[\w.]+((?: \\\n    --hash=sha256:[0-9a-f]{64})*)$", text)
    assert len(entries) == len(pins(file)) and all(entries)
    assert not re.search(r"https?:|--index|--find-links|--trusted", text)
    assert f"--require-hashes {'--no-deps ' if 'oracle' in file else ''}-r {file}" in (ROOT / "Makefile").read_text()


def test_what_builds_the_package_is_locked_and_torch_alone_has_no_hash() -> None:
    assert "setuptools" in locked()
    assert pins("requirements-torch.lock") == [("torch", "2.13.0")]
    assert "torch" not in dict(pins("requirements.lock"))


def test_every_locked_package_has_a_licence_in_the_list() -> None:
    listed = dict(
        re.findall(r"(?m)^\| `([\w.-]+)` \| [\w.]+ \| (.+?) \|$", (ROOT / "docs" / "licences.md").read_text())
    )
    names = {name for file in LOCKS for name, _ in pins(file)}
    assert names == {normal(name) for name in listed}
    assert all(licence.strip() for licence in listed.values())
