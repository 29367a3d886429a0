"""Bags: sparse features whose rows sum to 1, made of counts, labels, or bands of a number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy import sparse

from graphrec.data.dataset import Feature


def bag(
    rows: np.ndarray, columns: np.ndarray, counts: np.ndarray, shape: tuple[int, int], names: Iterable[str]
) -> Feature:
    """A feature from (item, column, count) triples, each row divided by its sum.

    Args:
        rows, columns, counts: `[N]` the triples; repeated ones add up; counts are positive.
        shape: `(I, D)`.
        names: the D column names.

    >>> feature = bag(np.array([0, 0, 2]), np.array([0, 1, 1]), np.array([3, 1, 2]), (3, 2), ["drama", "war"])
    >>> feature.values.toarray().tolist(), feature.mask.tolist()
    ([[0.75, 0.25], [0.0, 0.0], [0.0, 1.0]], [True, False, True])
    """
    matrix = sparse.csr_array((counts.astype(np.float64), (rows, columns)), shape=shape)
    matrix.sum_duplicates()
    lengths = np.diff(matrix.indptr)
    matrix.data /= np.repeat(matrix.sum(axis=1), lengths)
    return Feature(matrix.astype(np.float32), mask=lengths > 0, columns=tuple(names))


def count_bag(rows: Sequence[int], words: Sequence[str], items: int, least: int = 1) -> tuple[Feature, int]:
    """How often each item has each word, divided by the item's sum; one column a word, in sorted order.

    Args:
        rows, words: `[N]` items and the words that they have, repeated as often as they do.
        items: I.
        least: words of fewer items are left out.

    Returns:
        The feature, and how many of the N were left out.

    >>> feature, left_out = count_bag([0, 0, 1], ["war", "love", "war"], items=2, least=2)
    >>> feature.columns, feature.values.toarray().tolist(), left_out
    (('war',), [[1.0], [1.0]], 1)
    """
    codes, names = pd.factorize(np.asarray(words, dtype=object), sort=True)
    triples = (np.ones(len(codes)), (np.asarray(rows, dtype=np.int64), codes))
    # CSR adds up repeated (item, word) pairs, so that the entries of a column are the items that have the word.
    counts = sparse.coo_array(sparse.csr_array(triples, shape=(items, len(names))))
    common = np.bincount(counts.col, minlength=len(names)) >= least
    column, is_common = np.cumsum(common) - 1, common[counts.col]
    shape = (items, int(common.sum()))
    feature = bag(counts.row[is_common], column[counts.col[is_common]], counts.data[is_common], shape, names[common])
    return feature, int(counts.data[~is_common].sum())


def one_hot(labels: np.ndarray, mask: np.ndarray) -> Feature:
    """One column for each distinct label of the items in the mask, in sorted order.

    Args:
        labels: `[I]` one label an item.
        mask: `[I]` bool, False where the label is missing.

    >>> feature = one_hot(np.array(["b", "a", "?"]), np.array([True, True, False]))
    >>> feature.columns, feature.values.toarray().tolist()
    (('a', 'b'), [[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    """
    values, columns = np.unique(labels[mask], return_inverse=True)
    rows = np.flatnonzero(mask)
    return bag(rows, columns, np.ones(len(rows)), (len(labels), len(values)), [str(value) for value in values])


def price_bands(prices: np.ndarray, bands: int = 20) -> Feature:
    """One-hot bands between the quantiles of the log price; a price that is not positive is missing.

    Equal prices share a band, so there may be fewer than `bands`. Columns are named by the lowest and highest
    price in the band.

    Args:
        prices: `[I]` float, NaN where unknown.
        bands: number of quantile bands.

    >>> price_bands(np.array([1.0, 2.0, 50.0, 80.0, np.nan]), bands=2).columns
    ('1 to 2', '50 to 80')
    """
    priced = np.isfinite(prices) & (prices > 0)
    rows = np.flatnonzero(priced)
    if len(rows) == 0:
        return bag(rows, rows, np.ones(0), (len(prices), 0), ())
    logs = np.log(prices[priced])
    edges = np.quantile(logs, np.arange(1, bands) / bands)
    used, columns = np.unique(np.searchsorted(edges, logs, side="right"), return_inverse=True)
    names = []
    for column in range(len(used)):
        inside = prices[rows[columns == column]]
        names.append(f"{inside.min():g} to {inside.max():g}")
    return bag(rows, columns, np.ones(len(rows)), (len(prices), len(used)), names)
