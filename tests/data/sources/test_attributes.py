"""Attributes of items gathered from chunks."""

import numpy as np

from graphrec.data.sources import attributes
from graphrec.data.sources.attributes import UNKNOWN, ItemAttributes, categorical


def test_the_first_known_value_counts_over_any_number_of_chunks(monkeypatch):
    monkeypatch.setattr(attributes, "_MERGE_AT", 10)
    rng = np.random.default_rng(0)
    items, values = rng.integers(20, size=(40, 30)), rng.integers(-1, 3, size=(40, 30))
    gathered = ItemAttributes(["brand"])
    first: dict[int, int] = {}
    every: dict[int, set[int]] = {}
    for chunk in zip(items, values, strict=True):
        gathered.add(chunk[0], {"brand": chunk[1]})
        for item, value in zip(*map(np.ndarray.tolist, chunk), strict=True):
            if value >= 0:
                first.setdefault(item, value)
                every.setdefault(item, set()).add(value)
    assert gathered.of(np.arange(21))["brand"].tolist() == [first.get(item, UNKNOWN) for item in range(21)]
    assert gathered.conflicts() == {"brand": sum(len(values) > 1 for values in every.values())}


def test_an_attribute_without_a_value_is_unknown():
    gathered = ItemAttributes(["brand"])
    gathered.add(np.array([1]), {"brand": np.array([UNKNOWN])})
    assert gathered.of(np.array([1]))["brand"].tolist() == [UNKNOWN]
    assert not categorical(np.array([UNKNOWN]), "").mask.any()
