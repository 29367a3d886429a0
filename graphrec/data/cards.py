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
    """A raw file of a layout.

    >>> file = card_of("coat").layouts[0].files[0]
    >>> file.name, file.content
    ('train.ascii', 'users by items, 0 to 5; coats that the user chose')
    """

    name: str
    content: str
    bytes: int | None = None
    """Its size, if it is known."""
    optional: bool = False


class Layout(_Strict):
    """One form in which the raw files are published.

    >>> [layout.name for layout in card_of("tiktok").layouts]
    ['icme', 'diffmm', 'mmgcn', 'mmssl']
    >>> layout = card_of("tiktok").layouts[0]
    >>> layout.click, layout.like, layout.exposure, layout.content
    ('every row: the log holds played videos only', 'finish or thumbs_up', ('textual',), ('visual', 'acoustic'))
    """

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
    """One set that goes by the dataset's name, as somebody counted it.

    >>> variant = card_of("coat").variants[0]
    >>> variant.name, variant.layout, variant.counts
    ('Coat', 'coat', {'users': 290, 'items': 300, 'clicks.test': 4640})
    """

    name: str
    layout: str
    counts: dict[str, int] = Field(min_length=2)
    """Keys are those of `variants.counts`: users, items, events, pairs, clicks, likes, `pairs.BEHAVIOUR`,
    `clicks.PART`."""
    counted_from: str
    """Who counted what."""


class Card(_Strict):
    """The card of a dataset; its name is that of the source which reads it.

    >>> card = card_of("coat")
    >>> card.source, card.access, len(card.layouts)
    ('coat', 'public', 1)
    """

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
    """Every card by its name, in alphabetical order.

    >>> list(cards())[:3]
    ['alibaba', 'amazon', 'coat']
    """
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

    >>> card_of("coat").origin
    'Schnabel, Swaminathan, Singh, Chandak, Joachims: Recommendations as Treatments (ICML 2016)'
    >>> card_of("tictok")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    graphrec.errors.UnknownNameError: unknown dataset `tictok`; did you mean `tiktok`?
      expected: one of ...
      got: `tictok`
    """
    by_name = cards()
    if name not in by_name:
        raise UnknownNameError("dataset", name, by_name)
    return by_name[name]
