"""Coverage, popularity and intra-list similarity of lists. No value of these is better in itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from graphrec.evaluation.metrics.base import metrics
from graphrec.evaluation.metrics.list_contents import CatalogueMetric, ItemCatalogue, ListBlock, ListMetric


@metrics.register("coverage")
class Coverage(CatalogueMetric):
    """Share of all items that are in at least one user's list.

        number of items in at least one list, divided by I

    It has no interval: a resample of users misses a third of them, and with them the items that only they were shown.

    Source: Ge, Delgado-Battenfeld and Jannach, RecSys 2010.

    Example:
        >>> Coverage().value(np.array([2, 0, 1, 0]), k=1)
        0.5
    """

    label: ClassVar[str] = "Coverage"

    def value(self, listings: np.ndarray, k: int) -> float:
        """Coverage@K."""
        return float((listings > 0).mean())


@metrics.register("popularity")
class AveragePopularity(ListMetric):
    """Mean number of training clicks of the listed items.

        mean of the items' numbers of training clicks over the list

    NaN for an empty list.

    Source: average recommendation popularity, Yin et al., VLDB 2012.

    Example:
        >>> catalogue = ItemCatalogue(clicks=np.array([5, 1, 0]), features={})
        >>> block = ListBlock(np.array([[0, 1]]), np.array([[True, True]]), catalogue)
        >>> AveragePopularity().values(block, k=2)
        array([3.])
    """

    label: ClassVar[str] = "Popularity"
    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)

    def values(self, block: ListBlock, k: int) -> np.ndarray:
        """`[b]` Popularity@K."""
        items, listed = block.items[:, :k], block.listed[:, :k]
        size = listed.sum(1)
        total = (block.catalogue.clicks[items] * listed).sum(1)
        return np.divide(total, size, out=np.full(len(items), np.nan), where=size > 0)


@metrics.register("intra_list_similarity")
class ListSimilarity(ListMetric):
    """Mean cosine of all pairs of listed items in one modality, of features less their mean over the items.

        mean over pairs of listed items of cos(x_i - mean, x_j - mean)

    0 is about what items drawn at random have, 1 is one picture all over. Items without the modality are passed over.
    NaN for a list with fewer than two items that have it.

    Source: intra-list similarity, Ziegler et al., WWW 2005.

    Example:
        >>> from graphrec.data.dataset import Feature
        >>> values = np.array([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]], dtype=np.float32)
        >>> catalogue = ItemCatalogue(np.zeros(4), {"visual": Feature(values, np.ones(4, dtype=bool))})
        >>> block = ListBlock(np.array([[0, 1], [0, 2]]), np.ones((2, 2), dtype=bool), catalogue)
        >>> ListSimilarity().qualified_values(block, 2, "visual")
        array([ 1., -1.])
    """

    label: ClassVar[str] = "Intra-list similarity"
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    qualifier: ClassVar[str] = "modality"

    def qualifiers(self, catalogue: ItemCatalogue) -> Sequence[str]:
        """The modalities."""
        return tuple(catalogue.features)

    def qualified_values(self, block: ListBlock, k: int, qualifier: str) -> np.ndarray:
        """`[b]` similarity of the first K in one modality."""
        return block.catalogue.similarity[qualifier].of(block.items[:, :k], block.listed[:, :k])

    def values(self, block: ListBlock, k: int) -> np.ndarray:
        """`[b]` the mean of the modalities' similarities."""
        return np.mean([self.qualified_values(block, k, name) for name in block.catalogue.features], axis=0)
