"""Judging a ranking by the truth of the simulated world that its data came from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from torch import Tensor

from graphrec.evaluation.ranking import PairIndex, rank_all
from graphrec.simulation.truth import Truth, ndcg_at_k, regret_at_k


def judge_by_truth(
    score: Callable[[Tensor], Tensor],
    truth: Truth,
    excluded: np.ndarray,
    *,
    bytes_per_user: int,
    k: int = 50,
    seed: int = 0,
) -> pd.DataFrame:
    """Per-user quality of a ranking against P(like | user, do(item)).

    Args:
        score: `[b]` users to `[b, I]` scores, users and items numbered as in `truth`.
        truth: aligned with the trained dataset's ids.
        excluded: `[E, 2]` pairs that cannot be recommended (the training pairs).
        k: list length.
        seed: of the likes drawn under do(item).

    Returns:
        `user`, `positives` (likes drawn), `ndcg_do@k` on those likes (NaN for a user without any) and `regret_do@k`,
        the share of the best list's expected likes that is lost, which needs no draw.
    """
    users = np.arange(truth.num_users)
    index = PairIndex(excluded, truth.num_users)
    bytes_per_user += 24 * truth.num_items
    parts = []
    for block, scores, best in rank_all(score, users, k, index, bytes_per_user=bytes_per_user):
        candidates = np.isfinite(scores.numpy())
        likes = truth.draw_likes(block, seed) & candidates
        ranked = np.where(np.take_along_axis(candidates, best.numpy(), 1), best.numpy(), -1)
        parts.append(
            pd.DataFrame(
                {
                    "user": block,
                    "positives": likes.sum(1),
                    f"ndcg_do@{k}": ndcg_at_k(ranked, likes, candidates),
                    f"regret_do@{k}": regret_at_k(truth, ranked, block, candidates),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
