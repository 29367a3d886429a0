"""The library logs; the command line shows it on stderr, more of it on request, and all of it in a file."""

from __future__ import annotations

import ast
import logging
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from support.command_line import Call

import graphrec
from graphrec.cli.log import log_warning, show_logs
from graphrec.system.processes import in_processes

LIBRARY = logging.getLogger("graphrec")
PACKAGE = Path(graphrec.__file__).parent
PRINTING = re.compile(r"\b(print|print_exc|print_exception|echo|secho)\(|sys\.std(out|err)\b")


def test_python_users_get_no_output_unless_they_ask_for_it() -> None:
    script = (
        "import logging, graphrec\n"
        "logger = logging.getLogger('graphrec.runs.train')\n"
        "logger.warning('unheard')\n"
        "logging.basicConfig(level='INFO', format='%(name)s: %(message)s')\n"
        "logger.info('heard')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "" and done.stderr == "graphrec.runs.train: heard\n"


def test_the_command_line_shows_messages_as_they_are_and_names_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    with show_logs():
        LIBRARY.debug("detail")
        LIBRARY.info("epoch 1")
        LIBRARY.warning("other code")
        LIBRARY.error("hcr failed: no likes")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == ["epoch 1", "warning: other code", "hcr failed: no likes"]
    LIBRARY.info("afterwards")
    assert capsys.readouterr().err == ""


def test_a_python_warning_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings(), show_logs():
        monkeypatch.setattr(warnings, "showwarning", log_warning)
        warnings.warn("split.valid is ignored", stacklevel=1)
    assert capsys.readouterr().err == "warning: split.valid is ignored\n"


def test_verbose_and_a_log_file_are_options_of_every_command(call: Call, recipe_file: Path, tmp_path: Path) -> None:
    short = ("--set", "training.epochs=2")
    quiet = call("train", recipe_file, "--out", tmp_path / "quiet", *short)
    verbose = call("train", recipe_file, "--out", tmp_path / "verbose", *short, "-v")
    assert quiet.status == verbose.status == 0
    assert "epoch 2: loss" not in quiet.err and "epoch 2: loss" in verbose.err
    assert "epoch 2/2" in quiet.err and "epoch 2/2" in verbose.err
    file = tmp_path / "logs" / "train.log"
    logged = call("train", recipe_file, "--out", tmp_path / "logged", *short, "--log-file", file)
    assert logged.status == 0 and "epoch 2: loss" not in logged.err
    assert re.search(r"^[\d-]+ [\d:,]+ DEBUG graphrec.training.loop: epoch 2: loss ", file.read_text(), re.MULTILINE)


def test_what_a_process_logs_is_logged_by_its_parent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "graphrec")
    assert list(in_processes(_log, [("one",), ("two",)], jobs=1)) == ["one", "two"]
    assert caplog.messages == ["work on one", "work on two"]


def _log(name: str) -> str:
    logging.getLogger("graphrec.work").info("work on %s", name)
    return name


def test_only_the_command_line_prints() -> None:
    printing = []
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).parts[0] != "cli":
            code = ast.unparse(_without_docstrings(ast.parse(path.read_text(encoding="utf-8"))))
            printing += [f"{path.relative_to(PACKAGE)}: {line.strip()}" for line in code.splitlines()
                         if PRINTING.search(line)]  # fmt: skip
    assert printing == []


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            node.body[0] = ast.Pass()
    return tree
