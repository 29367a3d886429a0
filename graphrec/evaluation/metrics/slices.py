"""Metrics of HCR's analyses: normalised recall of a group of items, and the drop of a metric over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from graphrec.evaluation.metrics.base import Direction, RatioMetric, metrics


@dataclass(frozen=True)
class GroupBlock:
    """The lists of b users who have a positive in a group of items.

    Args:
        hits: `[b, K]` bool, whether each listed item is a positive in the group.
        inside: `[b, K]` bool, whether it is in the group.
        listed: `[b, K]` bool, False for a place that no candidate was left for.
        positives: `[b]` the number of positives in the group.

    Example:
        >>> block = GroupBlock(
        ...     hits=np.array([[True, False]]), inside=np.array([[True, True]]), listed=np.ones((1, 2), dtype=bool),
        ...     positives=np.array([4]),
        ... )
        >>> recall, share = NormalisedRecall().terms(block, k=2)
        >>> recall.tolist(), share.tolist()
        ([0.25], [1.0])
    """

    hits: np.ndarray
    inside: np.ndarray
    listed: np.ndarray
    positives: np.ndarray


@metrics.register("normalised_recall")
class NormalisedRecall(RatioMetric[GroupBlock]):
    """Recall in a group of items, for the room that the lists give the group.

        mean of (hits in the group / positives in the group), divided by the mean of (share of the list in the group)

    Source: Zhu et al., TKDE 2024, section 4.

    Example:
        >>> block = GroupBlock(
        ...     hits=np.array([[True, False], [False, True]]), inside=np.array([[True, False], [False, True]]),
        ...     listed=np.ones((2, 2), dtype=bool), positives=np.array([2, 1]),
        ... )
        >>> float(NormalisedRecall().values(block, k=2).mean())  # (.5 + 1) / 2, divided by (.5 + .5) / 2
        1.5
    """

    label: ClassVar[str] = "Normalised recall"
    family: ClassVar[str] = "item_groups"
    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)

    def terms(self, block: GroupBlock, k: int) -> tuple[np.ndarray, np.ndarray]:
        """`[b]` recall in the group and `[b]` the list's share in it."""
        recall = block.hits[:, :k].sum(1) / np.maximum(block.positives, 1)
        # A list is empty where no candidate is left; its share in the group is then 0.
        return recall, block.inside[:, :k].sum(1) / np.maximum(block.listed[:, :k].sum(1), 1)


@metrics.register("drop")
class Drop(RatioMetric[Sequence[np.ndarray]]):
    """How much of a metric is lost on likes that come later.

        1 - mean of the metric's means on the later subsets, divided by its mean on the first

    Source: Zhu et al., TKDE 2024, section 4.

    Example:
        >>> subsets = [np.array([1.0, 0.6]), np.array([0.8, 0.4]), np.array([0.4, 0.4]), np.array([0.2, 0.2])]
        >>> round(float(Drop().values(subsets, k=0).mean()), 4)
        0.5
    """

    label: ClassVar[str] = "Drop"
    family: ClassVar[str] = "time"
    bounds: ClassVar[tuple[float, float]] = (-math.inf, 1.0)
    direction: ClassVar[Direction] = "lower"
    qualifier: ClassVar[str] = "metric"

    def terms(self, block: Sequence[np.ndarray], k: int) -> tuple[np.ndarray, np.ndarray]:
        """The users' means over the later subsets, and their values on the first.

        Args:
            block: for each subset, in order of time, the users' values of the metric.
            k: not read.
        """
        first, *later = block
        return np.mean(later, axis=0), first

    def combine(self, *terms: np.ndarray) -> np.ndarray:
        """`[U]` values whose mean is the drop."""
        return 1 - super().combine(*terms)
