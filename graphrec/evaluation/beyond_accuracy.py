"""What lists of K items are made of, whether liked or not: no held-out pair is read.

    coverage@K           share of all items that are in at least one user's list
    popularity@K         mean number of training clicks of the listed items (average recommendation popularity, Yin et
                         al., VLDB 2012)
    concentration_m@K    mean cosine of all pairs of listed items in modality m (intra-list similarity, Ziegler et al.,
                         WWW 2005), of features less their mean over the items: 0 is about what items drawn at random
                         have, 1 is one picture all over

With z the centred features of length 1 of the n listed items that have the modality,

    concentration = (|sum z|^2 - n) / (n (n - 1))

so no pair is ever formed. A user with fewer than two such items has none. No value of these is better in itself: they
say how a ranking got its other numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from graphrec.data.dataset import Feature
from graphrec.evaluation.collect import Collected
from graphrec.evaluation.metrics import DEFAULT_K
from graphrec.evaluation.ranking import PairIndex, rank_all
from graphrec.evaluation.scorer import Scorer


class Concentration:
    """Mean cosine of the pairs of items in lists, in one modality.

    Args:
        feature: values `[I, D]`, dense or sparse; it is neither copied nor made dense.
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
        centred = squares - 2 * np.asarray(self.values @ self.mean).ravel() + self.mean @ self.mean
        self.usable = feature.mask & (centred > 1e-9 * max(float(squares.max(initial=0)), 1e-30))
        self.scale = np.zeros(len(centred))
        self.scale[self.usable] = centred[self.usable] ** -0.5

    def of(self, lists: np.ndarray, listed: np.ndarray) -> np.ndarray:
        """`[b]` concentration of `[b, K]` lists, of which the places marked in `listed` count."""
        rows, places = np.nonzero(listed & self.usable[lists])
        items = lists[rows, places]
        pick = sparse.csr_array((self.scale[items], (rows, items)), shape=(len(lists), len(self.scale)))
        total = pick @ self.values
        total = (total.toarray() if sparse.issparse(total) else total) - np.outer(pick.sum(axis=1), self.mean)
        n = np.bincount(rows, minlength=len(lists))
        pairs = n * (n - 1)
        above = np.einsum("bd,bd->b", total, total) - n
        return np.divide(above, pairs, out=np.full(len(lists), np.nan), where=pairs > 0)


def describe_lists(
    scorer: Scorer,
    clicks: np.ndarray,
    features: Mapping[str, Feature],
    cutoffs: tuple[int, ...] = DEFAULT_K,
) -> tuple[pd.DataFrame, dict[str, float]]:
    """The lists of all users.

    Args:
        scorer: scores of all items.
        clicks: `[E, 2]` training pairs, which are not listed.
        features: by modality.

    Returns:
        A row a user with `user`, `popularity@K`, `concentration_m@K`; and `coverage@K`, which no single user has.
    """
    num_users, num_items = scorer.num_users, scorer.num_items
    counts = np.bincount(clicks[:, 1], minlength=num_items)
    concentrations = {name: Concentration(feature) for name, feature in features.items()}
    covered = {k: np.zeros(num_items, dtype=bool) for k in cutoffs}
    collected = Collected(num_users)
    users, index = np.arange(num_users), PairIndex(clicks, num_users)
    for block, scores, best in rank_all(scorer, users, max(cutoffs), index):
        lists, listed = best.numpy(), scores.gather(1, best).isfinite().numpy()
        values: dict[str, np.ndarray] = {}
        for k in cutoffs:
            top, real = lists[:, :k], listed[:, :k]
            covered[k][top[real]] = True
            size = real.sum(1)
            values[f"popularity@{k}"] = np.divide(
                (counts[top] * real).sum(1), size, out=np.full(len(block), np.nan), where=size > 0
            )
            for name, concentration in concentrations.items():
                values[f"concentration_{name}@{k}"] = concentration.of(top, real)
        collected.add({"user": block, **values})
    return collected.table(), {f"coverage@{k}": float(found.mean()) for k, found in covered.items()}
