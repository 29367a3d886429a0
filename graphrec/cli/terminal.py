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
"""Columns of a table that breaks no cell."""
PIPE_WIDTH = 120
"""Columns of a file or a pipe: a wider table continues in another block below."""


def print_table(
    headers: Sequence[str], rows: Sequence[tuple[str, ...]], at_most: Mapping[str, int] | None = None
) -> None:
    """Print rows of cells to standard output, in columns.

    On a terminal that is too narrow, cells are wrapped. In a file or a pipe none is: a table wider than `PIPE_WIDTH`
    continues in blocks below, each of which begins with the first column, so that each line still says what it is of.

    Args:
        headers: `C` names of columns, no two of them equal.
        rows: of `C` cells each; the first names the row.
        at_most: the widths, by header, at which columns are wrapped on a terminal, so that the others have room.

    >>> from graphrec.cli.terminal import print_table
    >>> print_table(["name", "users"], [("tiktok", "60"), ("kwai", "7")])
    name    users
    tiktok  60
    kwai    7
    """
    console = Console()
    cells = [[Text(str(cell)) for cell in row] for row in rows]
    if console.is_terminal:
        console.print(_table(headers, cells, at_most), highlight=False)
    else:
        _print_blocks(headers, cells, names=headers[:1])


def print_results(
    headers: Sequence[str],
    rows: Sequence[tuple[str, ...]],
    leading: Sequence[str],
    elsewhere: str = "",
    names: Sequence[str] = (),
) -> None:
    """Print a result table. On a terminal that is too narrow for it, print as many of the leading columns as fit.

    Args:
        headers: names of the columns.
        rows: cells, in which `**` encloses what is bold.
        leading: headers, the most important first; the first two are shown in any case.
        elsewhere: another way to see the other columns than a pipe or a wider terminal, such as "with --json".
        names: headers of the columns that name the rows, which each block of a table in a pipe begins with; by default
            the first.

    >>> from graphrec.cli.terminal import print_results
    >>> print_results(["method", "NDCG@10"], [("HCR", "**.0712** [.0698, .0725]")], leading=["method", "NDCG@10"])
    method  NDCG@10
    HCR     **.0712** [.0698, .0725]
    """
    console = Console()
    if not console.is_terminal:
        _print_blocks(headers, [[Text(str(cell)) for cell in row] for row in rows], names or headers[:1])
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
        ways = ", ".join(filter(None, ("on a wider terminal", "in a pipe (`| less`)", elsewhere)))
        missing = len(headers) - len(shown)
        console.print(f"{missing} more column{'s' if missing > 1 else ''}: {ways}", highlight=False, markup=False)


def bold_mark() -> str:
    """What `print_results` marks a bold cell with: as a word for a terminal, as asterisks for a file or a pipe.

    >>> from graphrec.cli.terminal import bold_mark
    >>> bold_mark()
    '**'
    """
    return "bold" if Console().is_terminal else "**"


def _print_blocks(headers: Sequence[str], rows: Sequence[Sequence[Text]], names: Sequence[str]) -> None:
    """Print a table without breaking a cell, in blocks of at most `PIPE_WIDTH` unless a single cell is wider."""
    console = Console(width=UNBOUNDED)
    blocks: list[list[str]] = []
    for header in (name for name in headers if name not in names):
        wider = [*blocks[-1], header] if blocks else [*names, header]
        if not blocks or _width(console, *_chosen(headers, rows, wider)) > PIPE_WIDTH:
            blocks.append([*names, header])
        else:
            blocks[-1] = wider
    for number, block in enumerate(blocks or [list(names)]):
        with console.capture() as printed:
            console.print(_table(*_chosen(headers, rows, block)), highlight=False)
        # rich fills each line up to the widest, which would make short lines wrap as well.
        lines = [line.rstrip() for line in printed.get().splitlines()]
        print("\n".join([""] * bool(number) + lines))


def print_json(*tables: pd.DataFrame) -> None:
    """Print the tables' rows as one JSON list; what was not measured is null, as JSON has no NaN.

    >>> import pandas as pd
    >>> from graphrec.cli.terminal import print_json
    >>> print_json(pd.DataFrame({"method": ["HCR"], "mrr": [float("nan")]}))
    [
      {
        "method": "HCR",
        "mrr": null
      }
    ]
    """
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
