"""The four metrics by the truth: NDCG, regret, rank correlation and leakage."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from graphrec.evaluation.metrics.base import Direction, metrics
from graphrec.evaluation.metrics.by_truth import TruthBlock, TruthMetric
from graphrec.simulation.oracle import ndcg_at_k, regret_at_k


@metrics.register("ndcg_do")
class InterventionalNDCG(TruthMetric):
    """NDCG of likes that are drawn under the intervention, the same draw for every method.

        NDCG@K with likes drawn from P(like | user, do(item)) as positives

    NaN for a user for whom no like was drawn.

    Example:
        >>> everything = np.ones((1, 4), dtype=bool)
        >>> block = TruthBlock(
        ...     lists=np.array([[2, 0]]), scores=np.array([[3.0, 2.0, 4.0, 1.0]]), candidates=everything,
        ...     likes=np.array([[True, False, False, True]]), effect=np.array([[0.4, 0.3, 0.2, 0.1]]),
        ...     confounder=np.array([False, False, True, False]),
        ... )
        >>> InterventionalNDCG().values(block, k=2).round(4)
        array([0.3869])
    """

    label: ClassVar[str] = "NDCG"
    archived: ClassVar[Literal["all", "first", "none"]] = "first"

    def values(self, block: TruthBlock, k: int) -> np.ndarray:
        """`[b]` NDCG@K of the drawn likes."""
        return ndcg_at_k(block.lists[:, :k], block.likes, block.candidates)


@metrics.register("regret_do")
class Regret(TruthMetric):
    """Share of the best list's expected likes that this list loses. It needs no draw.

        1 - sum of P(like | user, do(item)) over the list, divided by the same sum over the best list of that length

    Example:
        >>> block = TruthBlock(
        ...     lists=np.array([[2, 0]]), scores=np.array([[3.0, 2.0, 4.0, 1.0]]),
        ...     candidates=np.ones((1, 4), dtype=bool), likes=np.zeros((1, 4), dtype=bool),
        ...     effect=np.array([[0.4, 0.3, 0.2, 0.1]]), confounder=np.array([False, False, True, False]),
        ... )
        >>> Regret().values(block, k=2).round(4)  # the list earns .2 + .4 of .4 + .3
        array([0.1429])
    """

    label: ClassVar[str] = "Regret"
    direction: ClassVar[Direction] = "lower"

    def values(self, block: TruthBlock, k: int) -> np.ndarray:
        """`[b]` Regret@K."""
        return regret_at_k(block.lists[:, :k], block.effect, block.candidates)


@metrics.register("rank_correlation_do")
class RankCorrelation(TruthMetric):
    """Agreement of the order of all candidates with the true effect.

        Spearman's rank correlation of the score with P(like | user, do(item)) over all candidates

    NaN where all scores or all effects are equal.

    Source: Spearman, American Journal of Psychology 1904.

    Example:
        >>> block = TruthBlock(
        ...     lists=np.array([[2, 0]]), scores=np.array([[3.0, 2.0, 4.0, 1.0]]),
        ...     candidates=np.ones((1, 4), dtype=bool), likes=np.zeros((1, 4), dtype=bool),
        ...     effect=np.array([[0.4, 0.3, 0.2, 0.1]]), confounder=np.array([False, False, True, False]),
        ... )
        >>> RankCorrelation().values(block, k=2).round(4)
        array([0.4])
    """

    label: ClassVar[str] = "Rank correlation"
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    has_cutoff: ClassVar[bool] = False

    def values(self, block: TruthBlock, k: int) -> np.ndarray:
        """`[b]` rank correlations."""
        return block.agreement[0]


@metrics.register("leakage_do")
class Leakage(TruthMetric):
    """How far the hidden confounder v moves the order beyond the true effect, as a partial rank correlation.

        (r(score, v) - r(score, effect) r(effect, v)) / sqrt((1 - r(score, effect)^2) (1 - r(effect, v)^2)),
        with r the rank correlation over all candidates

    NaN where all scores or effects are equal, or where no candidate, or each, carries v.

    Example:
        >>> block = TruthBlock(
        ...     lists=np.array([[2, 0]]), scores=np.array([[3.0, 2.0, 4.0, 1.0]]),
        ...     candidates=np.ones((1, 4), dtype=bool), likes=np.zeros((1, 4), dtype=bool),
        ...     effect=np.array([[0.4, 0.3, 0.2, 0.1]]), confounder=np.array([False, False, True, False]),
        ... )
        >>> Leakage().values(block, k=2).round(4)
        array([0.9915])
    """

    label: ClassVar[str] = "Leakage"
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    direction: ClassVar[Direction] = "nearer 0"
    has_cutoff: ClassVar[bool] = False

    def values(self, block: TruthBlock, k: int) -> np.ndarray:
        """`[b]` leakages."""
        return block.agreement[1]
