"""From raw files to a prepared dataset folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphrec.data.sources import sources
from graphrec.data.store import save
from graphrec.errors import DataError
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
        raise DataError(
            "no such raw data",
            expected="an existing folder or file",
            got="nothing",
            where=raw,
            next_step="check the path; `graphrec simulate` writes a dataset's twin where it cannot be had",
        )
    if out.resolve() in (raw.resolve(), *raw.resolve().parents):
        raise DataError(
            "the prepared data would replace the raw data",
            expected="a folder of its own",
            got=f"{out}, which holds {raw}",
            where="out",
            next_step="choose another --out",
        )
    settings = validated(kind.Options, dict(options or {}), f"source `{source}`", what=f"{source} option")
    save(kind.load(raw, settings), out)
    return out
