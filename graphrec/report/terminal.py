"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

UNBOUNDED = 10_000
"""Columns of a file or a pipe, which has no edge: nothing is cut or wrapped there."""


def print_table(headers: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows of cells to standard output, in columns."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=UNBOUNDED)
    console.print(table, highlight=False)
