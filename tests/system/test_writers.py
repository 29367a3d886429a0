"""One mechanism writes: outside the room `system` nothing writes, replaces or removes a file by itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import graphrec

PACKAGE = Path(graphrec.__file__).parent
WRITING = {
    "write_text", "write_bytes", "unlink", "rmtree", "rmdir", "touch", "copytree", "symlink_to", "mkdir", "makedirs",
    "to_csv", "to_parquet", "to_json", "save_file", "savez", "write_table",
}  # fmt: skip
ALLOWED = {
    "cli/log.py": "appends to a log, after a look at what is there",
    "cli/scaffold.py": "writes two new files, in mode x",
    "export/embeddings.py": "into a new folder of `replace_folder`",
    "data/store.py": "into a new folder of `replace_folder`",
    "simulation/amazon.py": "into a new folder of `replace_folder`",
    "simulation/coat.py": "into a new folder of `replace_folder`",
    "simulation/kwai.py": "into a new folder of `replace_folder`",
    "simulation/taobao.py": "into a new folder of `replace_folder`",
    "simulation/tiktok.py": "into a new folder of `replace_folder`",
    "simulation/truth.py": "into the temporary file of `own_file`",
    "experiments/benchmark/files.py": "into the temporary file of `own_file`",
    "runs/artifacts.py": "into the temporary file of `own_file`",
    "runs/results.py": "into the temporary file of `own_file`",
    "training/checkpoint.py": "into the temporary file of `own_file`",
}
"""By file, why it may."""
FIXTURES = ("data/sources/", "data/readers/", "testing/")
"""Rooms that write examples into a folder of a test."""


def writes(path: Path) -> Iterator[str]:
    """The calls in a module that write, replace or remove."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        modes = [a.value for a in [*node.args, *(k.value for k in node.keywords)] if isinstance(a, ast.Constant)]
        opens = name == "open" and any(
            isinstance(mode, str) and set(mode) & set("wax+") and len(mode) < 4 for mode in modes
        )
        # A table as text is not written by `to_csv` without a path.
        as_text = name in ("to_csv", "to_json") and not node.args
        if opens or (name in WRITING and not as_text):
            yield f"{path.relative_to(PACKAGE).as_posix()}:{node.lineno} {name}"


def test_only_what_has_a_reason_writes_files() -> None:
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if name.startswith(("system/", *FIXTURES)) or name in ALLOWED:
            continue
        assert list(writes(path)) == [], name


def test_every_reason_is_needed() -> None:
    assert all(list(writes(PACKAGE / name)) for name in ALLOWED)
