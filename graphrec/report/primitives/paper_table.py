"""A paper's table or figure, made of our own runs: its numbers, how they are laid out, and its picture.

The columns of `table` are named as the paper heads them. A column `X` may have companions: `X_low` and `X_high`, the
ends of a 95 % interval, and `X_best`, true where the value is significantly better than every other of its comparison.
The CSV has them all; the Markdown shows `**.0712** [.0698, .0725]`. A cell that could not be measured holds a text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from graphrec.report.primitives.plots import standalone
from graphrec.report.primitives.tables import markdown_table, number
from graphrec.system.owned_folder import claim_if_new, remove_own_file, write_own_text

COMPANIONS = ("_low", "_high", "_best")
PERCENT = "(%)"
"""Columns whose name ends so hold percentages; they are shown with one decimal."""


@dataclass(frozen=True)
class PaperTable:
    """A table or figure of a paper.

    Args:
        name: file stem, such as `hcr-table-2`.
        title: what the paper calls it, and of what data it is here.
        caption: what is shown, in a sentence or two.
        table: its numbers, laid out as in the paper.
        notes: interpretations, deviations and failures that a reader must know.
        picture: an `<svg>` element, or none.

    >>> numbers = pd.DataFrame({"Method": ["CT", "HCR"], "R@50": [0.1, 0.2], "R@50_low": 0.05, "R@50_high": 0.25})
    >>> table = PaperTable("table-1", "Table 1", "All methods.", numbers.assign(**{"R@50_best": [False, True]}))
    >>> table.rows()[1]
    [('CT', '.1000 [.0500, .2500]'), ('HCR', '**.2000** [.0500, .2500]')]
    >>> table.write(".")
    >>> sorted(path.name for path in Path().iterdir())
    ['table-1.csv', 'table-1.md']
    """

    name: str
    title: str
    caption: str
    table: pd.DataFrame
    notes: tuple[str, ...] = ()
    picture: str | None = None

    def rows(self) -> tuple[list[str], list[tuple[str, ...]]]:
        """Headers and rows as they are shown; a significantly best value is in `**`."""
        shown = [column for column in self.table.columns if not self._companion(column)]
        return shown, [tuple(self._cell(row, column) for column in shown) for _, row in self.table.iterrows()]

    def markdown(self) -> str:
        """The table as a page of Markdown, which links to its picture."""
        return "\n\n".join(self._paragraphs()) + "\n"

    def write(self, folder: str | Path) -> None:
        """Write `NAME.csv`, `NAME.md` and, where there is a picture, `NAME.svg`, each atomically.

        An earlier picture is removed where there is none now.
        """
        claim_if_new(Path(folder), "paper tables")
        texts = {"csv": self.table.to_csv(index=False), "md": self.markdown()}
        if self.picture is not None:
            texts["svg"] = standalone(self.picture)
        for suffix, text in texts.items():
            write_own_text(Path(folder) / f"{self.name}.{suffix}", text)
        if self.picture is None:
            remove_own_file(Path(folder) / f"{self.name}.svg")

    def _paragraphs(self) -> Iterator[str]:
        yield f"# {self.title}"
        yield self.caption
        yield markdown_table(*self.rows())
        if self.picture is not None:
            yield f"![{self.title}]({self.name}.svg)"
        if self.notes:
            yield "\n".join(f"- {' '.join(note.split())}" for note in self.notes)

    def _companion(self, column: str) -> bool:
        return any(column.removesuffix(end) in self.table.columns for end in COMPANIONS if column.endswith(end))

    def _cell(self, row: pd.Series, column: str) -> str:
        value, percent = row[column], column.endswith(PERCENT)
        text = shown(value, percent=percent)
        if isinstance(value, str) or pd.isna(value):
            return text
        best = row.get(f"{column}_best")
        # A row without a test may have NaN there, which Python takes for true.
        if isinstance(best, bool | np.bool_) and best:
            text = f"**{text}**"
        ends = [row.get(f"{column}_{end}", np.nan) for end in ("low", "high")]
        if any(isinstance(end, str) or pd.isna(end) for end in ends):
            return text
        return f"{text} [{shown(ends[0], percent=percent)}, {shown(ends[1], percent=percent)}]"


def shown(value: Any, *, percent: bool = False) -> str:
    """A value as tables show it: text as it is, counts with thousands, a dash where there is none.

    >>> shown(0.0712), shown(12.345, percent=True), shown(1200), shown(float("nan")), shown("failed")
    ('.0712', '12.3', '1,200', '–', 'failed')
    """
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return "–"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    return f"{value:.1f}" if percent else number(value)
