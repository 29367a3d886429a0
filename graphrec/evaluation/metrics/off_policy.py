"""Estimates of the value of lists from items that were shown at random: IPS, SNIPS and DR."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from graphrec.evaluation.metrics.base import Metric, RatioMetric, metrics


@dataclass(frozen=True)
class ShownBlock:
    """The lists of b users, and the N items that were shown to them at random.

    Args:
        rows: `[N]` the row in the block of each shown pair.
        places: `[N]` its place in the user's list, from 0; I where it is not listed.
        liked: `[N]` bool, r.
        rewards: `[N]` q, the share of likes that other users gave the item.
        shown: `[b]` n, how many items were shown to the user.
        reachable: `[b]` C, how many the showing could have shown.
        expected: `[b, K]` sums of q down to each place of the list.

    Example:
        >>> block = ShownBlock(
        ...     rows=np.array([0, 0]), places=np.array([1, 6]), liked=np.array([True, False]), rewards=np.zeros(2),
        ...     shown=np.array([2]), reachable=np.array([4]), expected=np.zeros((1, 2)),
        ... )
        >>> block.sizes(2).tolist(), block.weights(2).tolist()  # one of two shown items is among the best two of four
        ([2], [2.0, 0.0])
    """

    rows: np.ndarray
    places: np.ndarray
    liked: np.ndarray
    rewards: np.ndarray
    shown: np.ndarray
    reachable: np.ndarray
    expected: np.ndarray

    def sizes(self, k: int) -> np.ndarray:
        """`[b]` the lists' lengths: K, or C where that is less."""
        return np.minimum(k, self.reachable)

    def weights(self, k: int) -> np.ndarray:
        """`[N]` w: C over the list's length for a listed item, else 0."""
        size = self.sizes(k)
        return np.where(self.places < size[self.rows], (self.reachable / size)[self.rows], 0.0)

    def mean_over_shown(self, terms: np.ndarray) -> np.ndarray:
        """`[N]` terms to `[b]` means over what was shown to each user."""
        return np.bincount(self.rows, terms, len(self.shown)) / self.shown


@metrics.register("ips")
class IPS(Metric[ShownBlock]):
    """Inverse propensity score estimate of the chance that a listed item is liked.

        sum of w r over what was shown, divided by n

    Source: Horvitz and Thompson, JASA 1952.

    Example:
        >>> block = ShownBlock(
        ...     rows=np.array([0, 0]), places=np.array([1, 6]), liked=np.array([True, False]), rewards=np.zeros(2),
        ...     shown=np.array([2]), reachable=np.array([4]), expected=np.zeros((1, 2)),
        ... )
        >>> IPS().values(block, k=2)  # w = 4 / 2 for the listed one
        array([1.])
    """

    label: ClassVar[str] = "IPS"
    family: ClassVar[str] = "off_policy"
    # Weights exceed 1, so that an estimate of a chance may lie outside 0 to 1.
    bounds: ClassVar[tuple[float, float]] = (-math.inf, math.inf)

    def values(self, block: ShownBlock, k: int) -> np.ndarray:
        """`[b]` IPS@K."""
        return block.mean_over_shown(block.weights(k) * block.liked)


@metrics.register("snips")
class SNIPS(RatioMetric[ShownBlock]):
    """Self-normalised inverse propensity score estimate, a ratio of means over users.

        mean of (sum of w r over what was shown / n), divided by the mean of (sum of w / n)

    Source: Swaminathan and Joachims, NeurIPS 2015.

    Example:
        >>> block = ShownBlock(
        ...     rows=np.array([0, 0]), places=np.array([1, 0]), liked=np.array([True, False]), rewards=np.zeros(2),
        ...     shown=np.array([2]), reachable=np.array([4]), expected=np.zeros((1, 2)),
        ... )
        >>> SNIPS().values(block, k=2)
        array([0.5])
    """

    label: ClassVar[str] = "SNIPS"
    family: ClassVar[str] = "off_policy"
    bounds: ClassVar[tuple[float, float]] = (-math.inf, math.inf)

    def terms(self, block: ShownBlock, k: int) -> tuple[np.ndarray, np.ndarray]:
        """`[b]` weighted likes and `[b]` weights, both means over what was shown."""
        weights = block.weights(k)
        return block.mean_over_shown(weights * block.liked), block.mean_over_shown(weights)


@metrics.register("dr")
class DoublyRobust(Metric[ShownBlock]):
    """Doubly robust estimate: a model of the likes, corrected by what was shown.

        mean of q over the list + sum of w (r - q) over what was shown, divided by n

    Source: Dudik, Langford and Li, ICML 2011.

    Example:
        >>> block = ShownBlock(
        ...     rows=np.array([0, 0]), places=np.array([1, 6]), liked=np.array([True, False]),
        ...     rewards=np.array([0.5, 0.5]), shown=np.array([2]), reachable=np.array([4]),
        ...     expected=np.array([[0.5, 1.0]]),
        ... )
        >>> DoublyRobust().values(block, k=2)
        array([1.])
    """

    label: ClassVar[str] = "DR"
    family: ClassVar[str] = "off_policy"
    bounds: ClassVar[tuple[float, float]] = (-math.inf, math.inf)

    def values(self, block: ShownBlock, k: int) -> np.ndarray:
        """`[b]` DR@K."""
        size = block.sizes(k)
        direct = block.expected[np.arange(len(size)), size - 1] / size
        return direct + block.mean_over_shown(block.weights(k) * (block.liked - block.rewards))
