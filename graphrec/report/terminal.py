"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

UNBOUNDED = 10_000
"""Columns of a file or a pipe, which has no edge: nothing is cut or wrapped there."""


def print_table(
    headers: Sequence[str], rows: Sequence[tuple[str, ...]], at_most: Mapping[str, int] | None = None
) -> None:
    """Print rows of cells to standard output, in columns.

    Args:
        at_most: the widths, by header, at which columns are wrapped on a terminal, so that the others have room.
    """
    console = Console()
    limits: Mapping[str, int] = at_most or {}
    if not console.is_terminal:
        console, limits = Console(width=UNBOUNDED), {}
    table = Table(box=None, header_style="bold", pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold", max_width=limits.get(header))
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console.print(table, highlight=False)
