"""From raw files to a prepared dataset folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphrec.data.sources import sources
from graphrec.data.store import save
from graphrec.errors import DataError, RecipeError
from graphrec.recipe import validated


def prepare(source: str, raw: str | Path, out: str | Path, options: Mapping[str, Any] | None = None) -> Path:
    """Read `raw` with a source and write the prepared dataset to `out`, whole or not at all.

    Args:
        source: a registered source's name, or an import path.
        raw: folder or file in that source's layout.
        options: the source's own options.

    Raises:
        UnknownNameError: no such source.
        DataError: the raw files are not what the layout promises.
        RecipeError: an option that the source does not have.
    """
    kind = sources.get(source)
    raw, out = Path(raw), Path(out)
    if not raw.exists():
        raise DataError("no such raw data", expected="an existing folder or file", got="nothing", where=raw)
    try:
        settings = validated(kind.Options, dict(options or {}), where=f"--option of source `{source}`")
    except RecipeError as error:
        error.problem = error.problem.replace("recipe key", f"{source} option", 1)
        error.args = (str(error),)
        raise
    save(kind.load(raw, settings), out)
    return out
