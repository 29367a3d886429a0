"""Dataset cards on the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from graphrec.data.cards import Card
from graphrec.report.primitives.text_table import TextTable
from graphrec.system.shell import command


def card_rows(cards: Iterable[Card]) -> TextTable:
    """A row for each dataset.

    >>> from graphrec.data.cards import card_of
    >>> headers, rows = card_rows([card_of("tiktok")])
    >>> dict(zip(headers, rows[0]))["modalities"]
    'textual, visual, acoustic'
    """
    rows = [
        (
            card.source,
            card.access,
            ", ".join(layout.name for layout in card.layouts),
            ", ".join(dict.fromkeys(m for layout in card.layouts for m in (*layout.exposure, *layout.content)))
            or "none",
            str(len(card.variants)),
            card.about,
        )
        for card in cards
    ]
    return ["dataset", "access", "layouts", "modalities", "counted sets", "what it is"], rows


def card_text(card: Card, *, twin: bool) -> str:
    """Where a dataset comes from, who may have it and how, what plays the click and the like.

    Args:
        twin: whether there is a world that simulates it.

    >>> from graphrec.data.cards import card_of
    >>> lines = card_text(card_of("tiktok"), twin=True).splitlines()
    >>> [line.split()[0] for line in lines if line][1:7]
    ['origin', 'licence', 'who', 'obtain', 'prepare', 'without']
    """
    lines = [
        f"{card.source}: {card.about}",
        "",
        f"origin    {card.origin}",
        f"licence   {card.licence}",
        f"who       {card.who}",
        f"obtain    {card.obtain}",
        f"prepare   {command('prepare', card.source, raw='FOLDER', out='FOLDER')}",
    ]
    if twin:
        simulate = command("simulate", card.source, out="FOLDER")
        lines.append(f"without   {simulate} writes a twin with known truth")
    for layout in card.layouts:
        lines += [
            "",
            f"layout {layout.name}: {layout.about}",
            f"  click     {layout.click}",
            f"  like      {layout.like}",
            f"  exposure  {', '.join(layout.exposure) or 'none'} (seen before the click)",
            f"  content   {', '.join(layout.content) or 'none'}",
        ]
    return "\n".join(lines)


def file_rows(card: Card) -> TextTable:
    """A row for each raw file.

    >>> from graphrec.data.cards import card_of
    >>> headers, rows = file_rows(card_of("tiktok"))
    >>> headers, rows[0][:2]
    (['layout', 'file', 'bytes', 'needed', 'content'], ('icme', 'final_track2_train.txt'))
    """
    rows = [
        (
            layout.name,
            file.name,
            f"{file.bytes:,}" if file.bytes is not None else "unknown",
            "no" if file.optional else "yes",
            file.content,
        )
        for layout in card.layouts
        for file in layout.files
    ]
    return ["layout", "file", "bytes", "needed", "content"], rows


def variant_rows(card: Card) -> TextTable:
    """A row for each set that goes by the dataset's name.

    >>> from graphrec.data.cards import card_of
    >>> headers, rows = variant_rows(card_of("tiktok"))
    >>> rows[0][0], rows[0][2]
    ('MMGCN', 'users 36,656, items 76,085, pairs 726,065')
    """
    rows = [
        (
            variant.name,
            variant.layout,
            ", ".join(f"{key} {count:,}" for key, count in variant.counts.items()),
            variant.counted_from,
        )
        for variant in card.variants
    ]
    return ["published set", "layout", "counts", "counted from"], rows
