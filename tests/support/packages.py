"""Packages that offer components through entry points, as if they were installed."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Install = Callable[..., None]
GROUPS = {
    "graphrec.backbones": ("graphrec.backbones", "backbones"),
    "graphrec.callbacks": ("graphrec.training.callbacks", "callbacks"),
    "graphrec.checks": ("graphrec.checks.dataset", "checks"),
    "graphrec.decoders": ("graphrec.decoders", "decoders"),
    "graphrec.estimands": ("graphrec.causal", "estimands"),
    "graphrec.metrics": ("graphrec.evaluation.metrics", "metrics"),
    "graphrec.refutations": ("graphrec.refutation", "refutation_checks"),
    "graphrec.report_sections": ("graphrec.report.section", "report_sections"),
    "graphrec.sources": ("graphrec.data.sources", "sources"),
    "graphrec.splitters": ("graphrec.data.splitters", "splitters"),
    "graphrec.worlds": ("graphrec.simulation", "worlds"),
}
"""Module and name of each group's registry."""


def registry_of(group: str):
    module, name = GROUPS[group]
    return getattr(importlib.import_module(module), name)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a distribution with entry points on the path: `install(name, {group: {entry: value}}, module=source)`."""
    before = {group: dict(registry_of(group)._components) for group in GROUPS}
    loaded = set(sys.modules)

    def put(package: str, groups: dict[str, dict[str, str]], **modules: str) -> None:
        folder = tmp_path / package
        info = folder / f"{package}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = []
        for group, entries in groups.items():
            lines += [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        for name, source in modules.items():
            (folder / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(folder)

    yield put
    for group, components in before.items():
        registry_of(group)._components = components
    for name in set(sys.modules) - loaded:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]
