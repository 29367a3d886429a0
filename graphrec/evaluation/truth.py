"""Judging a ranking by the truth of the simulated world that its data came from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from scipy.stats import rankdata
from torch import Tensor

from graphrec.evaluation.collect import Collected
from graphrec.evaluation.popularity import BYTES_PER_SCORE
from graphrec.evaluation.ranking import PairIndex, rank_all
from graphrec.evaluation.scorer import Scorer
from graphrec.simulation.truth import Truth, ndcg_at_k, regret_at_k

BYTES_A_PAIR = 80
"""What judging holds beside the scores: probabilities, draws, ranks."""


class OracleScorer:
    """Scores by what a simulated world knows; `graphrec.simulation.truth.ORACLES` says what each oracle is.

    Args:
        truth: aligned with the trained dataset's ids.
        target: `like` or `satisfaction`.
        causal: True ranks by the true effect of recommending, False by the best that the log can show.
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
    k: int = 50,
    seed: int = 0,
    target: str = "like",
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

    Returns:
        `user`, `positives` (likes drawn), `ndcg_do@k` on those likes (NaN for a user without any), `regret_do@k`,
        the share of the best list's expected likes that is lost, which needs no draw, and the two measures of
        `rank_agreement` over all candidates, `rank_correlation_do` and `leakage_do`.

    Raises:
        UnknownNameError: no target of that name.
    """
    users = np.arange(truth.num_users)
    index = PairIndex(excluded, truth.num_users)
    extra = BYTES_A_PAIR * truth.num_items
    collected = Collected(truth.num_users)
    for block, scores, best in rank_all(scorer, users, k, index, extra_bytes=extra):
        candidates = np.isfinite(scores.numpy())
        likes = truth.draw_likes(block, seed, target) & candidates
        effect = truth.effect(block, target)
        ranked = np.where(np.take_along_axis(candidates, best.numpy(), 1), best.numpy(), -1)
        agreement, leakage = rank_agreement(scores.numpy(), effect, truth.confounder(), candidates)
        collected.add(
            {
                "user": block,
                "positives": likes.sum(1),
                f"ndcg_do@{k}": ndcg_at_k(ranked, likes, candidates),
                f"regret_do@{k}": regret_at_k(ranked, effect, candidates),
                "rank_correlation_do": agreement,
                "leakage_do": leakage,
            }
        )
    return collected.table()


def rank_agreement(
    scores: np.ndarray, effect: np.ndarray, confounder: np.ndarray, candidates: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How the order of all candidates follows the true effect, and the hidden confounder beyond it.

    With average ranks, and r the correlation of ranks over a user's candidates:

        rank correlation  r(score, effect), Spearman's
        leakage           (r(score, v) - r(score, effect) r(effect, v))
                          / sqrt((1 - r(score, effect)^2) (1 - r(effect, v)^2)), partial given the effect

    Leakage is above 0 where items that carry the confounder stand higher than their effect earns. It is 0 where the
    score is a strictly monotone function of the effect: the formula is 0/0 there, and nothing is left for v to explain.
    Both are NaN where scores or effects are all equal; leakage is NaN too where no candidate, or each, carries v.

    Args:
        scores, effect: `[b, I]`.
        confounder: v `[I]` bool.
        candidates: `[b, I]` bool.

    Returns:
        rank correlation `[b]`, leakage `[b]`.
    """
    s, e = (_centred(_average_ranks(values, candidates), candidates) for values in (scores, effect))
    v = _centred(np.broadcast_to(confounder, candidates.shape), candidates)  # two values: as good as their ranks
    ss, ee, vv, se, sv, ev = (np.einsum("bi,bi->b", a, b) for a, b in ((s, s), (e, e), (v, v), (s, e), (s, v), (e, v)))
    r_se, r_sv, r_ev = (_ratio(ab, np.sqrt(aa * bb)) for ab, aa, bb in ((se, ss, ee), (sv, ss, vv), (ev, ee, vv)))
    leakage = _ratio(r_sv - r_se * r_ev, np.sqrt(np.maximum(0, (1 - r_se**2) * (1 - r_ev**2))))
    # Centred ranks are halves of whole numbers, so these sums are exact and this is equality of ranks, up to sign.
    monotone = (np.abs(se) == ss) & (ss == ee)
    return r_se, np.where(monotone & ~np.isnan(r_sv), 0.0, leakage)


def _average_ranks(values: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Ranks in each row, ties averaged; those who are no candidates share the lowest, which shifts the others alike."""
    return rankdata(np.where(candidates, values, -np.inf), axis=1)


def _centred(values: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Values less their mean over the candidates, 0 elsewhere."""
    count = np.maximum(candidates.sum(1, keepdims=True), 1)
    mean = np.where(candidates, values, 0.0).sum(1, keepdims=True) / count
    return np.where(candidates, values - mean, 0.0)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0)
