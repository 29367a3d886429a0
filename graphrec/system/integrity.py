"""Integrity: a file that graphrec wrote is read only if its content is what was written.

The marker of a folder (`marker.py`) has the hash of every file in it. `require_intact` is asked before a file is read;
`verify` asks of all files at once. A folder without a marker is of an earlier version: there is nothing to compare.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphrec.arguments import path_argument
from graphrec.errors import DamagedFileError, DataError
from graphrec.system.files import LOCK, is_temporary, read_json, sha256
from graphrec.system.folder_content import MARKER_LOCK
from graphrec.system.marker import IN_PLACE, MARKER, Entry, read_marker
from graphrec.system.owned_folder import owning_folder

Signature = tuple[int, int, int]
_intact: dict[tuple[Path, str], Signature] = {}
"""Files that had the hash when they were last read, with what `os.stat` said: large tables are hashed once."""


def require_intact(path: Path, next_step: str = "make it again, or restore it from a copy") -> None:
    """Refuse a file whose content is not what the marker of its folder says. What is not there is not refused.

    Args:
        next_step: what to do where it is damaged.

    Raises:
        DamagedFileError: the file, or the marker, has another content; or the file is not on the list.

    >>> from graphrec.system.owned_folder import claim, write_own_text
    >>> claim(Path("runs/hcr"), "run")
    >>> write_own_text(Path("runs/hcr/notes.txt"), "rain")
    >>> require_intact(Path("runs/hcr/notes.txt"))
    >>> _ = Path("runs/hcr/notes.txt").write_text("sun")
    >>> require_intact(Path("runs/hcr/notes.txt"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    graphrec.errors.DamagedFileError: a file was changed after graphrec wrote it
      expected: 4 bytes with the SHA-256 ...
      got: 3 bytes with the SHA-256 ...
      where: runs/hcr/notes.txt
      next step: make it again, or restore it from a copy
    """
    path = Path(path)
    folder = owning_folder(path)
    require_regular(path)
    if folder is None or not os.path.lexists(path):
        return
    marker = read_marker(folder)
    assert marker is not None
    entry = marker.files.get(path.relative_to(folder).as_posix())
    if entry is None:
        raise DamagedFileError(
            "a file of the folder is not on its list",
            expected=f"a file that `{MARKER}` lists",
            got="one that somebody else put there",
            where=path,
            next_step="move it away",
        )
    if got := _difference(path, entry):
        raise DamagedFileError(
            "a file was changed after graphrec wrote it",
            expected=f"{entry.bytes} bytes with the SHA-256 {entry.sha256[:8]}...",
            got=got,
            where=path,
            next_step=next_step,
        )


def require_regular(path: Path) -> None:
    """Refuse a link in a folder of graphrec's, which may lead to any file of the reader's, and a pipe.

    Raises:
        DamagedFileError: the file is a link, as is a folder between it and the folder that graphrec wrote; or it is a
            pipe, a device or a socket.

    >>> require_regular(Path("nowhere.txt"))
    """
    folder = owning_folder(path)
    within = [parent for parent in path.parents if folder is not None and folder in parent.parents]
    for link in (path, *within):
        if link.is_symlink():
            raise DamagedFileError(
                "a file of the folder is a link",
                expected="a regular file",
                got=f"a link to {os.readlink(link)}",
                where=link,
                next_step="copy the file there in its place",
            )
    if os.path.lexists(path) and not path.is_file() and not path.is_dir():
        raise DamagedFileError(
            "a file of the folder is no file",
            expected="a regular file",
            got="a pipe, a device or a socket",
            where=path,
            next_step="move it away",
        )


def read_own_json(path: Path, next_step: str = "make it again, or restore it from a copy") -> Any:
    """`read_json`, after `require_intact`.

    >>> from graphrec.system.owned_folder import claim, write_own_json
    >>> claim(Path("runs/hcr"), "run")
    >>> write_own_json(Path("runs/hcr/counts.json"), {"users": 3})
    >>> read_own_json(Path("runs/hcr/counts.json"))
    {'users': 3}
    """
    require_intact(path, next_step)
    return read_json(path)


@dataclass(frozen=True)
class FileState:
    """What `verify` says of a file.

    Args:
        path: below the folder.
        state: `intact`, `damaged`, `missing`, `foreign` (not on the list) or `changes` (a database that is changed in
            its place).

    >>> FileState("run.json", "damaged").is_wrong
    True
    """

    path: str
    state: str

    @property
    def is_wrong(self) -> bool:
        """Whether something that graphrec wrote is not as it was."""
        return self.state in ("damaged", "missing")


def verify(folder: str | Path) -> list[FileState]:
    """Compare every file of a folder that graphrec wrote with its hash: a run, prepared data, a world, an export, ...

    Folders of graphrec's within it are verified, too.

    Raises:
        DataError: there is no such folder, or none that says which files are its own.
        DamagedFileError: the list itself is damaged.

    >>> states = gr.verify(run.folder)
    >>> states[0], any(state.is_wrong for state in states)
    (FileState(path='history.jsonl', state='intact'), False)
    """
    folder = path_argument("folder", folder)
    folders = [path.parent for path in sorted(folder.rglob(MARKER))]
    if not folders:
        raise DataError(
            "nothing here says which files graphrec wrote",
            expected=f"a folder with `{MARKER}`",
            got="a folder without" if folder.is_dir() else "no folder",
            where=folder,
            next_step="give the folder that a command wrote; those of earlier versions have no hashes to compare",
        )
    listed = {inner / name: entry for inner in folders for name, entry in _entries(inner).items()}
    states = {path: _state(path, entry) for path, entry in listed.items()}
    for path in folder.rglob("*"):
        ours = path.name in (MARKER, LOCK, MARKER_LOCK) or is_temporary(path.name)
        if path not in states and not ours and not (path.is_dir() and not path.is_symlink()):
            states[path] = "foreign"
    return [FileState(path.relative_to(folder).as_posix(), states[path]) for path in sorted(states)]


def _entries(folder: Path) -> dict[str, Entry]:
    marker = read_marker(folder)
    return {} if marker is None else {name: entry for name, entry in marker.files.items() if Path(name).name != MARKER}


def _state(path: Path, entry: Entry) -> str:
    if not path.is_file() or path.is_symlink():
        return "missing"
    if entry == IN_PLACE:
        return "changes"
    return "damaged" if _difference(path, entry) else "intact"


def _difference(path: Path, entry: Entry) -> str:
    """How a file's content differs from its entry, in words; empty where it does not."""
    if entry == IN_PLACE:
        return ""
    status = path.stat()
    signature = (status.st_ino, status.st_size, status.st_mtime_ns)
    key = (path.absolute(), entry.sha256)
    if _intact.get(key) == signature:
        return ""
    digest = sha256(path)
    if not entry.accepts(digest):
        return f"{status.st_size} bytes with the SHA-256 {digest[:8]}..."
    _intact[key] = signature
    return ""
