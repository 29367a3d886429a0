"""What is in a folder that graphrec writes, or would write, besides what serves the writing itself."""

from __future__ import annotations

import stat
from pathlib import Path

from graphrec.errors import ANOTHER_FOLDER, ForeignFileError
from graphrec.system.files import LOCK, is_temporary
from graphrec.system.marker import MARKER, Marker, read_marker

MARKER_LOCK = ".graphrec.marker.lock"
"""The file that a process locks while it changes a marker."""
_WITHOUT_ARTICLE = ("prepared data", "paper tables")


def content_of(folder: Path, *, whole: bool = False) -> list[str]:
    """The names in a folder that do not serve its writing; `whole`: of all files below it.

    >>> Path("runs").mkdir()
    >>> for name in ("photo.jpg", ".graphrec.lock"):
    ...     Path("runs", name).touch()
    >>> content_of(Path("runs"))
    ['photo.jpg']
    """
    if not folder.is_dir():
        return []
    if whole:
        # A folder is named where it is empty, as nothing else names it.
        paths = [p for p in folder.rglob("*") if p.is_symlink() or not p.is_dir() or not any(p.iterdir())]
        names = [path.relative_to(folder).as_posix() for path in sorted(paths)]
    else:
        names = sorted(path.name for path in folder.iterdir())
    return [name for name in names if not _is_auxiliary(folder / name, folder)]


def _is_auxiliary(path: Path, folder: Path) -> bool:
    """Whether a file serves the writing of a folder: its marker, a lock, or what a process left that was killed."""
    if not stat.S_ISREG(path.lstat().st_mode):
        return False
    if path.name in (LOCK, MARKER_LOCK):
        return path.stat().st_size == 0
    return path == folder / MARKER or is_temporary(path.name, left_over=True)


def foreign_content(folder: Path, what: str, names: list[str]) -> ForeignFileError:
    """The error for names in a folder that are somebody else's.

    >>> print(foreign_content(Path("mine"), "a run", ["a", "b", "c", "d"]).got)
    a folder with other content: a, b, c and 1 more
    """
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return ForeignFileError(
        f"will not write {what} into what is there",
        expected=f"a new folder, or one with {what}",
        got=f"a folder with other content: {shown}",
        where=folder,
        next_step=ANOTHER_FOLDER,
    )


def marker_of(folder: Path, kind: str, what: str) -> Marker:
    """The marker of a folder of this kind.

    Raises:
        ForeignFileError: it has none, or is of another kind.
        DamagedFileError: the marker is damaged.

    >>> marker_of(Path("nowhere"), "run", "a run")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    graphrec.errors.ForeignFileError: will not write a run into what is there
    ...
    """
    marker = read_marker(folder)
    if marker is None or marker.kind != kind:
        raise ForeignFileError(
            f"will not write {what} into what is there",
            expected=f"a new folder, or one with {what}",
            got="nothing" if marker is None else f"a folder with {with_article(marker.kind)}",
            where=folder,
            next_step=ANOTHER_FOLDER,
        )
    return marker


def with_article(kind: str) -> str:
    """A kind of folder in a sentence.

    >>> with_article("export"), with_article("prepared data")
    ('an export', 'prepared data')
    """
    return kind if kind in _WITHOUT_ARTICLE else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
