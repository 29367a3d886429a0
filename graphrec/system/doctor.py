"""What an installation has and what it lacks."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
from importlib.metadata import PackageNotFoundError, version

from graphrec.system.environment import cores

PYTHON = "3.11"
NEEDED = {
    "torch": "2.10",
    "torch-geometric": "2.7",
    "numpy": "2.0",
    "scipy": "1.13",
    "pandas": "2.2",
    "pyarrow": "17",
    "networkx": "3.3",
    "pydantic": "2.8",
    "typer": "0.16",
    "rich": "13",
    "safetensors": "0.5",
    "matplotlib": "3.9",
    "jinja2": "3.1",
    "tomli-w": "1.0",
    "filelock": "4.2",
    "psutil": "5.9",
}
"""By package the earliest version that will do."""
OPTIONAL = {
    "torch_scatter": ("installed, but not used", "not installed, and not used: graphrec's own kernels are faster"),
    "optuna": ("installed", "not installed; `graphrec tune` needs it: pip install 'optuna>=4'"),
}
"""By module what is said where it is installed, and where it is not."""


def examine() -> list[tuple[str, str, str]]:
    """(what, state, detail) of everything that is checked.

    The state is `ok`, `missing`, `old` (installed, but in a version that is too early) or `optional`.

    >>> rows = {what: (state, detail) for what, state, detail in examine()}
    >>> rows["python"] == ("ok", platform.python_version()), rows["torch"][0], rows["device"][0]
    (True, 'ok', 'ok')
    """
    rows = [("python", *_state(platform.python_version(), PYTHON, f"install Python {PYTHON} or later"))]
    for name, earliest in NEEDED.items():
        step = f"pip install '{name}>={earliest}'"
        try:
            rows.append((name, *_state(version(name), earliest, step)))
        except PackageNotFoundError:
            rows.append((name, "missing", step))
    for module, (there, absent) in OPTIONAL.items():
        installed = importlib.util.find_spec(module) is not None
        rows.append((module, "ok", there) if installed else (module, "optional", absent))
    rows.append(("device", *_device()))
    rows.append(("cores", "ok", str(cores())))
    rows.append(("free disk here", "ok", f"{shutil.disk_usage('.').free / 2**30:.1f} GiB"))
    return rows


def _state(installed: str, earliest: str, step: str) -> tuple[str, str]:
    """State and detail of what is installed in this version."""
    if _numbers(installed) >= _numbers(earliest):
        return "ok", installed
    return "old", f"{installed}, needs {earliest} or later: {step}"


def _numbers(text: str) -> list[int]:
    """The numbers at the start of a version: 2.10 of 2.10.0rc1+cpu, without zeros at the end, so that 2.0 is 2."""
    match = re.match(r"\d+(\.\d+)*", text)
    numbers = [int(number) for number in match[0].split(".")] if match else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers


def _device() -> tuple[str, str]:
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a shared library of torch's is missing
        return "missing", f"torch cannot be imported: {error}"
    if torch.cuda.is_available():
        return "ok", f"CUDA: {torch.cuda.get_device_name()}; use it with training.device=cuda in the recipe"
    return "ok", "CPU only: torch finds no CUDA device"
