"""Which behaviours of a log are the like: an option of many sources."""

from __future__ import annotations

from collections.abc import Sequence

from graphrec.errors import UnknownNameError

Names = str | list[str]
"""Names, several separated by commas; or a list of them."""


def chosen(names: Names, known: Sequence[str], every: Sequence[str] = (), option: str = "like") -> tuple[str, ...]:
    """The named behaviours, each once, in the order of `known`; `any` stands for those in `every`.

    Raises:
        UnknownNameError: a name is not among the known ones, or there is none.
    """
    wanted = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    if every and wanted == ["any"]:
        wanted = list(every)
    for name in wanted or [""]:
        if name not in known:
            raise UnknownNameError("behaviour", name, (*known, "any") if every else known, where=f"option {option}")
    return tuple(name for name in known if name in wanted)
