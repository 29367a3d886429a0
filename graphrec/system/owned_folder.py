"""Folders that graphrec writes: a marker says which files in them are its own, and no others are ever touched.

Every command that writes a folder begins with `claim`. Whatever it then writes into the folder, or below it, goes
through `own_file` and the functions that use it; a folder that is made as a whole goes through `replaced_folder.py`.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from graphrec.errors import OUT, ForeignFileError, Phrase
from graphrec.system.files import (
    LOCK,
    file_lock,
    put,
    remove_temporaries,
    sha256,
    sync,
    written_whole,
)
from graphrec.system.folder_content import MARKER_LOCK, content_of, foreign_content, marker_of, with_article
from graphrec.system.marker import IN_PLACE, MARKER, Marker, entry_of, is_marked, read_marker, write_marker
from graphrec.system.output_paths import require_output_file, require_output_folder

_MOVE_OR_ANOTHER = Phrase("move it away, or choose another {}", OUT)

Signature = tuple[int, int, int]
_published: dict[Path, Signature] = {}
"""What `os.stat` said of the files that this process wrote: they need no hash to be known again."""


def claim(
    folder: Path,
    kind: str,
    *,
    writes: Iterable[str] | None = None,
    adopt: Callable[[Path], Collection[str]] | None = None,
) -> None:
    """Begin to write into `folder`: it must be new, empty, or one that graphrec wrote as this kind.

    What killed processes left there is removed.

    Args:
        kind: such as "run".
        writes: names of files that will be written. If one of them, or of those that the marker lists, is there and
            not as graphrec wrote it, it is refused now, not at the end of a long computation. None: without a look.
        adopt: for a folder without a marker: the names of files in it that an earlier version is known to have written.

    Raises:
        ForeignFileError: the folder, or a file to be written, is not graphrec's.
        DamagedFileError: the folder's marker is damaged.

    >>> claim(Path("runs/hcr"), "run")
    >>> write_own_text(Path("runs/hcr/notes.txt"), "rain")
    >>> claim(Path("runs/hcr"), "run", writes=["notes.txt"])
    >>> _ = Path("runs/hcr/notes.txt").write_text("sun")
    >>> claim(Path("runs/hcr"), "run", writes=["notes.txt"])
    Traceback (most recent call last):
    graphrec.errors.ForeignFileError: will not overwrite what graphrec did not write
      expected: nothing, or the file that graphrec wrote
      got: a file that was changed since
      where: runs/hcr/notes.txt
      next step: move it away, or choose another `out`
    """
    folder = Path(folder)
    require_claimable(folder, kind, writes=writes, adopt=adopt)
    folder.mkdir(parents=True, exist_ok=True)
    mark(folder, kind, adopt(folder) if adopt and not is_marked(folder) else ())
    remove_temporaries(folder)


def require_claimable(
    folder: Path,
    kind: str,
    *,
    writes: Iterable[str] | None = None,
    adopt: Callable[[Path], Collection[str]] | None = None,
) -> None:
    """Refuse what `claim` would refuse, without writing anything.

    >>> require_claimable(Path("runs/hcr"), "run")
    >>> list(Path().iterdir())
    []
    """
    folder, what = Path(folder), with_article(kind)
    require_output_folder(folder, what)
    if is_marked(folder):
        marker = marker_of(folder, kind, what)
        for name in () if writes is None else sorted({*marker.files, *writes}):
            require_own(folder, marker, name)
    elif not (adopt and adopt(folder)) and (content := content_of(folder)):
        raise foreign_content(folder, what, content)


def claim_if_new(folder: Path, kind: str) -> None:
    """Claim `folder` where it is new or empty, and not within a folder of graphrec's.

    Into any other folder files can still be written that are not there yet, see `own_file`.

    >>> claim_if_new(Path("figures"), "paper tables")
    >>> claim_if_new(Path("."), "paper tables")
    >>> is_marked(Path("figures")), is_marked(Path("."))
    (True, False)
    """
    folder = Path(folder)
    if folder.resolve() != Path.cwd() and not content_of(folder) and owning_folder(folder) is None:
        claim(folder, kind)


def mark(folder: Path, kind: str, names: Iterable[str] = ()) -> None:
    """Give an existing folder its marker, if it has none.

    Args:
        names: of files in it that graphrec wrote.

    >>> Path("runs").mkdir()
    >>> mark(Path("runs"), "run")
    >>> read_marker(Path("runs")).kind
    'run'
    """
    with _marker_lock(folder):
        if not is_marked(folder):
            write_marker(folder, Marker(kind, {name: entry_of(folder / name) for name in sorted(names)}))


def owning_folder(path: Path) -> Path | None:
    """The nearest folder above `path` that has a marker.

    >>> claim(Path("runs/hcr"), "run")
    >>> owning_folder(Path("runs/hcr/per_user/test.parquet"))
    PosixPath('runs/hcr')
    >>> owning_folder(Path("runs/other.txt")) is None
    True
    """
    return next((folder for folder in Path(path).parents if is_marked(folder)), None)


@contextmanager
def own_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path; on success it replaces `path`, and the marker of the folder lists it.

    In a folder that nobody claimed, only what is new or was written by this process can be written.

    Raises:
        ForeignFileError: something is there that graphrec did not write.

    >>> claim(Path("runs/hcr"), "run")
    >>> with own_file(Path("runs/hcr/notes.txt")) as temporary:
    ...     _ = temporary.write_text("rain")
    >>> list(read_marker(Path("runs/hcr")).files)
    ['notes.txt']
    """
    path = Path(path)
    folder = owning_folder(path)
    if folder is None:
        _require_unclaimed(path)
        with written_whole(path, lambda temporary: _put(temporary, path)) as temporary:
            yield temporary
        return
    name = path.relative_to(folder).as_posix()
    remove_temporaries(path.parent)  # of a process that was killed while it wrote here
    with written_whole(path, lambda temporary: _publish(folder, name, temporary)) as temporary:
        yield temporary


