"""Where a run's data lies: at the path that its recipe names, or at its path relative to the run's folder.

The relative path is kept in the run's manifest; by it data is found from any working folder, and where both have moved
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
    """What the manifest of a run in `folder` says of its data's place."""
    return {RELATIVE_DATA: os.path.relpath(Path(recipe.data.path).resolve(), folder.resolve())}


def portable_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest, without any place on this machine."""
    return {key: value for key, value in manifest.items() if key != RELATIVE_DATA}


def relocate_data(recipe: Recipe, folder: Path, manifest: Mapping[str, Any]) -> Recipe:
    """The recipe of the run in `folder`, naming where its data lies if its own path leads elsewhere or nowhere.

    Where data lies at both, that which the run was trained on counts.
    """
    if RELATIVE_DATA not in manifest:
        return recipe
    named, other = Path(recipe.data.path), folder / manifest[RELATIVE_DATA]
    places = [place for place in (named, other) if place.exists()]
    if len(places) == 2 and not named.samefile(other):
        places.sort(key=lambda place: not _has_fingerprint(place, manifest["dataset_fingerprint"]))
    if not places or places[0] == named:
        return recipe
    plain = Path(os.path.normpath(other))
    if not (plain.exists() and plain.samefile(other)):  # `..` behind a link leads elsewhere than it reads
        plain = other.resolve()
    return recipe.with_data_at(str(plain))


def _has_fingerprint(data: Path, wanted: str) -> bool:
    try:
        return fingerprint(data) == wanted
    except GraphrecError:
        return False
