"""The tables of backbones and decoders in the documents, from what their classes declare."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from pathlib import Path

from graphrec.backbones import backbones
from graphrec.backbones.listing import HEADERS, list_backbones
from graphrec.decoders import Context, Decoder, decoders
from graphrec.errors import GraphrecError
from graphrec.report.primitives.tables import markdown_table

FEEDBACK = {"click": "clicks", "like": "likes"}

# What a decoder may require of the data, from nothing to a category.
DATASETS = {
    "": Context((), (), 4, 5, 6),
    "a modality": Context((), ("audio",), 4, 5, 6, {"audio": 3}),
    "one seen before the click": Context(("visual",), (), 4, 5, 6, {"visual": 3}),
    "a modality, and a category": Context((), ("audio", "kind"), 4, 5, 6, {"audio": 3, "kind": 2}, ("kind",)),
}


def backbone_table() -> str:
    """Every backbone of the package, its name a link to its module."""
    rows = []
    for row in list_backbones():
        name, *cells = row.cells()
        module = Path(inspect.getfile(backbones.get(name))).name
        rows.append([f"[{name}](../graphrec/backbones/{module})", *cells])
    return markdown_table(HEADERS, rows)


def decoder_table() -> str:
    """Every decoder of the package, its name a link to its module."""
    return markdown_table(["name", "what it is", "learns from", "needs", "reports"], map(decoder_row, decoders))


def decoder_row(name: str) -> list[str]:
    """The cells of a decoder, under its default settings."""
    kind = decoders.get(name)
    needs, decoder = next((needs, made) for needs, context in DATASETS.items() if (made := _built(name, context)))
    roles = {role for term in decoder.objectives() for role in (term.label, term.population) if role}
    return [
        f"[{name}](../graphrec/decoders/{Path(inspect.getfile(kind)).name})",
        (kind.__doc__ or "").split("\n")[0],
        ", ".join(FEEDBACK[role] for role in sorted(roles)),
        needs,
        ", ".join(f"{variant} (`{estimand.name}`)" for variant, estimand in decoder.variants().items()),
    ]


def _built(name: str, context: Context) -> Decoder | None:
    """The decoder at its defaults; None where the data lacks what it needs."""
    kind = decoders.get(name)
    try:
        return kind(kind.Config(), context)
    except GraphrecError:
        return None


def grid_table() -> str:
    """What `graphrec tune` tries for each decoder of the package; those with the same grid share a row."""
    names: dict[str, list[str]] = {}
    grids = {name: kind.grid for name, kind in decoders.available() if kind.__module__.startswith("graphrec.")}
    for name, grid in grids.items():
        names.setdefault(repr(grid), []).append(f"`{name}`")
    rows = []
    for alike in names.values():
        grid = {key: _values(values) for key, values in grids[alike[0].strip("`")].items()}
        common = [grid.pop(f"training.{key}") for key in ("learning_rate", "weight_decay")]
        rows.append((", ".join(alike), *common, "; ".join(f"`{key}` {values}" for key, values in grid.items())))
    return markdown_table(["decoder", "`training.learning_rate`", "`training.weight_decay`", "besides"], rows)


def _values(values: Iterable[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
