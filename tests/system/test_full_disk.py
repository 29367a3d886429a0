"""A disk that is full, or refuses, at any moment: the old content or the new, and a repetition works."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.command_line import Call
from support.trained_runs import MakeRecipe

from graphrec.runs.run import Run
from graphrec.system import owned_folder
from graphrec.system.integrity import verify
from graphrec.system.output_file import write_output
from graphrec.system.owned_folder import (
    append_own_line,
    claim,
    remove_own_file,
    remove_own_folder,
    write_own_text,
)
from graphrec.system.replaced_folder import replace_folder

CALLS = ("open", "replace", "fsync", "mkdir", "chmod", "unlink", "rmdir")
"""Functions of `os` that a full or failing disk refuses."""


class Refusal:
    """Refuses the call of this number; counts the calls."""

    def __init__(self, number: int, code: int) -> None:
        self.number, self.code, self.count = number, code, 0

    def __call__(self, function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            self.count += 1
            if self.count == self.number:
                raise OSError(self.code, os.strerror(self.code))
            return function(*arguments, **options)

        return call


@contextmanager
def disk_refuses(number: int, code: int = errno.ENOSPC) -> Iterator[Refusal]:
    """Within it the call of this number fails; 0 only counts."""
    refusal = Refusal(number, code)
    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, refusal(getattr(os, name)))
        yield refusal


def write_folder(folder: Path, text: str) -> None:
    with replace_folder(folder, "export") as new:
        (new / "a.txt").write_text(text)


OPERATIONS: dict[str, tuple[Callable[[Path], object], Callable[[Path], object], str, tuple[str, ...]]] = {
    "write": (
        lambda folder: (claim(folder, "run"), write_own_text(folder / "a.txt", "old")),
        lambda folder: write_own_text(folder / "a.txt", "new"),
        "a.txt",
        ("old", "new"),
    ),
    "append": (
        lambda folder: (claim(folder, "run"), append_own_line(folder / "a.txt", "old")),
        lambda folder: append_own_line(folder / "a.txt", "new"),
        "a.txt",
        ("old\n", "old\nnew\n"),
    ),
    "replace a folder": (
        lambda folder: write_folder(folder, "old"),
        lambda folder: write_folder(folder, "new"),
        "a.txt",
        ("old", "new"),
    ),
    "write a page": (
        lambda folder: write_output(folder / "a.txt.md", "old", "report"),
        lambda folder: write_output(folder / "a.txt.md", "new", "report"),
        "a.txt.md",
        ("old\n", "new\n"),
    ),
    "claim": (
        lambda folder: folder.mkdir(),
        lambda folder: (claim(folder, "run"), write_own_text(folder / "a.txt", "new")),
        "a.txt",
        ("new",),
    ),
}
"""What was there, what is done, which file shows it, and what the file may hold."""


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES], ids=lambda code: errno.errorcode[code])
@pytest.mark.parametrize("name", OPERATIONS)
def test_at_every_call_a_refusal_leaves_the_old_or_the_new_and_a_repetition_works(
    tmp_path: Path, name: str, code: int
) -> None:
    before, operation, file, contents = OPERATIONS[name]
    before(tmp_path / "counted")
    with disk_refuses(0) as counting:
        operation(tmp_path / "counted")
    assert counting.count > 3
    for number in range(1, counting.count + 1):
        folder = tmp_path / str(number) / "out"
        folder.parent.mkdir()
        before(folder)
        owned_folder._published.clear()
        with disk_refuses(number, code):
            try:
                operation(folder)
            except OSError as error:
                assert error.errno == code  # a refusal is passed on as it is
        if (folder / file).exists():
            text = (folder / file).read_text()
            assert any(text.startswith(content) for content in contents), (number, text)
        else:
            assert name == "claim", number
        owned_folder._published.clear()
        operation(folder)
        assert (folder / file).read_text().startswith(contents[-1][:3] if name != "append" else "old\n")
        if name not in ("write a page",):
            assert {state.state for state in verify(folder)} == {"intact"}, number
        rest = [path.name for path in folder.parent.rglob("*") if ".part" in path.name]
        # What could not be removed then is removed by a later process, for whom this one has ended.
        assert all(f".{os.getpid()}-" in left for left in rest)


@pytest.mark.parametrize("remove", [remove_own_file, remove_own_folder])
def test_a_refusal_while_removing_leaves_a_list_that_fits(tmp_path: Path, remove: Callable[[Path], object]) -> None:
    for number in range(1, 9):
        folder = tmp_path / str(number)
        claim(folder, "run")
        for name in ("a", "b"):
            write_own_text(folder / "inner" / f"{name}.txt", name)
        target = folder / "inner" / ("a.txt" if remove is remove_own_file else "")
        with disk_refuses(number, errno.EIO):
            try:
                remove(target)
            except OSError as error:
                assert error.errno == errno.EIO
        owned_folder._published.clear()
        remove(target)
        assert not target.exists()
        assert {state.state for state in verify(folder)} <= {"intact"}


def test_a_training_on_a_full_disk_says_so_and_resumes(
    call: Call, tiny_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphrec.runs.train.CHECKPOINT_SECONDS", -1.0)
    file = tmp_path / "recipe.toml"
    file.write_text(tiny_recipe("ct").to_toml())
    with disk_refuses(0) as counting:
        assert call("train", file, "--out", tmp_path / "whole").status == 0
    for number in range(1, counting.count + 1, max(1, counting.count // 12)):
        out = tmp_path / f"run-{number}"
        with disk_refuses(number):
            answer = call("train", file, "--out", out)
        if answer.status:
            assert answer.status == 2 and "the system refused to read or write a file" in answer.err
            assert "make room there" in answer.err and "Traceback" not in answer.err
        assert call("train", file, "--out", out).status == 0
        histories = [[{**row, "seconds": 0} for row in Run(folder).history] for folder in (out, tmp_path / "whole")]
        assert histories[0] == histories[1], number
        weights = [(folder / "weights.safetensors").read_bytes() for folder in (out, tmp_path / "whole")]
        assert weights[0] == weights[1], number
