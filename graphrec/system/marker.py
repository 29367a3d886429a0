"""The marker of a folder that graphrec writes: what it is, and which files in it are graphrec's, with their hashes.

`graphrec.json` holds

    graphrec    the version that wrote it
    kind        such as "run"
    format      of this file
    files       by path below the folder: sha256, bytes, and the sha256 of what the file replaced
    digest      of all of the above

A file may be replaced or removed only if it is listed and its content is what was written. The digest makes sure that
nobody's own `graphrec.json`, and no damaged one, is taken for a marker.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from graphrec.errors import DamagedFileError
from graphrec.system.files import replace_file, sha256

MARKER = "graphrec.json"
FORMAT = 1
LARGEST = 64 * 2**20
"""No marker is larger; a file of that name that is, is not read at all."""


@dataclass(frozen=True)
class Entry:
    """What a marker says of a file.

    Args:
        sha256, bytes: of the content that was written last.
        before: the sha256 of the content that it replaced, "" where there was none. A process that is killed between
            the writing of the marker and of the file leaves that content.

    >>> Path("ids.txt").write_text("7")
    1
    >>> entry_of(Path("ids.txt")).bytes
    1
    """

    sha256: str
    bytes: int
    before: str = ""

    def accepts(self, digest: str) -> bool:
        """Whether a content with this digest was written by graphrec."""
        return digest in (self.sha256, self.before)


IN_PLACE = Entry("", 0)
"""The entry of a file that another library changes in its place: its name is ours, of its content nothing is known."""


def entry_of(path: Path, before: str = "") -> Entry:
    """The entry for the content that a file has now.

    >>> Path("ids.txt").touch()
    >>> entry_of(Path("ids.txt")).sha256[:8]
    'e3b0c442'
    """
    return Entry(sha256(path), path.stat().st_size, before)


@dataclass
class Marker:
    """The content of a marker.

    >>> marker = Marker("run", {"ids.txt": Entry("e3b0c442", 0)})
    >>> Path("runs").mkdir()
    >>> write_marker(Path("runs"), marker)
    >>> read_marker(Path("runs")) == marker
    True
    """

    kind: str
    files: dict[str, Entry] = field(default_factory=dict)


def write_marker(folder: Path, marker: Marker) -> None:
    """Write a folder's marker, atomically.

    >>> write_marker(Path(), Marker("run"))
    >>> [path.name for path in Path().iterdir()]
    ['graphrec.json']
    """
    files = {
        name: {"sha256": entry.sha256, "bytes": entry.bytes} | ({"before": entry.before} if entry.before else {})
        for name, entry in sorted(marker.files.items())
    }
    content = {"graphrec": _version(), "kind": marker.kind, "format": FORMAT, "files": files}
    with replace_file(folder / MARKER) as temporary:
        temporary.write_text(json.dumps(content | {"digest": _digest(content)}, indent=1) + "\n", encoding="utf-8")


def read_marker(folder: Path) -> Marker | None:
    """A folder's marker; None where it has none.

    Raises:
        DamagedFileError: the file is no marker that graphrec wrote, or was changed since.

    >>> read_marker(Path()) is None
    True
    >>> _ = Path("graphrec.json").write_text("{}")
    >>> read_marker(Path())
    Traceback (most recent call last):
    graphrec.errors.DamagedFileError: the list of a folder's files is damaged
      expected: what graphrec wrote into `graphrec.json`
      got: no such list
      where: graphrec.json
      next step: make the folder again in another place; the files in it are neither replaced nor trusted
    """
    path = folder / MARKER
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
        raise _damaged(path, "something else")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        digest = content.pop("digest")
        if content["format"] != FORMAT:
            raise _damaged(path, f"format {content['format']!r}")
        if digest != _digest(content):
            raise _damaged(path, "a list that was changed")
        files = {name: Entry(**entry) for name, entry in content["files"].items()}
        if outside := [name for name in files if not _is_below(name)]:
            raise _damaged(path, f"the name `{outside[0]}`, which leads out of the folder")
        return Marker(content["kind"], files)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise _damaged(path, "no such list") from None


def is_marked(folder: Path) -> bool:
    """Whether a folder has a file of the marker's name.

    >>> is_marked(Path())
    False
    """
    return os.path.lexists(folder / MARKER)


@cache
def _version() -> str:
    from importlib.metadata import version  # late: reading does not need it

    return version("graphrec")


def _is_below(name: str) -> bool:
    """Whether a name in a list leads to a file within its folder, whoever wrote the list."""
    plain = PurePosixPath(name)
    return bool(plain.parts) and not plain.is_absolute() and ".." not in plain.parts and str(plain) == name


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _damaged(path: Path, got: str) -> DamagedFileError:
    return DamagedFileError(
        "the list of a folder's files is damaged",
        expected=f"what graphrec wrote into `{MARKER}`",
        got=got,
        where=path,
        next_step="make the folder again in another place; the files in it are neither replaced nor trusted",
    )
