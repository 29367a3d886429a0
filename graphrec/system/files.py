"""Writing atomically, so that no reader takes a half-written file for a whole one, and locks between processes.

A file is written next to its destination and renamed when it is complete, after an fsync. A process that is killed at
any moment leaves the old content or the new, never a mixture. Whose a file is that would be replaced is asked in
`owned_folder.py` and `output_file.py`, through which all other code writes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from graphrec.errors import OUT, DataError, ForeignFileError, Phrase, RunError

LOCK = ".graphrec.lock"
"""The file that a process locks while it works in a folder."""

_TEMPORARY = re.compile(r"\..+\.(?P<pid>[0-9]+)-[0-9a-f]{8}\.part(\.[^.]*)?", re.DOTALL)


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
    with written_whole(path, lambda temporary: put(temporary, path)) as temporary:
        yield temporary


@contextmanager
def written_whole(path: Path, publish: Callable[[Path], None]) -> Iterator[Path]:
    """Yield a new file next to `path`; once it is written and synced, `publish` puts it into its place.

    It has the permissions that the user's umask leaves. On an error it is removed.

    >>> with written_whole(Path("notes.txt"), lambda temporary: print(temporary.read_text())) as temporary:
    ...     _ = temporary.write_text("whole")
    whole
    >>> list(Path().iterdir())
    []
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, because a rename is atomic only within one file system. Some writers go by the suffix.
    temporary = path.with_name(temporary_name(path.name) + path.suffix)
    # Exclusive, so that no link that somebody put there is followed.
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    mode = stat.S_IMODE(os.fstat(handle).st_mode)
    # The name alone is needed: whoever writes opens the path.
    os.close(handle)
    try:
        yield temporary
        os.chmod(temporary, mode)  # some writers make a file of their own, for its owner alone
        sync(temporary)
        publish(temporary)
    finally:
        temporary.unlink(missing_ok=True)


def put(temporary: Path, path: Path) -> None:
    """Rename a file or folder that is complete to its destination.

    >>> Path("notes.txt.part").touch()
    >>> put(Path("notes.txt.part"), Path("notes.txt"))
    >>> Path("notes.txt").exists()
    True
    """
    os.replace(temporary, path)
    # The rename is an entry of the folder: without this a power failure may undo it.
    sync(path.parent)


def temporary_name(name: str) -> str:
    """A name for what becomes `name`; `remove_temporaries` sees by it which process writes it.

    >>> temporary_name("run.json").startswith(".run.json.")
    True
    """
    return f".{name}.{os.getpid()}-{secrets.token_hex(4)}.part"


def is_temporary(name: str, *, left_over: bool = False) -> bool:
    """Whether a file's name is from `temporary_name`.

    Args:
        left_over: only where the process that made it has ended.

    >>> is_temporary(temporary_name("run.json")), is_temporary(temporary_name("run.json"), left_over=True)
    (True, False)
    >>> is_temporary("run.json")
    False
    """
    match = _TEMPORARY.fullmatch(name)
    return match is not None and not (left_over and _is_running(int(match["pid"])))


def remove_temporaries(folder: Path) -> None:
    """Remove the files in `folder` that processes were writing when they were killed.

    >>> _ = Path(".notes.txt.4194305-5f0c3a91.part.txt").write_text("half")  # Linux gives no such number to a process
    >>> remove_temporaries(Path())
    >>> list(Path().iterdir())
    []
    """
    for path in folder.iterdir() if folder.is_dir() else ():
        if is_temporary(path.name, left_over=True) and path.is_file() and not path.is_symlink():
            path.unlink(missing_ok=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # a process of somebody else's
        return True
    return True


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
    if os.path.lexists(path) and not (stat.S_ISREG(path.lstat().st_mode) and path.lstat().st_size == 0):
        # Locking would empty it, or follow a link.
        raise ForeignFileError(
            "a file has the name of a lock and is none",
            expected="nothing, or the empty file of a lock",
            where=path,
            next_step="move it away, then call again",
        )
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


def sync(path: Path) -> None:
    """Have the system write a file, or the entries of a folder, to the disk.

    >>> sync(Path())
    """
    if os.name == "nt":
        return  # Windows syncs no folder, and no file that is open for reading alone
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        DataError: there is no such file, or it is not JSON; the error names the line.

    >>> _ = Path("good.json").write_text('{"users": 3}')
    >>> read_json(Path("good.json"))
    {'users': 3}
    >>> _ = Path("bad.json").write_text('{"users": }')
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

    >>> Path("empty.txt").touch()
    >>> sha256(Path("empty.txt"))
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    """
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
