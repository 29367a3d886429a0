"""How the order of all candidates follows the true effect, and the hidden confounder beyond it."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata


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

    Example:
        >>> effect = np.array([[0.1, 0.2, 0.3, 0.4]])
        >>> confounder, candidates = np.array([True, False, True, False]), np.ones((1, 4), dtype=bool)
        >>> rank_agreement(2 * effect, effect, confounder, candidates)  # the same order
        (array([1.]), array([0.]))
    """
    s, e = (_centred(_average_ranks(values, candidates), candidates) for values in (scores, effect))
    v = _centred(np.broadcast_to(confounder, candidates.shape), candidates)  # two values: as good as their ranks
    ss, ee, vv, se, sv, ev = (np.einsum("bi,bi->b", a, b) for a, b in ((s, s), (e, e), (v, v), (s, e), (s, v), (e, v)))
    r_se, r_sv, r_ev = (_ratio(ab, np.sqrt(aa * bb)) for ab, aa, bb in ((se, ss, ee), (sv, ss, vv), (ev, ee, vv)))
    # Rounding may carry a squared correlation above 1, hence the maximum under the root.
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
