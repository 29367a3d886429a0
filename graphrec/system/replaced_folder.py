"""Folders that graphrec makes as a whole, such as prepared data: the new one takes the place of the old in one step."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from graphrec.errors import DamagedFileError, ForeignFileError
from graphrec.system.files import is_temporary, put, remove_temporaries, sync, temporary_name
from graphrec.system.folder_content import content_of, foreign_content, marker_of, with_article
from graphrec.system.marker import MARKER, Marker, entry_of, is_marked, read_marker, write_marker
from graphrec.system.output_paths import require_output_folder
from graphrec.system.owned_folder import remove_own_folder, require_own

UNFINISHED = "unfinished"
"""The kind of a folder that is being written as a whole."""


@contextmanager
def replace_folder(folder: Path, kind: str) -> Iterator[Path]:
    """Yield a new folder next to `folder`. On success it replaces `folder`, on error it is removed.

    A folder that replaces another takes two renames. A process that is killed between them leaves nothing at the
    destination; the next call for the same destination puts the old content back first.

    Args:
        folder: new, empty, or one that graphrec wrote as this kind and that holds nothing else.

    Raises:
        ForeignFileError, DamagedFileError: as `claim`; or it holds a file that graphrec did not write.

    >>> for text in ("old", "new"):
    ...     with replace_folder(Path("prepared"), "prepared data") as new:
    ...         _ = (new / "manifest.json").write_text(text)
    >>> Path("prepared/manifest.json").read_text()
    'new'
    >>> Path("prepared/photo.jpg").touch()
    >>> with replace_folder(Path("prepared"), "prepared data"):
    ...     pass
    Traceback (most recent call last):
    graphrec.errors.ForeignFileError: will not write prepared data into what is there
      expected: a new folder, or one with prepared data
      got: a folder with other content: photo.jpg
      where: prepared
      next step: choose another `out`
    """
    folder = Path(folder)
    require_output_folder(folder, with_article(kind))
    folder.parent.mkdir(parents=True, exist_ok=True)
    _recover(folder)
    require_replaceable(folder, kind)
    temporary = folder.with_name(temporary_name(folder.name))
    temporary.mkdir()
    try:
        write_marker(temporary, Marker(UNFINISHED))
        yield temporary
        _finish(temporary, kind)
        require_replaceable(folder, kind)  # it may have changed meanwhile
        _exchange(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def require_replaceable(folder: Path, kind: str) -> None:
    """Refuse to replace a folder that is not wholly graphrec's.

    Raises:
        ForeignFileError, DamagedFileError: as `replace_folder`.

    >>> require_replaceable(Path("prepared"), "prepared data")
    """
    what = with_article(kind)
    if not is_marked(folder):
        if content := content_of(folder):
            raise foreign_content(folder, what, content)
        return
    marker = marker_of(folder, kind, what)
    if foreign := [name for name in content_of(folder, whole=True) if name not in marker.files]:
        raise foreign_content(folder, what, foreign)
    for name in marker.files:
        require_own(folder, marker, name)


def _finish(folder: Path, kind: str) -> None:
    """Sync a new folder and write its marker."""
    files = {}
    for path in sorted(folder.rglob("*")):
        sync(path)
        if path.is_file() and path != folder / MARKER:
            files[path.relative_to(folder).as_posix()] = entry_of(path)
    write_marker(folder, Marker(kind, files))


def _exchange(temporary: Path, folder: Path) -> None:
    """Put a new folder into the place of an old one, and remove the old one."""
    if not folder.exists():
        put(temporary, folder)
        return
    # `os.replace` takes no folder with content as its destination, so the old one moves away first.
    old = folder.with_name(temporary_name(f"{folder.name}.old"))
    os.replace(folder, old)
    try:
        os.replace(temporary, folder)
    # A KeyboardInterrupt, too, must bring the old content back.
    except BaseException:
        os.replace(old, folder)
        raise
    sync(folder.parent)
    _remove_old(old)


def _remove_old(old: Path) -> None:
    if is_marked(old):
        remove_own_folder(old)
    with suppress(OSError):  # somebody wrote into it meanwhile: that stays
        old.rmdir()


def _recover(folder: Path) -> None:
    """Undo or complete what killed processes were doing at `folder`."""
    prefix = f".{folder.name}."
    for path in sorted(folder.parent.iterdir()):
        if not (path.name.startswith(prefix) and is_temporary(path.name, left_over=True) and path.is_dir()):
            continue
        with suppress(ForeignFileError, DamagedFileError):
            marker = read_marker(path) if not path.is_symlink() else None
            if marker is None:
                # Killed before its marker was written: then it is empty.
                if not path.is_symlink():
                    remove_temporaries(path)
                    with suppress(OSError):
                        path.rmdir()
                continue
            if marker.kind == UNFINISHED and not path.name.startswith(f"{prefix}old."):
                shutil.rmtree(path, ignore_errors=True)
            elif path.name.startswith(f"{prefix}old.") and not os.path.lexists(folder):
                os.replace(path, folder)
            else:
                _remove_old(path)
