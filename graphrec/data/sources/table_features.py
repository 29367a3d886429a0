"""Item features in a person's own files: `.npy` matrices or Parquet tables, matched to the items by id."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from graphrec.data.dataset import UNKNOWN, Feature
from graphrec.data.readers.columns import as_ids, as_numbers
from graphrec.data.readers.float32 import finite_float32
from graphrec.data.readers.raw_files import read_matrix
from graphrec.data.readers.tables import TableFile
from graphrec.errors import DataError


@dataclass(frozen=True)
class FeatureFile:
    """One `modality=path` or `modality=path.npy@ids.txt` of the option `features`.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.table_features import FeatureFile
    >>> [path.name for path in FeatureFile("visual", Path("pictures.npy"), Path("ids.txt")).files]
    ['pictures.npy', 'ids.txt']
    """

    modality: str
    path: Path
    ids: Path | None

    @property
    def files(self) -> list[Path]:
        return [self.path, *([self.ids] if self.ids else [])]


def parse_features(text: str, folder: Path) -> list[FeatureFile]:
    """The feature files that the option names; relative paths start at `folder`.

    Raises:
        DataError: an entry of another form, a modality named twice, or a file that is not there.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.table_features import parse_features
    >>> for name in ("pictures.npy", "ids.txt"):
    ...     Path(name).touch()
    >>> (entry,) = parse_features("visual=pictures.npy@ids.txt", Path())
    >>> entry.modality, entry.path.name, entry.ids.name
    ('visual', 'pictures.npy', 'ids.txt')
    >>> parse_features("pictures.npy", Path())
    Traceback (most recent call last):
    graphrec.errors.DataError: an entry of the option features is malformed
      expected: modality=file.npy, modality=file.npy@ids.txt or modality=file.parquet
      got: pictures.npy
      where: option features
    """
    entries: list[FeatureFile] = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        modality, equals, files = entry.partition("=")
        path, _, ids = files.partition("@")
        if not (modality and equals and path.endswith((".npy", ".parquet"))) or (ids and path.endswith(".parquet")):
            raise DataError(
                "an entry of the option features is malformed",
                expected="modality=file.npy, modality=file.npy@ids.txt or modality=file.parquet",
                got=entry,
                where="option features",
            )
        if modality in [earlier.modality for earlier in entries]:
            raise DataError(
                f"modality `{modality}` is named twice", expected="each modality once", got=text,
                where="option features", next_step="drop one of them, or call it otherwise",
            )  # fmt: skip
        entries.append(FeatureFile(modality, folder / path, folder / ids if ids else None))
    for file in (file for entry in entries for file in entry.files):
        if not file.is_file():
            raise DataError("feature file not found", where=file, next_step="give its path from the raw folder")
    return entries


def read_feature(entry: FeatureFile, item_ids: np.ndarray) -> Feature:
    """The feature of one file for the given items; items that the file lacks are masked.

    Raises:
        DataError: unreadable, not finite, repeated ids, or no row for any of the items.

    >>> from pathlib import Path
    >>> import numpy as np
    >>> import pandas as pd
    >>> from graphrec.data.sources.table_features import FeatureFile, read_feature
    >>> pd.DataFrame({"id": ["y", "x"], "red": [1.0, 3.0], "blue": [2.0, 4.0]}).to_parquet("colours.parquet")
    >>> entry = FeatureFile("colour", Path("colours.parquet"), ids=None)
    >>> feature = read_feature(entry, np.array(["x", "y", "z"], dtype=object))
    >>> feature.columns, feature.values.tolist(), feature.mask.tolist()
    (('red', 'blue'), [[3.0, 4.0], [1.0, 2.0], [0.0, 0.0]], [True, True, False])
    """
    columns: tuple[str, ...] | None = None
    if entry.path.suffix == ".parquet":
        ids, values, columns = _read_parquet(entry.path)
    elif entry.ids is None:
        values = read_matrix(entry.path)
        if len(values) != len(item_ids):
            raise DataError(
                "a feature matrix without ids must have one row for each item",
                expected=f"{len(item_ids)} rows, in the order of the sorted item ids",
                got=f"{len(values)} rows",
                where=entry.path,
                next_step=f"name the ids of the rows: {entry.modality}={entry.path.name}@ids.txt",
            )
        note = f"{entry.path.name}, rows taken in the order of the sorted item ids"
        return Feature(values, np.ones(len(values), dtype=bool), provenance=note, encoder=UNKNOWN, layer=UNKNOWN)
    else:
        ids = _read_ids(entry.ids)
        values = read_matrix(entry.path, rows=len(ids))
    index = pd.Index(ids)
    if index.has_duplicates:
        got = f"{index[index.duplicated()][0]} among others"
        raise DataError("an item has two feature rows", expected="one row an item", got=got, where=entry.path)
    rows = index.get_indexer(pd.Index(item_ids))
    mask = rows >= 0
    if not mask.any():
        raise DataError(
            f"no feature row of `{entry.modality}` belongs to an item of the table",
            expected=f"ids such as {', '.join(item_ids[:3])}",
            got=f"ids such as {', '.join(ids[:3])}",
            where=entry.ids or entry.path,
        )
    # A row number of -1 reads the last row, which the mask then replaces by zeros.
    aligned = np.where(mask[:, None], values[rows], np.float32(0))
    note = f"{entry.path.name}, rows matched by item id"
    return Feature(aligned, mask, columns, note, encoder=UNKNOWN, layer=UNKNOWN)


def _read_parquet(path: Path) -> tuple[list[str], np.ndarray, tuple[str, ...]]:
    frame = TableFile(path).read()
    if frame.shape[1] < 2:
        raise DataError("a feature table needs an id and values", expected="two or more columns", got=1, where=path)
    ids = as_ids(frame.iloc[:, 0], path).tolist()
    values = np.stack([as_numbers(frame.iloc[:, position], path) for position in range(1, frame.shape[1])], axis=1)
    names = tuple(frame.columns[1:])
    return ids, finite_float32(values, path, rows=ids, columns=names), names


def _read_ids(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise DataError("the ids are not UTF-8 text", got=str(error), where=path) from None
