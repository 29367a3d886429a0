"""Attributes of items that are in every row of a log: category, seller, brand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from graphrec.data.bags import one_hot
from graphrec.data.dataset import Feature

UNKNOWN = -1
_MERGE_AT = 4_000_000


class ItemAttributes:
    """Gathers attributes from chunks; an item that comes with several values keeps the first.

    Memory is that of the distinct (item, value) pairs.

    Args:
        names: the attributes.

    >>> attributes = ItemAttributes(["category"])
    >>> attributes.add(np.array([5, 6, 5]), {"category": np.array([2, -1, 3])})
    >>> attributes.of(np.array([5, 6])), attributes.conflicts()
    ({'category': array([ 2, -1])}, {'category': 1})
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._pairs: dict[str, list[pd.DataFrame]] = {name: [] for name in names}

    def add(self, items: np.ndarray, values: Mapping[str, np.ndarray]) -> None:
        """Add `[N]` int64 items and, for each attribute, `[N]` int64 values; a negative one is unknown."""
        for name, column in values.items():
            present = column >= 0
            fresh = pd.DataFrame({"item": items[present], "value": column[present]}).drop_duplicates()
            tables = self._pairs[name]
            tables.append(fresh)
            # Merged once the new tables outgrow the merged one: memory stays near that of the distinct pairs, and no
            # pair is merged often.
            if len(tables) > 1 and sum(map(len, tables[1:])) > max(_MERGE_AT, len(tables[0])):
                self._pairs[name] = [self._merged(name)]

    def of(self, items: np.ndarray) -> dict[str, np.ndarray]:
        """For each attribute the value of `[I]` int64 items, `UNKNOWN` where there is none."""
        values = {}
        for name in self._pairs:
            first = self._merged(name).drop_duplicates("item").set_index("item")["value"]
            values[name] = first.reindex(items, fill_value=UNKNOWN).to_numpy(np.int64)
        return values

    def conflicts(self) -> dict[str, int]:
        """For each attribute the number of items that came with several values."""
        counts = {}
        for name in self._pairs:
            items = self._merged(name)["item"]
            counts[name] = int(items[items.duplicated()].nunique())
        return counts

    def _merged(self, name: str) -> pd.DataFrame:
        empty = pd.DataFrame({"item": np.empty(0, np.int64), "value": np.empty(0, np.int64)})
        # In order of arrival, because the first value of an item counts.
        return pd.concat([empty, *self._pairs[name]], ignore_index=True).drop_duplicates()


def categorical(values: np.ndarray, provenance: str) -> Feature:
    """One-hot columns for `[I]` int64 values, of which a negative one is missing.

    >>> import numpy as np
    >>> from graphrec.data.sources.attributes import categorical
    >>> feature = categorical(np.array([7, -1, 7, 9]), "log.csv, one-hot")
    >>> feature.columns, feature.values.toarray().tolist(), feature.mask.tolist()
    (('7', '9'), [[1.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [True, False, True, True])
    """
    feature = one_hot(values, values >= 0)
    return Feature(feature.values, feature.mask, feature.columns, provenance)
