"""Tables on the terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    import pandas as pd

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
    cells = [[Text(str(cell)) for cell in row] for row in rows]
    console.print(_table(headers, cells, limits), highlight=False)


def print_results(
    headers: Sequence[str], rows: Sequence[tuple[str, ...]], leading: Sequence[str], elsewhere: str = ""
) -> None:
    """Print a result table. On a terminal that is too narrow for it, print as many of the leading columns as fit.

    Args:
        rows: cells, in which `**` encloses what is bold.
        leading: headers, the most important first; the first two are shown in any case.
        elsewhere: another way to see the other columns than a pipe or a wider terminal, such as "with --json".
    """
    console = Console()
    if not console.is_terminal:
        print_table(headers, rows)
        return
    cells = [[_bold(str(cell)) for cell in row] for row in rows]
    shown = list(headers)
    if _width(console, headers, cells) > console.width:
        shown = []
        for header in leading:
            # The columns stay in the order of the table, whatever the order in which they were chosen.
            wider = [name for name in headers if name in {*shown, header}]
            if len(shown) < 2 or _width(console, *_chosen(headers, cells, wider)) <= console.width:
                shown = wider
    console.print(_table(*_chosen(headers, cells, shown)), highlight=False)
    if len(shown) < len(headers):
        ways = ", ".join(filter(None, ("on a wider terminal", "in a pipe (`| less -S`)", elsewhere)))
        missing = len(headers) - len(shown)
        console.print(f"{missing} more column{'s' if missing > 1 else ''}: {ways}", highlight=False, markup=False)


def print_json(*tables: pd.DataFrame) -> None:
    """Print the tables' rows as one JSON list; what was not measured is null, as JSON has no NaN."""
    rows = [row for table in tables for row in table.astype(object).where(table.notna(), None).to_dict("records")]
    print(json.dumps(rows, indent=2))


def _chosen(
    headers: Sequence[str], rows: Sequence[Sequence[Text]], names: Sequence[str]
) -> tuple[list[str], list[list[Text]]]:
    columns = [headers.index(name) for name in names]
    return [headers[column] for column in columns], [[row[column] for column in columns] for row in rows]


def _width(console: Console, headers: Sequence[str], rows: Sequence[Sequence[Text]]) -> int:
    """Characters that the table needs in order to break no cell."""
    return Measurement.get(console, console.options.update(width=UNBOUNDED), _table(headers, rows)).maximum


def _table(headers: Sequence[str], rows: Sequence[Sequence[Text]], limits: Mapping[str, int] | None = None) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold", max_width=(limits or {}).get(header))
    for row in rows:
        table.add_row(*row)
    return table


def _bold(cell: str) -> Text:
    text = Text()
    for number, piece in enumerate(re.split(r"\*\*(.+?)\*\*", cell)):
        text.append(piece, style="bold" if number % 2 else None)
    return text