def own_in_place(path: Path) -> None:
    """List a file in the marker that another library makes and changes in its place, such as a database.

    Raises:
        ForeignFileError: it is there and not listed.

    >>> claim(Path("runs/tuned"), "tuning")
    >>> own_in_place(Path("runs/tuned/study.db"))
    >>> Path("runs/tuned/study.db").touch()
    >>> own_in_place(Path("runs/tuned/study.db"))
    """
    folder = owning_folder(path)
    if folder is None:
        _require_unclaimed(path)
        return
    name = Path(path).relative_to(folder).as_posix()
    with _marker_lock(folder):
        marker = _existing_marker(folder)
        require_own(folder, marker, name)
        if name not in marker.files:
            marker.files[name] = IN_PLACE
            write_marker(folder, marker)


def write_own_text(path: Path, text: str) -> None:
    """Write a text into a claimed folder, atomically.

    >>> claim(Path("runs/hcr"), "run")
    >>> write_own_text(Path("runs/hcr/notes.txt"), "rain")
    >>> Path("runs/hcr/notes.txt").read_text()
    'rain'
    """
    with own_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_own_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON into a claimed folder, atomically.

    >>> claim(Path("runs/hcr"), "run")
    >>> write_own_json(Path("runs/hcr/counts.json"), {"users": 3})
    """
    write_own_text(path, json.dumps(value, indent=2) + "\n")


def append_own_line(path: Path, line: str) -> None:
    r"""Add a line to a text; of two processes that do so at once, both lines are there.

    In a folder that nobody claimed, lines are added to any regular file.

    Raises:
        ForeignFileError: the file is not graphrec's in a claimed folder, or it is a link or no regular file.

    >>> claim(Path("runs/hcr"), "run")
    >>> for line in ("rain", "sun"):
    ...     append_own_line(Path("runs/hcr/log.txt"), line)
    >>> Path("runs/hcr/log.txt").read_text()
    'rain\nsun\n'
    """
    path = Path(path)
    folder = owning_folder(path)
    if folder is None:
        require_output_file(path, "a line")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
        return
    name = path.relative_to(folder).as_posix()
    with _marker_lock(folder):
        marker = _existing_marker(folder)
        require_own(folder, marker, name)
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if text and not text.endswith("\n"):
            text += "\n"
        with written_whole(path, lambda temporary: _enter(folder, marker, name, temporary)) as temporary:
            temporary.write_text(text + line + "\n", encoding="utf-8")


def remove_own_file(path: Path) -> None:
    """Remove a file that graphrec wrote, if it is there.

    Raises:
        ForeignFileError: graphrec did not write it, or it was changed since.

    >>> claim(Path("runs/hcr"), "run")
    >>> write_own_text(Path("runs/hcr/notes.txt"), "rain")
    >>> remove_own_file(Path("runs/hcr/notes.txt"))
    >>> Path("runs/hcr/notes.txt").exists(), read_marker(Path("runs/hcr")).files
    (False, {})
    """
    path = Path(path)
    folder = owning_folder(path)
    if folder is None:
        if os.path.lexists(path):
            _require_unclaimed(path)
            path.unlink()
        return
    name = path.relative_to(folder).as_posix()
    with _marker_lock(folder):
        marker = _existing_marker(folder)
        require_own(folder, marker, name)
        _remove(folder, marker, [name])


def remove_own_folder(folder: Path) -> None:
    """Remove what graphrec wrote into a folder within a claimed one, or into a claimed one itself.

    Files that are not graphrec's stay, and with them the folders that they are in.

    >>> claim(Path("runs/hcr"), "run")
    >>> write_own_text(Path("runs/hcr/per_user/test.csv"), "7")
    >>> Path("runs/hcr/per_user/mine.txt").touch()
    >>> remove_own_folder(Path("runs/hcr/per_user"))
    >>> [path.name for path in Path("runs/hcr/per_user").iterdir()]
    ['mine.txt']
    """
    folder = Path(folder)
    if folder.is_symlink():
        return
    # It may be gone, and still be listed: a process can end between the two.
    for inner in sorted(path.parent for path in folder.glob(f"*/**/{MARKER}")):
        if is_marked(inner):  # it may be within one that is removed already
            remove_own_folder(inner)
    remove_temporaries(folder)
    owner = folder if is_marked(folder) else owning_folder(folder)
    if owner is not None:
        with _marker_lock(owner):
            marker = _existing_marker(owner)
            below = [name for name in marker.files if folder in (owner / name).parents]
            _remove(owner, marker, [name for name in below if not _not_own(owner, marker, name)])
        if owner == folder and not content_of(folder):
            for name in (LOCK, MARKER_LOCK, MARKER):
                (folder / name).unlink(missing_ok=True)
    with suppress(OSError):  # it has content that stays
        folder.rmdir()


def _remove(folder: Path, marker: Marker, names: Collection[str]) -> None:
    """Remove files of a folder; under the marker's lock."""
    # First the files: a marker that lists one which is gone is no harm, a file that nobody lists stays for ever.
    for name in names:
        (folder / name).unlink(missing_ok=True)
    for name in names:
        _remove_empty((folder / name).parent, folder)
    if any([marker.files.pop(name, None) for name in names]):
        sync(folder)
        write_marker(folder, marker)


