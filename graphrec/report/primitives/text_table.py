"""A table of texts, as the terminal, Markdown and the pages show it."""

from __future__ import annotations

from collections.abc import Sequence

TextRows = Sequence[tuple[str, ...]]
"""Cells, a tuple a row."""
TextTable = tuple[list[str], TextRows]
"""Headers and rows."""
