"""Evaluating a ranking by the truth of the simulated world that its data came from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from graphrec.evaluation.collect import Collected
from graphrec.evaluation.metrics import MetricNames, TruthBlock, TruthMetric, select
from graphrec.evaluation.metrics.columns import block_terms
from graphrec.evaluation.popularity import BYTES_PER_SCORE
from graphrec.evaluation.ranking import PairIndex, rank_all
from graphrec.evaluation.scorer import Scorer
from graphrec.simulation.truth import Truth

TRUTH_K = 50
"""The list length K of the metrics by the truth."""
BYTES_PER_PAIR = 80
"""Memory for each user and item besides the scores: probabilities, draws, ranks."""


class OracleScorer:
    """Scores by what a simulated world knows; `graphrec.simulation.truth.ORACLES` says what each oracle is.

    Args:
        truth: aligned with the trained dataset's ids.
        target: `like` or `satisfaction`.
        causal: True ranks by the true effect of recommending, False by the best that the log can show.

    Example:
        >>> truth = Truth.load(raw)
        >>> oracle = OracleScorer(truth, "like", causal=True)
        >>> oracle(torch.tensor([3])).numpy().round(6).tolist() == truth.effect(np.array([3]), "like").round(6).tolist()
        True
    """

    def __init__(self, truth: Truth, target: str, *, causal: bool) -> None:
        self.truth, self.target, self.causal = truth, target, causal
        self.num_users, self.num_items = truth.num_users, truth.num_items
        self.bytes_per_user = BYTES_PER_SCORE * truth.num_items

    def __call__(self, users: Tensor) -> Tensor:
        """`[b]` user numbers to `[b, I]` probabilities."""
        probability = self.truth.effect if self.causal else self.truth.observed
        return torch.from_numpy(probability(users.numpy(), self.target))


def evaluate_by_truth(
    scorer: Scorer,
    truth: Truth,
    excluded: np.ndarray,
    *,
    k: int = TRUTH_K,
    seed: int = 0,
    target: str = "like",
    metrics: MetricNames = None,
) -> pd.DataFrame:
    """Per-user quality of a ranking against the true effect of recommending.

    Args:
        scorer: scores of all items, users and items numbered as in `truth`.
        truth: aligned with the trained dataset's ids.
        excluded: `[E, 2]` pairs that cannot be recommended (the training pairs).
        k: list length.
        seed: of the likes drawn under the intervention.
        target: `like`, whose effect is P(like | user, do(item)), or `satisfaction`, P(like | user, do(item is
            clicked)).
        metrics: which are computed; see `graphrec.evaluation.metrics.select`.

    Returns:
        A row a user: `user`, `positives` (the number of likes drawn), then the metrics, by default `ndcg_do@k`,
        `regret_do@k`, `rank_correlation_do` and `leakage_do`; see `graphrec.evaluation.metrics.interventional`.

    Raises:
        UnknownNameError: no target of that name.

    Example:
        >>> truth, nothing = Truth.load(raw), np.empty((0, 2), dtype=int)
        >>> table = evaluate_by_truth(OracleScorer(truth, "like", causal=True), truth, nothing, k=5)
        >>> float(table["regret_do@5"].abs().max()), round(float(table["rank_correlation_do"].min()), 6)
        (0.0, 1.0)
    """
    users = np.arange(truth.num_users)
    index = PairIndex(excluded, truth.num_users)
    extra = BYTES_PER_PAIR * truth.num_items
    chosen: list[TruthMetric] = select(metrics, "truth")
    collected = Collected(truth.num_users)
    for block, scores, best in rank_all(scorer, users, k, index, extra_bytes=extra):
        # `rank_all` gives excluded items minus infinity.
        candidates = np.isfinite(scores.numpy())
        likes = truth.draw_likes(block, seed, target) & candidates
        effect = truth.effect(block, target)
        lists = np.where(np.take_along_axis(candidates, best.numpy(), 1), best.numpy(), -1)
        truths = TruthBlock(lists, scores.numpy(), candidates, likes, effect, truth.confounder())
        collected.add({"user": block, "positives": likes.sum(1), **block_terms(chosen, truths, (k,))})
    return collected.metrics(chosen, (k,))