def require_own(folder: Path, marker: Marker, name: str) -> None:
    """Refuse a file that would be replaced and that is not as graphrec wrote it.

    Raises:
        ForeignFileError: something is there that the marker does not list, or with another content.

    >>> Path("runs").mkdir()
    >>> require_own(Path("runs"), Marker("run"), "notes.txt")
    >>> Path("runs/notes.txt").touch()
    >>> require_own(Path("runs"), Marker("run"), "notes.txt")
    Traceback (most recent call last):
    graphrec.errors.ForeignFileError: will not overwrite what graphrec did not write
      expected: nothing, or the file that graphrec wrote
      got: a file that is not on its list
      where: runs/notes.txt
      next step: move it away, or choose another `out`
    """
    if got := _not_own(folder, marker, name):
        raise ForeignFileError(
            "will not overwrite what graphrec did not write",
            expected="nothing, or the file that graphrec wrote",
            got=got,
            where=folder / name,
            next_step=_MOVE_OR_ANOTHER,
        )


def _not_own(folder: Path, marker: Marker, name: str) -> str:
    """Why a file is not graphrec's, in words; empty where it is, or is not there."""
    path = folder / name
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    if not stat.S_ISREG(status.st_mode):
        return "a folder" if stat.S_ISDIR(status.st_mode) else "a link, or no regular file"
    if any(parent.is_symlink() for parent in _folders_between(folder, path)):
        return "a file behind a link"
    entry = marker.files.get(name)
    if entry is None:
        return "a file that is not on its list"
    if entry == IN_PLACE or _published.get(path.absolute()) == _signature(status) or entry.accepts(sha256(path)):
        return ""
    return "a file that was changed since"


def _publish(folder: Path, name: str, temporary: Path) -> None:
    with _marker_lock(folder):
        marker = _existing_marker(folder)
        require_own(folder, marker, name)
        _enter(folder, marker, name, temporary)


def _enter(folder: Path, marker: Marker, name: str, temporary: Path) -> None:
    """Put a file into its place, after the marker lists it; under the marker's lock."""
    path, entry = folder / name, marker.files.get(name)
    before = ""
    if entry is not None and path.is_file():
        unchanged = entry.bytes == path.stat().st_size and _published.get(path.absolute()) == _signature(path.stat())
        before = entry.sha256 if unchanged else sha256(path)
    marker.files[name] = entry_of(temporary, before)
    # The marker comes first and accepts the old content, too: a kill in between leaves a file that is still ours.
    write_marker(folder, marker)
    _put(temporary, path)


def _put(temporary: Path, path: Path) -> None:
    put(temporary, path)
    _published[path.absolute()] = _signature(path.stat())


def _require_unclaimed(path: Path) -> None:
    """Refuse a file in a folder that nobody claimed, unless it is new or this process wrote it."""
    require_output_file(path, "a file")
    if os.path.lexists(path) and _published.get(path.absolute()) != _signature(path.stat()):
        raise ForeignFileError(
            "will not overwrite what graphrec did not write",
            expected="nothing, or a file in a folder of graphrec's",
            got="another file",
            where=path,
            next_step=_MOVE_OR_ANOTHER,
        )


def _signature(status: os.stat_result) -> Signature:
    return status.st_ino, status.st_size, status.st_mtime_ns


@contextmanager
def _marker_lock(folder: Path) -> Iterator[None]:
    with file_lock(folder / MARKER_LOCK, wait=True):
        yield


def _existing_marker(folder: Path) -> Marker:
    marker = read_marker(folder)
    if marker is None:
        raise ForeignFileError("the folder was removed while it was written", where=folder)
    return marker


def _folders_between(folder: Path, path: Path) -> list[Path]:
    return [parent for parent in path.parents if parent != folder and folder in parent.parents]


def _remove_empty(path: Path, folder: Path) -> None:
    """Remove `path` and the folders above it, up to `folder`, that have become empty."""
    while path != folder and folder in path.parents:
        try:
            path.rmdir()
        except OSError:
            return
        path = path.parent
