"""Beyond-accuracy metrics: what lists of K items are made of, whether the items are liked or not."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from graphrec.data.dataset import Feature
from graphrec.evaluation.intra_list_similarity import IntraListSimilarity
from graphrec.evaluation.metrics.base import Direction, Metric


@dataclass(frozen=True)
class ItemCatalogue:
    """The items' clicks and features.

    Args:
        clicks: `[I]` the items' numbers of training clicks.
        features: by modality.

    Example:
        >>> values = np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
        >>> visual = Feature(values, mask=np.ones(2, dtype=bool))
        >>> catalogue = ItemCatalogue(clicks=np.array([5, 1]), features={"visual": visual})
        >>> list(catalogue.similarity)
        ['visual']
    """

    clicks: np.ndarray
    features: Mapping[str, Feature]

    @cached_property
    def similarity(self) -> dict[str, IntraListSimilarity]:
        """By modality, ready to measure lists."""
        # Once for all blocks, as it reads the features of all items.
        return {name: IntraListSimilarity(feature) for name, feature in self.features.items()}


@dataclass(frozen=True)
class ListBlock:
    """The lists of b users.

    Args:
        items: `[b, K]` items, best first, K being the longest cutoff.
        listed: `[b, K]` bool, False for a place that no candidate was left for.
        catalogue: the items' clicks and features.

    Example:
        >>> block = ListBlock(np.array([[0, 1]]), np.array([[True, False]]), ItemCatalogue(np.array([5, 1]), {}))
        >>> block.listed.sum(axis=1).tolist()  # the length of each list
        [1]
    """

    items: np.ndarray
    listed: np.ndarray
    catalogue: ItemCatalogue


class ListMetric(Metric[ListBlock]):
    """A metric of each user's list; `values` reads a `ListBlock`.

    A metric with a `qualifier`, such as one value a modality, writes `qualified_values` instead.

    Example:
        >>> class BestClicks(ListMetric):
        ...     name, label = "best_clicks", "Clicks of the best"
        ...     def values(self, block, k):
        ...         return block.catalogue.clicks[block.items[:, 0]].astype(float)
        >>> block = ListBlock(np.array([[1, 0]]), np.array([[True, True]]), ItemCatalogue(np.array([5, 1]), {}))
        >>> BestClicks().values(block, k=2).tolist(), BestClicks.direction
        ([1.0], 'neither')
    """

    family: ClassVar[str] = "lists"
    direction: ClassVar[Direction] = "neither"

    def qualifiers(self, catalogue: ItemCatalogue) -> Sequence[str]:
        """The second names of its columns. By default there are none, and it has one column a cutoff."""
        return ("",)

    def qualified_values(self, block: ListBlock, k: int, qualifier: str) -> np.ndarray:
        """`[b]` values of one column."""
        return self.values(block, k)


class CatalogueMetric(Metric[Any]):
    """A metric of all lists together, which no single user has and which therefore has no interval.

    Example:
        >>> class MostListed(CatalogueMetric):
        ...     name, label = "most_listed", "Most listed"
        ...     def value(self, listings, k):
        ...         return float(listings.max())
        >>> MostListed().value(np.array([2, 0, 1]), k=1), MostListed.per_user
        (2.0, False)
    """

    family: ClassVar[str] = "lists"
    direction: ClassVar[Direction] = "neither"
    per_user: ClassVar[bool] = False

    @abstractmethod
    def value(self, listings: np.ndarray, k: int) -> float:
        """The metric of all lists.

        Args:
            listings: `[I]` in how many lists of length K each item is.
            k: K.
        """

    def values(self, block: Any, k: int) -> np.ndarray:
        """A catalogue metric has no per-user values."""
        raise NotImplementedError(f"`{self.name}` has no value for a single user")
