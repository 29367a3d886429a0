"""Where a run's data is: at the path that its recipe names, or at its path relative to the run's folder.

The manifest has the relative path. By it the data is found from any working folder, and after both folders have moved
together.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphrec.data.store import fingerprint
from graphrec.errors import GraphrecError
from graphrec.runs.recipe import Recipe

RELATIVE_DATA = "relative_data_path"
"""In a manifest: the path of the data relative to the run's folder."""


def location_of_data(folder: Path, recipe: Recipe) -> dict[str, str]:
    """The entry of a manifest that says where the data of the run in `folder` is.

    >>> location_of_data(Path("runs/hcr"), recipe.with_data_at("prepared"))
    {'relative_data_path': '../../prepared'}
    """
    return {RELATIVE_DATA: os.path.relpath(Path(recipe.data.path).resolve(), folder.resolve())}


def portable_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest without paths of this machine.

    >>> portable_manifest({"name": "HCR", "relative_data_path": "../prepared"})
    {'name': 'HCR'}
    """
    return {key: value for key, value in manifest.items() if key != RELATIVE_DATA}


def relocate_data(recipe: Recipe, folder: Path, manifest: Mapping[str, Any]) -> Recipe:
    """The recipe of the run in `folder`, with the path at which its data is now.

    Where both paths have data, the data that the run was trained on counts.

    >>> gr.save(gr.load(data), "prepared")
    >>> Path("hcr").mkdir()
    >>> moved = recipe.with_data_at("nowhere")
    >>> Path(relocate_data(moved, Path("hcr"), {"relative_data_path": "../prepared"}).data.path).name
    'prepared'
    """
    if RELATIVE_DATA not in manifest:
        return recipe
    named, other = Path(recipe.data.path), folder / manifest[RELATIVE_DATA]
    paths = [path for path in (named, other) if path.exists()]
    if len(paths) == 2 and not named.samefile(other):
        # A stable sort: unless the other path alone has the fingerprint, the named one stays first.
        paths.sort(key=lambda path: not _has_fingerprint(path, manifest["dataset_fingerprint"]))
    if not paths or paths[0] == named:
        return recipe
    plain = Path(os.path.normpath(other))
    if not (plain.exists() and plain.samefile(other)):  # `..` behind a link leads elsewhere than it reads
        plain = other.resolve()
    return recipe.with_data_at(str(plain))


def _has_fingerprint(data: Path, expected: str) -> bool:
    try:
        return fingerprint(data) == expected
    except GraphrecError:
        return False
