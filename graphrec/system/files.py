"""Writing so that nothing half-written is ever taken as whole.

A file or folder is written beside its place and renamed into it when complete, after an fsync: a process killed at any
moment leaves the old content or the new, never a mixture. A folder that replaces another is moved in two renames; a
kill between the two leaves nothing at the place and the old content beside it, in a folder named `.NAME.old.*`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from graphrec.errors import ANOTHER_FOLDER, OUT, DataError, Phrase, RunError

LOCK = ".lock"
"""The file that a process holds while it works in a folder."""


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; on success it replaces `path` in one step, on error it goes."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        _sync(part)
        os.chmod(part, 0o644)
        os.replace(part, path)
        _sync(path.parent)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def replace_folder(path: Path, marker: str) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; on success it takes that place, on error it goes.

    Args:
        path: the folder to make. It may exist only if it holds `marker` (a folder we wrote before) or is empty.
        marker: name of a file that tells a folder of ours from somebody's other files.

    Raises:
        DataError: `path` is a file, or a non-empty folder that graphrec did not write.
    """
    path = Path(path)
    if found := _others(path, marker):
        raise DataError(
            "will not overwrite what graphrec did not write",
            expected=f"a path that does not exist, or a folder with `{marker}` in it",
            got=found,
            where=path,
            next_step=ANOTHER_FOLDER,
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield part
        for file in part.rglob("*"):
            _sync(file)
        os.chmod(part, 0o755)
        if path.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{path.name}.old.", dir=path.parent))
            os.replace(path, old / "content")
            try:
                os.replace(part, path)
            except BaseException:
                os.replace(old / "content", path)
                raise
            finally:
                shutil.rmtree(old)
        else:
            os.replace(part, path)
        _sync(path.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def require_place(folder: Path, marker: str, what: str, *, goes_on: str) -> None:
    """Refuse to begin `what` in a folder that holds something else.

    Args:
        marker: the file by which a folder is known that may be gone on with.
        what: such as "a run".
        goes_on: what such a folder is, such as "one with a run of this recipe".

    Raises:
        RunError: `folder` is a file, or has other content and no marker.
    """
    if found := _others(folder, marker):
        raise RunError(
            f"not a place for {what}",
            expected=f"a new folder, or {goes_on}",
            got=found,
            where=folder,
            next_step=ANOTHER_FOLDER,
        )


def _others(folder: Path, marker: str) -> str:
    """What lies there that is not ours, in words; nothing where there is nothing, or a folder with our marker."""
    if folder.is_file():
        return "a file"
    ours = not folder.is_dir() or (folder / marker).exists() or all(one.name == LOCK for one in folder.iterdir())
    return "" if ours else "a folder with other content"


@contextmanager
def file_lock(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the file `path` for this process alone; whoever ends, however it ends, lets go of it.

    Args:
        wait: until no other process holds it.

    Raises:
        RunError: another process holds it, and this one does not wait.
    """
    with open(path, "a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(
                "another process works in this folder",
                expected="one at a time",
                where=path.parent,
                next_step=Phrase("wait until it has ended, or choose another {}", OUT),
            ) from None
        yield


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a text, atomically."""
    with replace_file(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file; a typed error names the file and the line where it breaks."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError("file not found", where=path) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError("not a JSON file", got=str(error), where=path) from None


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
