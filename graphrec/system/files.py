"""Writing atomically, so that no reader takes a half-written file for a whole one, and locks between processes.

A file or folder is written next to its destination and renamed when it is complete, after an fsync. A process that is
killed at any moment leaves the old content or the new, never a mixture. A folder that replaces another takes two
renames: a kill between them leaves nothing at the destination, and the old content next to it, in `.NAME.old.*`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from graphrec.errors import ANOTHER_FOLDER, OUT, DataError, Phrase, RunError

LOCK = ".lock"
"""The file that a process locks while it works in a folder."""


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder. On success it replaces `path` in one step, on error it is removed.

    >>> with replace_file(Path("notes.txt")) as temporary:
    ...     _ = temporary.write_text("whole")
    ...     Path("notes.txt").exists()
    False
    >>> Path("notes.txt").read_text()
    'whole'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, because a rename is atomic only within one file system.
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    # The name alone is needed: whoever writes opens the path.
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _sync(temporary)
        os.chmod(temporary, 0o644)  # mkstemp's files are for their owner alone
        os.replace(temporary, path)
        # The rename is an entry of the folder: without this a power failure may undo it.
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def remove_temporaries(path: Path) -> None:
    """Remove what `replace_file` left next to `path` where its process was killed.

    >>> _ = Path(".notes.txt.k2x9.txt").write_text("half")
    >>> remove_temporaries(Path("notes.txt"))
    >>> list(Path().iterdir())
    []

    Args:
        path: a file that no other process writes now.
    """
    for temporary in path.parent.glob(f".{path.name}.*{path.suffix}"):
        temporary.unlink(missing_ok=True)


@contextmanager
def replace_folder(path: Path, marker: str) -> Iterator[Path]:
    """Yield a temporary folder next to `path`. On success it replaces `path`, on error it is removed.

    Args:
        path: the folder to make. It may exist only if it holds `marker` or is empty.
        marker: name of a file by which a folder that graphrec wrote is recognised.

    Raises:
        DataError: `path` is a file, or a non-empty folder that graphrec did not write.

    >>> for text in ("old", "new"):
    ...     with replace_folder(Path("prepared"), marker="manifest.json") as temporary:
    ...         _ = (temporary / "manifest.json").write_text(text)
    >>> Path("prepared/manifest.json").read_text()
    'new'
    >>> Path("mine").mkdir()
    >>> Path("mine/photo.jpg").touch()
    >>> with replace_folder(Path("mine"), marker="manifest.json"):
    ...     pass
    Traceback (most recent call last):
    graphrec.errors.DataError: will not overwrite what graphrec did not write
      expected: a path that does not exist, or a folder with `manifest.json` in it
      got: a folder with other content
      where: mine
      next step: choose another `out`
    """
    path = Path(path)
    if content := _foreign_content(path, marker):
        raise DataError(
            "will not overwrite what graphrec did not write",
            expected=f"a path that does not exist, or a folder with `{marker}` in it",
            got=content,
            where=path,
            next_step=ANOTHER_FOLDER,
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield temporary
        # The content must be on the disk before the rename shows it to others.
        for file in temporary.rglob("*"):
            _sync(file)
        os.chmod(temporary, 0o755)
        if path.exists():
            # `os.replace` takes no folder with content as its destination, so the old one moves away first.
            old = Path(tempfile.mkdtemp(prefix=f".{path.name}.old.", dir=path.parent))
            os.replace(path, old / "content")
            try:
                os.replace(temporary, path)
            # A KeyboardInterrupt, too, must bring the old content back.
            except BaseException:
                os.replace(old / "content", path)
                raise
            finally:
                shutil.rmtree(old)
        else:
            os.replace(temporary, path)
        _sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def require_own_folder(folder: Path, marker: str, what: str, *, resumable: str) -> None:
    """Refuse to begin `what` in a folder that holds something else.

    Args:
        marker: the file by which a folder is recognised in which `what` may resume.
        what: such as "a run".
        resumable: what such a folder is, such as "one with a run of this recipe".

    Raises:
        RunError: `folder` is a file, or has other content and no marker.

    >>> require_own_folder(Path("new"), "run.json", "a run", resumable="one with a run of this recipe")
    >>> Path("photo.jpg").touch()
    >>> require_own_folder(Path(), "run.json", "a run", resumable="one with a run of this recipe")
    Traceback (most recent call last):
    graphrec.errors.RunError: a run cannot be written into what is there
      expected: a new folder, or one with a run of this recipe
      got: a folder with other content
      where: .
      next step: choose another `out`
    """
    if content := _foreign_content(folder, marker):
        raise RunError(
            f"{what} cannot be written into what is there",
            expected=f"a new folder, or {resumable}",
            got=content,
            where=folder,
            next_step=ANOTHER_FOLDER,
        )


def _foreign_content(folder: Path, marker: str) -> str:
    """What is at `folder` that graphrec did not write, in words; empty where it is free or has the marker."""
    if folder.is_file():
        return "a file"
    if file := next((parent for parent in folder.parents if parent.is_file()), None):
        return f"a file in place of its parent folder {file}"
    # A lock alone is ours: a process has just begun here, or was killed before it wrote anything.
    ours = not folder.is_dir() or (folder / marker).exists() or all(path.name == LOCK for path in folder.iterdir())
    return "" if ours else "a folder with other content"


@contextmanager
def file_lock(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Lock the file `path` for this process alone, and remove it at the end.

    The system releases the lock of a process that ends, even of one that is killed.

    Args:
        path: a file for this purpose alone, in a folder that exists.
        wait: until no other process has the lock.

    Raises:
        RunError: another process has the lock, and this one does not wait.

    >>> with file_lock(Path(".lock")), file_lock(Path(".lock")):
    ...     pass
    Traceback (most recent call last):
    graphrec.errors.RunError: another process works in this folder
      expected: one at a time
      where: .
      next step: wait until it has ended, or choose another `out`
    """
    lock = FileLock(path, timeout=-1 if wait else 0)
    try:
        lock.acquire()
    except Timeout:
        raise RunError(
            "another process works in this folder",
            expected="one at a time",
            where=path.parent,
            next_step=Phrase("wait until it has ended, or choose another {}", OUT),
        ) from None
    try:
        yield
    finally:
        # While the lock is held: whoever opened the file before sees that it is gone, and opens a new one.
        with suppress(OSError):  # Windows removes no open file
            path.unlink()
        lock.release()


def _sync(path: Path) -> None:
    if os.name == "nt":
        return  # Windows syncs no folder, and no file that is open for reading alone
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a text, atomically.

    >>> write_text(Path("notes/today.txt"), "rain")
    >>> [path.name for path in Path("notes").iterdir()], Path("notes/today.txt").read_text()
    (['today.txt'], 'rain')
    """
    with replace_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically.

    >>> write_json(Path("counts.json"), {"users": 3})
    >>> print(Path("counts.json").read_text(), end="")
    {
      "users": 3
    }
    """
    write_text(path, json.dumps(value, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        DataError: there is no such file, or it is not JSON; the error names the line.

    >>> write_text(Path("good.json"), '{"users": 3}')
    >>> read_json(Path("good.json"))
    {'users': 3}
    >>> write_text(Path("bad.json"), '{"users": }')
    >>> read_json(Path("bad.json"))
    Traceback (most recent call last):
    graphrec.errors.DataError: not a JSON file
      got: Expecting value: line 1 column 11 (char 10)
      where: bad.json
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError("file not found", where=path) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError("not a JSON file", got=str(error), where=path) from None


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes.

    >>> write_text(Path("empty.txt"), "")
    >>> sha256(Path("empty.txt"))
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    """
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
