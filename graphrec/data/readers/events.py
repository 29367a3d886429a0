"""Gathering events chunk by chunk into a dataset, in the memory of the dataset and a few chunks."""

from __future__ import annotations

import mmap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from graphrec.data.dataset import PARTS, InteractionDataset, sort_ids
from graphrec.errors import DataError

_LARGE = 1 << 18


class EventBuilder:
    """Gathers events chunk by chunk and makes a dataset without features of them.

    Args:
        behaviours: the names of the codes of the behaviours; a list may grow until `build`.

    >>> builder = EventBuilder(("click", "like"))
    >>> builder.add(np.array([7, 8]), np.array([30, 30]), behaviours=np.array([0, 0]), timestamps=np.array([5, 6]))
    >>> builder.add(np.array([7]), np.array([4]), behaviours=np.array([1]), timestamps=np.array([9]))
    >>> dataset = builder.build("log", feedback={"click": ("click",), "like": ("like",)}, provenance={})
    >>> dataset.item_ids.tolist(), dataset.interactions["item"].tolist()
    (['4', '30'], [1, 1, 0])
    """

    def __init__(self, behaviours: Sequence[str]) -> None:
        self.behaviours = behaviours
        self._ids: dict[str, _Numbering] = {"user": _Numbering(), "item": _Numbering()}
        self._chunks: dict[str, list[np.ndarray]] = {}
        self._length = 0

    def __len__(self) -> int:
        """Events so far."""
        return self._length

    def add(
        self,
        users: np.ndarray,
        items: np.ndarray,
        behaviours: np.ndarray,
        timestamps: np.ndarray | None = None,
        parts: np.ndarray | None = None,
    ) -> None:
        """Add `[N]` events.

        Args:
            users, items: external ids, int64 or str; the same kind in every call.
            behaviours: int8 codes into the names.
            timestamps: int64, in every call or in none.
            parts: int8 codes into (train, valid, test), in every call or in none.
        """
        columns = {
            "user": self._ids["user"].number(users),
            "item": self._ids["item"].number(items),
            "behaviour": np.asarray(behaviours, dtype=np.int8),
        }
        if timestamps is not None:
            columns["timestamp"] = np.asarray(timestamps, dtype=np.int64)
        if parts is not None:
            columns["part"] = np.asarray(parts, dtype=np.int8)
        if len({len(column) for column in columns.values()}) > 1:
            raise ValueError("every column of the events must have the same length")
        if self._chunks and self._chunks.keys() != columns.keys():
            raise ValueError(f"these events have {list(columns)}, earlier ones {list(self._chunks)}")
        for name, column in columns.items():
            self._chunks.setdefault(name, []).append(_in_own_pages(column))
        self._length += len(columns["user"])

    def build(
        self, name: str, *, feedback: Mapping[str, tuple[str, ...]], provenance: Mapping[str, Any]
    ) -> InteractionDataset:
        """The dataset, its ids sorted (as numbers where all are whole); the builder is empty after.

        Raises:
            DataError: there were no events.
        """
        if self._length == 0:
            raise DataError(
                f"dataset `{name}` has no interactions",
                expected="at least one event",
                got="0 rows",
                next_step="check the raw files and the options that choose among their rows",
            )
        table: dict[str, Any] = {}
        ids = {}
        for kind, numbering in self._ids.items():
            ids[kind], rank = numbering.sorted()
            table[kind] = self._join(kind, rank)
        table["behaviour"] = pd.Categorical.from_codes(self._join("behaviour"), categories=list(self.behaviours))
        if "timestamp" in self._chunks:
            table["timestamp"] = self._join("timestamp")
        if "part" in self._chunks:
            table["part"] = pd.Categorical.from_codes(self._join("part"), categories=list(PARTS))
        self.__init__(self.behaviours)  # type: ignore[misc]
        return InteractionDataset(
            name=name,
            user_ids=ids["user"],
            item_ids=ids["item"],
            interactions=pd.DataFrame(table, copy=False),
            feedback=dict(feedback),
            provenance=dict(provenance),
        )

    def _join(self, name: str, rank: np.ndarray | None = None) -> np.ndarray:
        """The chunks of a column as one array, each freed as soon as it is copied."""
        chunks = self._chunks[name]
        whole = np.empty(self._length, dtype=chunks[0].dtype if rank is None else np.int64)
        end = self._length
        while chunks:
            chunk = chunks.pop()
            whole[end - len(chunk) : end] = chunk if rank is None else rank[chunk]
            end -= len(chunk)
        return whole


def _in_own_pages(column: np.ndarray) -> np.ndarray:
    """A copy whose memory returns to the system when it is freed; malloc would keep it."""
    if column.nbytes < _LARGE:
        return column.copy()
    copy = np.frombuffer(mmap.mmap(-1, column.nbytes), dtype=column.dtype)
    copy[:] = column
    return copy


class _Numbering:
    """Provisional numbers for external ids, in order of appearance; the sorted order is known only at the end."""

    def __init__(self) -> None:
        self._integers: np.ndarray = np.empty(0, dtype=np.int64)  # whole numbers, sorted
        self._codes = np.empty(0, dtype=np.int32)
        self._texts: dict[str, int] = {}

    def number(self, ids: np.ndarray) -> np.ndarray:
        """`[N]` int32."""
        if ids.dtype.kind in "iu":
            return self._number_integers(ids)
        codes, distinct = pd.factorize(ids)
        # One look-up for each distinct text of the chunk, not for each row.
        numbers = [self._texts.setdefault(str(text), len(self._texts)) for text in distinct.tolist()]
        return np.asarray(numbers, dtype=np.int32)[codes]

    def _number_integers(self, ids: np.ndarray) -> np.ndarray:
        codes, distinct = pd.factorize(ids)
        positions = np.searchsorted(self._integers, distinct)
        new = np.ones(len(distinct), dtype=bool)
        inside = positions < len(self._integers)
        new[inside] = self._integers[positions[inside]] != distinct[inside]
        if new.any():
            fresh = np.sort(distinct[new])
            positions = np.searchsorted(self._integers, fresh)
            numbers = np.arange(len(self._integers), len(self._integers) + len(fresh), dtype=np.int32)
            self._integers = np.insert(self._integers, positions, fresh)
            self._codes = np.insert(self._codes, positions, numbers)
        return self._codes[np.searchsorted(self._integers, distinct)][codes]

    def sorted(self) -> tuple[np.ndarray, np.ndarray]:
        """The ids as sorted strings, and the position among them of each provisional number."""
        if self._texts and len(self._integers):
            raise ValueError("the ids are whole numbers in one call and text in another")
        rank = np.empty(len(self._texts) or len(self._integers), dtype=np.int64)
        if self._texts:
            ids = sort_ids(list(self._texts))
            rank[[self._texts[text] for text in ids]] = np.arange(len(ids))
            return ids, rank
        rank[self._codes] = np.arange(len(self._codes))
        return self._integers.astype(str).astype(object), rank
