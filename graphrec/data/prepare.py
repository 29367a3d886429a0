"""From raw files to a prepared dataset folder."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphrec.arguments import path_argument, require_type
from graphrec.data.readers.raw_files import with_world
from graphrec.data.source import SourceOptions
from graphrec.data.sources import sources
from graphrec.data.store import KIND, MANIFEST, read_manifest, save
from graphrec.errors import ANOTHER_FOLDER_OR_REMOVE, Argument, DataError
from graphrec.system.files import sha256
from graphrec.system.output_paths import require_output_folder
from graphrec.system.user_code import anchored, permit
from graphrec.validation import validated

logger = logging.getLogger(__name__)


def prepare(source: str, raw: str | Path, out: str | Path, options: Mapping[str, Any] | None = None) -> Path:
    """Read `raw` with a source and write the prepared dataset to `out`, atomically.

    Args:
        source: a registered source's name, or an import path.
        raw: folder or file in that source's layout.
        options: the source's own options.

    Raises:
        UnknownNameError: no such source.
        DataError: the raw files are not what the layout promises.
        RecipeError: an option that the source does not have.

    >>> from tempfile import TemporaryDirectory
    >>> from graphrec.data.store import load
    >>> with TemporaryDirectory() as folder:
    ...     log = Path(folder) / "log.csv"
    ...     _ = log.write_text("user,item,rating\\nann,film1,5\\nann,film2,2\\nben,film2,4\\n")
    ...     dataset = load(prepare("table", log, Path(folder) / "prepared", {"rating": "rating"}))
    ...     len(dataset.pairs("click")), len(dataset.pairs("like"))
    (3, 2)
    """
    source = _named(source)
    kind = sources.get(source)
    raw, out = path_argument("raw", raw), path_argument("out", out)
    require_type("options", options, (Mapping, type(None)), "options by name, such as {'rating': 'rating'}")
    if not raw.exists():
        raise DataError(
            "no such raw data",
            expected="an existing folder or file",
            got="nothing",
            where=raw,
            next_step="check the path; `graphrec simulate` writes a dataset's twin where it cannot be had",
        )
    require_output_folder(out, KIND, inputs=[raw])
    logger.debug("reading %s with the source %s", raw, source)
    save(with_world(kind.load(raw, _settings(source, options)), raw), out)
    return out


def prepare_once(source: str, raw: str | Path, out: str | Path, options: Mapping[str, Any] | None = None) -> Path:
    r"""`prepare`, unless `out` already holds the result: of the same source, options and raw files.

    Raises:
        DataError: `out` holds something else.

    >>> log = Path("log.csv")
    >>> _ = log.write_text("user,item\nann,film1\nben,film1\n")
    >>> prepare_once("table", log, "prepared") == prepare_once("table", log, "prepared")
    True
    >>> _ = log.write_text("user,item\nann,film1\nben,film2\n")
    >>> prepare_once("table", log, "prepared")
    Traceback (most recent call last):
    graphrec.errors.DataError: the folder holds other prepared data
      expected: what the source `table` makes of log.csv
      got: another log.csv
      where: prepared
      next step: choose another `out`, or remove the folder
    """
    raw, out, source = Path(raw), Path(out), _named(source)
    if not (out / MANIFEST).is_file():
        return prepare(source, raw, out, options)
    origin = read_manifest(out).provenance
    asked = _settings(source, options).model_dump(mode="json")
    # An option that is younger than the prepared data has its default there.
    had = {**_settings(source, None).model_dump(mode="json"), **origin.get("options", {})}
    different = ["source"] if origin.get("source") != source else []
    if not different:
        different = [f"option {name}" for name in {**had, **asked} if had.get(name) != asked.get(name)]
    folder = raw if raw.is_dir() else raw.parent
    files = origin.get("files", {})
    different += [
        name for name, digest in files.items() if not (folder / name).is_file() or sha256(folder / name) != digest
    ]
    if raw.is_file() and raw.name not in files:
        different.append(raw.name)
    if different:
        raise DataError(
            "the folder holds other prepared data",
            expected=f"what the source `{source}` makes of {raw}" + (f" with {dict(options)}" if options else ""),
            got="another " + ", ".join(different),
            where=out,
            next_step=ANOTHER_FOLDER_OR_REMOVE,
        )
    return out


def _named(source: str) -> str:
    """The source as a person named it, who may name code of their own."""
    source = anchored(source, Path.cwd()) if isinstance(source, str) else source
    permit(source)
    return source


def _settings(source: str, options: Mapping[str, Any] | None) -> SourceOptions:
    kind = sources.get(source)
    return validated(kind.Options, dict(options or {}), Argument("options"), what=f"{source} option")
