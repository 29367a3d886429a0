"""What a run was made with and on: versions, graphrec's own source, the machine's kind."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from graphrec.system.doctor import cores

PACKAGE = Path(__file__).resolve().parents[1]
CPUINFO = Path("/proc/cpuinfo")


def source_hash(package: Path = PACKAGE) -> str:
    """12 hex digits of the SHA-256 over names and bytes of a package's .py files."""
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py"), key=lambda file: file.relative_to(package).as_posix()):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(package).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:12]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    """The first model name that Linux lists; elsewhere, and on processors without one, what Python knows."""
    try:
        lines = CPUINFO.read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or "unknown"


def _platform() -> str:
    return f"{platform.system()} {platform.machine()}"


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB"


@dataclass(frozen=True)
class Environment:
    """Read once a process, at its beginning; names no host, person or path.

    Args:
        graphrec: its version.
        source: `source_hash` of the code that runs, which tells states of one version apart.
        python, torch, torch_geometric, numpy, pandas, scipy, optuna: versions.
        platform: system and architecture.
        processor: the CPU's model name.
        cores: those that the process may use.
        memory: the machine's, in GiB.
    """

    graphrec: str = _version("graphrec")
    source: str = source_hash()
    python: str = platform.python_version()
    torch: str = torch.__version__
    torch_geometric: str = _version("torch-geometric")
    numpy: str = _version("numpy")
    pandas: str = _version("pandas")
    scipy: str = _version("scipy")
    optuna: str = _version("optuna")
    platform: str = _platform()
    processor: str = _processor()
    cores: int = cores() or 0
    memory: str = _memory()


def code_of(environment: Mapping[str, Any]) -> str:
    """The code behind a run in a few words: graphrec with its source, and torch.

    Args:
        environment: an `Environment` as a run's manifest keeps it; an old one may lack entries.
    """
    known = {name: environment.get(name, "unknown") for name in ("graphrec", "source", "torch")}
    return "graphrec {graphrec} (source {source}), torch {torch}".format(**known)
