"""Cards: what a dataset is, who may have it and how, its files, its roles, and the counts that others published.

A card is `datasets/NAME/card.toml`, next to a README with the particulars; an installed package carries a copy.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from graphrec.errors import UnknownNameError

PACKAGE = Path(__file__).resolve().parents[1]
FOLDERS = (PACKAGE / "datasets", PACKAGE.parent / "datasets")
"""Where the cards are: in an installed package, and in a checkout."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class File(_Strict):
    """A raw file of a layout."""

    name: str
    content: str
    bytes: int | None = None
    """Its size, if it is known."""
    optional: bool = False


class Layout(_Strict):
    """One form in which the raw files are published."""

    name: str
    about: str
    files: tuple[File, ...] = Field(min_length=1)
    click: str
    """Which behaviour is the click."""
    like: str
    exposure: tuple[str, ...] = ()
    """Modalities that the user sees before the click."""
    content: tuple[str, ...] = ()
    """Those met after it."""


class Variant(_Strict):
    """One set that goes by the dataset's name, as somebody counted it."""

    name: str
    layout: str
    counts: dict[str, int] = Field(min_length=2)
    """Keys are those of `variants.counts`: users, items, events, pairs, clicks, likes, `pairs.BEHAVIOUR`,
    `clicks.PART`."""
    counted_from: str
    """Who counted what."""


class Card(_Strict):
    """The card of a dataset; its name is that of the source which reads it."""

    source: str
    about: str
    origin: str
    licence: str
    access: Literal["public", "registration", "application", "closed", "yours"]
    """How hard it is to have: a download, an account, an application to its owner, no longer, or it is your own."""
    who: str
    obtain: str
    layouts: tuple[Layout, ...] = Field(min_length=1)
    variants: tuple[Variant, ...] = ()


@cache
def cards() -> dict[str, Card]:
    """Every card by its name, in alphabetical order."""
    by_name: dict[str, Card] = {}
    for folder in FOLDERS:
        for path in sorted(folder.glob("*/card.toml")):
            card = Card.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
            assert card.source == path.parent.name, f"{path} is the card of `{card.source}`"
            by_name.setdefault(card.source, card)
    return dict(sorted(by_name.items()))


def card_of(name: str) -> Card:
    """The card of a dataset.

    Raises:
        UnknownNameError: no such card; the known names and the nearest are listed.
    """
    by_name = cards()
    if name not in by_name:
        raise UnknownNameError("dataset", name, by_name)
    return by_name[name]
