"""Which of a source's layouts a folder holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from graphrec.data.readers.raw_files import how_to_obtain, listing
from graphrec.errors import DataError


def find_layout(raw: Path, source: str, layouts: Mapping[str, tuple[Sequence[str], str]]) -> str:
    """The layout of which at least one telling file is in the folder `raw`.

    Args:
        layouts: for each layout patterns of its telling files or folders, and what it consists of, in words.

    Raises:
        DataError: no layout is there, or several are.

    >>> layouts = {"text": (["*.txt"], "lists in text files"), "arrays": (["*.npy"], "arrays of pairs")}
    >>> Path("train.txt").touch()
    >>> find_layout(Path(), "tiktok", layouts)
    'text'
    >>> Path("train.npy").touch()
    >>> find_layout(Path(), "tiktok", layouts)
    Traceback (most recent call last):
    graphrec.errors.DataError: several tiktok layouts are here: text, arrays
      expected: text: lists in text files; or arrays: arrays of pairs
      got: train.npy, train.txt
      where: .
      next step: set the option layout
    """
    present = [layout for layout, (telling, _) in layouts.items() if any(_holds(raw, name) for name in telling)]
    if len(present) == 1:
        return present[0]
    raise DataError(
        f"several {source} layouts are here: {', '.join(present)}" if present else f"no {source} layout is here",
        expected="; or ".join(f"{layout}: {content}" for layout, (_, content) in layouts.items()),
        got=listing(raw),
        where=raw,
        next_step="set the option layout" if present else how_to_obtain(source, raw),
    )


def _holds(raw: Path, pattern: str) -> bool:
    return raw.is_dir() and next(raw.glob(pattern), None) is not None
