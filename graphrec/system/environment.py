"""What a run was made with: versions, the state of graphrec's source, and the kind of machine."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from graphrec.system.memory import physical_bytes

PACKAGE = Path(__file__).resolve().parents[1]
CPUINFO = Path("/proc/cpuinfo")


def source_hash(package: Path = PACKAGE) -> str:
    r"""12 hex digits of the SHA-256 over names and bytes of a package's .py files.

    >>> package = Path("mine")
    >>> package.mkdir()
    >>> _ = (package / "__init__.py").write_text("x = 1\n")
    >>> source_hash(package)
    '56c6a3e37f2e'
    """
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py"), key=lambda file: file.relative_to(package).as_posix()):
        content = file.read_bytes()
        # The length marks where a file ends, so that no text can move from one file to the next unnoticed.
        digest.update(f"{file.relative_to(package).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:12]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    """The first model name that Linux lists; where there is none, what Python reports."""
    try:
        lines = CPUINFO.read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or "unknown"


def _platform() -> str:
    return f"{platform.system()} {platform.machine()}"


def _memory() -> str:
    size = physical_bytes()
    return "unknown" if size is None else f"{size / 2**30:.1f} GiB"


def cores() -> int | None:
    """The cores that this process may use, which in a container are often fewer than the machine's.

    >>> 1 <= cores() <= os.cpu_count()
    True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@dataclass(frozen=True)
class Environment:
    """Read once, when the module is imported; it names no host, person or path.

    Args:
        graphrec: its version.
        source: `source_hash` of the code that runs: two states of one version differ in it.
        python, torch, torch_geometric, numpy, pandas, scipy, optuna: versions.
        platform: system and architecture.
        processor: the CPU's model name.
        cores: those that the process may use.
        memory: the machine's, in GiB; "unknown" where the system does not tell.

    >>> environment = Environment()
    >>> environment.python == platform.python_version(), environment.source == source_hash()
    (True, True)
    """

    # Defaults are evaluated once, at import: an edit of the source during a training changes none of them.
    graphrec: str = _version("graphrec")
    source: str = source_hash()
    python: str = platform.python_version()
    torch: str = _version("torch")
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

    >>> code_of({"graphrec": "1.2", "source": "0f3a", "torch": "2.5"})
    'graphrec 1.2 (source 0f3a), torch 2.5'
    >>> code_of({})
    'graphrec unknown (source unknown), torch unknown'
    """
    versions = {name: environment.get(name, "unknown") for name in ("graphrec", "source", "torch")}
    return "graphrec {graphrec} (source {source}), torch {torch}".format(**versions)
