"""Where graphrec may write at all: never over devices, links, mount points, the working folder, or above its inputs."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from graphrec.errors import ANOTHER_FOLDER, Argument, ForeignFileError, Phrase

_KINDS = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)


def require_output_folder(folder: Path, what: str, inputs: Iterable[Path] = ()) -> None:
    """Refuse a path that cannot become, or be, a folder for `what`. Whose content it has is asked elsewhere.

    Args:
        what: such as "a run".
        inputs: files and folders that are read; no folder above them is written into.

    Raises:
        ForeignFileError: it is no folder, a link, a mount point, the working folder or above it, or above an input.

    >>> require_output_folder(Path("runs/hcr"), "a run")
    >>> require_output_folder(Path("."), "a run")
    Traceback (most recent call last):
    graphrec.errors.ForeignFileError: will not write a run there
      expected: a folder of its own
      got: the working folder
      where: .
      next step: choose another `out`
    """
    if got := _obstacle(folder) or _not_a_folder(folder, inputs):
        raise ForeignFileError(
            f"will not write {what} there",
            expected="a folder of its own",
            got=got,
            where=folder,
            next_step=ANOTHER_FOLDER,
        )


def require_output_file(path: Path, what: str, out: str = "out") -> None:
    """Refuse a path that cannot become, or be, a file.

    Args:
        out: the argument that names the path.

    Raises:
        ForeignFileError: it is a folder, a link, a device, a pipe or a socket.

    >>> require_output_file(Path("page.html"), "a page")
    >>> Path("pages").mkdir()
    >>> require_output_file(Path("pages"), "a page")
    Traceback (most recent call last):
    graphrec.errors.ForeignFileError: will not write a page there
      expected: the path of a file
      got: a folder
      where: pages
      next step: choose another `out`
    """
    if got := _obstacle(path) or ("a folder" if path.is_dir() else ""):
        raise ForeignFileError(
            f"will not write {what} there",
            expected="the path of a file",
            got=got,
            where=path,
            next_step=Phrase("choose another {}", Argument(out)),
        )


def _obstacle(path: Path) -> str:
    """What is in the way at `path` or above it, in words; empty where nothing is."""
    if os.path.lexists(path):
        mode = path.lstat().st_mode
        if kind := next((word for is_kind, word in _KINDS if is_kind(mode)), ""):
            return kind
    if file := next((parent for parent in path.parents if os.path.lexists(parent) and not parent.is_dir()), None):
        return f"a file in place of its parent folder {file}"
    return ""


def _not_a_folder(folder: Path, inputs: Iterable[Path]) -> str:
    if folder.is_file():
        return "a file"
    real, here = folder.resolve(), Path.cwd()
    if real == here:
        return "the working folder"
    if real in here.parents:
        return "a folder above the working folder"
    if os.path.ismount(folder):
        return "a mount point"
    for path in inputs:
        if real == path.resolve():
            return "the input itself"
        if real in path.resolve().parents:
            return f"a folder above the input {path}"
    return ""
