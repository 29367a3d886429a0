"""Which behaviours of a log are the like: an option of many sources."""

from __future__ import annotations

from collections.abc import Sequence

from graphrec.errors import UnknownNameError

Names = str | list[str]
"""Names, several separated by commas; or a list of them."""


def chosen(names: Names, behaviours: Sequence[str], every: Sequence[str] = (), option: str = "like") -> tuple[str, ...]:
    """The named behaviours, each once, in the order of `behaviours`; `any` stands for those in `every`.

    Raises:
        UnknownNameError: a name is not in `behaviours`, or no name is given.

    >>> chosen("buy, cart", ("click", "cart", "buy"))
    ('cart', 'buy')
    >>> chosen("any", ("click", "cart", "buy"), every=("cart", "buy"))
    ('cart', 'buy')
    """
    chosen_names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    if every and chosen_names == ["any"]:
        chosen_names = list(every)
    for name in chosen_names or [""]:
        if name not in behaviours:
            raise UnknownNameError(
                "behaviour", name, (*behaviours, "any") if every else behaviours, where=f"option {option}"
            )
    return tuple(name for name in behaviours if name in chosen_names)
