"""What an installation has and lacks."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version

NEEDED = ("torch", "torch-geometric", "numpy", "scipy", "pandas", "pyarrow", "networkx", "pydantic", "typer",
          "rich", "safetensors", "matplotlib", "jinja2", "tomli-w")  # fmt: skip
OPTIONAL = {
    "torch_scatter": "not needed: slower than graphrec's own kernels, see benchmarks/results/speed/scatter.txt",
    "optuna": "for `graphrec tune`: pip install optuna",
}


def examine() -> list[tuple[str, str, str]]:
    """(what, state, detail) of everything looked at; the state is `ok`, `missing` or `optional`."""
    rows = [("python", "ok" if sys.version_info >= (3, 11) else "missing", platform.python_version())]
    for name in NEEDED:
        try:
            rows.append((name, "ok", version(name)))
        except PackageNotFoundError:
            rows.append((name, "missing", f"pip install {name}"))
    for module, use in OPTIONAL.items():
        found = importlib.util.find_spec(module) is not None
        rows.append((module, "ok", "installed") if found else (module, "optional", f"not installed: {use}"))
    rows.append(("device", *_device()))
    rows.append(("cores", "ok", str(cores())))
    rows.append(("free disk here", "ok", f"{shutil.disk_usage('.').free / 2**30:.1f} GiB"))
    return rows


def _device() -> tuple[str, str]:
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a shared library of torch's is missing
        return "missing", f"torch cannot be imported: {error}"
    if torch.cuda.is_available():
        return "ok", f"CUDA: {torch.cuda.get_device_name()}; use it with training.device=cuda in the recipe"
    return "ok", "CPU only"


def cores() -> int | None:
    """The cores that this process may use, which in a container are often fewer than the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
