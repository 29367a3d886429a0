"""What an installation has and what it lacks."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version

from graphrec.system.environment import cores

NEEDED = ("torch", "torch-geometric", "numpy", "scipy", "pandas", "pyarrow", "networkx", "pydantic", "typer",
          "rich", "safetensors", "matplotlib", "jinja2", "tomli-w", "filelock")  # fmt: skip
OPTIONAL = {
    "torch_scatter": "not needed: graphrec's own kernels are faster",
    "optuna": "for `graphrec tune`: pip install optuna",
}


def examine() -> list[tuple[str, str, str]]:
    """(what, state, detail) of everything that is checked; the state is `ok`, `missing` or `optional`.

    >>> rows = {what: (state, detail) for what, state, detail in examine()}
    >>> rows["python"] == ("ok", platform.python_version()), rows["torch"][0]
    (True, 'ok')
    """
    rows = [("python", "ok" if sys.version_info >= (3, 11) else "missing", platform.python_version())]
    for name in NEEDED:
        try:
            rows.append((name, "ok", version(name)))
        except PackageNotFoundError:
            rows.append((name, "missing", f"pip install {name}"))
    for module, use in OPTIONAL.items():
        installed = importlib.util.find_spec(module) is not None
        rows.append((module, "ok", "installed") if installed else (module, "optional", f"not installed: {use}"))
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
