"""Mean cosine of the pairs of items in lists (intra-list similarity, Ziegler et al., WWW 2005).

With z the centred features of length 1 of the n listed items that have the modality,

    similarity = (|sum z|^2 - n) / (n (n - 1))

so that no pair is ever formed. A list with fewer than two such items has none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from graphrec.data.dataset import Feature


class IntraListSimilarity:
    """Mean cosine of the pairs of items in lists, in one modality.

    Args:
        feature: values `[I, D]`, dense or sparse; it is neither copied nor made dense.

    Example:
        >>> values = np.array([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]], dtype=np.float32)
        >>> similarity = IntraListSimilarity(Feature(values, np.ones(4, dtype=bool)))
        >>> lists = np.array([[0, 1], [0, 2], [3, 0]])
        >>> similarity.of(lists, listed=np.array([[True, True], [True, True], [True, False]])).tolist()
        [1.0, -1.0, nan]
    """

    def __init__(self, feature: Feature) -> None:
        self.values: Any = feature.values
        has = np.flatnonzero(feature.mask)
        self.mean = np.zeros(self.values.shape[1])
        if len(has):
            self.mean = np.asarray(self.values[has].mean(axis=0), dtype=np.float64).ravel()
        if sparse.issparse(self.values):
            squares = np.asarray(sparse.csr_array(self.values).power(2).sum(axis=1)).ravel()
        else:
            squares = np.einsum("id,id->i", self.values, self.values, dtype=np.float64)
        # |x - mean|^2 multiplied out: a sparse matrix is never centred, which would make it dense.
        centred = squares - 2 * np.asarray(self.values @ self.mean).ravel() + self.mean @ self.mean
        # An item at the mean has no direction. Below the threshold its length is rounding noise of the difference
        # above.
        self.usable = feature.mask & (centred > 1e-9 * max(float(squares.max(initial=0)), 1e-30))
        self.scale = np.zeros(len(centred))
        self.scale[self.usable] = centred[self.usable] ** -0.5

    def of(self, lists: np.ndarray, listed: np.ndarray) -> np.ndarray:
        """`[b]` similarity within `[b, K]` lists, of which the places marked in `listed` count."""
        rows, places = np.nonzero(listed & self.usable[lists])
        items = lists[rows, places]
        pick = sparse.csr_array((self.scale[items], (rows, items)), shape=(len(lists), len(self.scale)))
        total = pick @ self.values
        total = (total.toarray() if sparse.issparse(total) else total) - np.outer(pick.sum(axis=1), self.mean)
        n = np.bincount(rows, minlength=len(lists))
        pairs = n * (n - 1)
        above = np.einsum("bd,bd->b", total, total) - n
        return np.divide(above, pairs, out=np.full(len(lists), np.nan), where=pairs > 0)
