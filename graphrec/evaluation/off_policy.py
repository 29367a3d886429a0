"""The value of a ranking's lists, estimated from likes of items that were shown at random.

The policy that is evaluated lists for user u the best k_u = min(K, |C_u|) of C_u, the items that the random showing
could have shown and training has not. Its value is the mean over users, then over listed items, of the chance r that
the item is liked. From C_u, n_u items were shown at random, each as likely as any other. With w_ui = |C_u| / k_u
where i is listed and 0 elsewhere, the ratio of the policy's probability to the showing's,

    IPS    mean_u 1/n_u sum_{shown i} w_ui r_ui                      (Horvitz and Thompson, JASA 1952)
    SNIPS  the same, divided by mean_u 1/n_u sum_{shown i} w_ui      (Swaminathan and Joachims, NeurIPS 2015)
    DR     mean_u [ 1/k_u sum_{listed i} q_i + 1/n_u sum_{shown i} w_ui (r_ui - q_i) ]
                                                                     (Dudik, Langford and Li, ICML 2011)

The propensities are known, so IPS and DR are unbiased whatever q is, and SNIPS is consistent. q_i is the item's share
of likes among the shown pairs of other users (five folds), shrunk towards the fold's mean as by ten pairs of it. It
is the same for every method, and no user's likes are in their own q.

The list itself is the policy, not a softmax of the scores: a list is what is deployed, the showing reaches all of C_u
so that no smoothing is needed for overlap, and a softmax would add a temperature that scores of different methods do
not share. An interval is over users, whose showings are independent of each other.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from graphrec.data.exposures import Exposures
from graphrec.evaluation.collect import Collected
from graphrec.evaluation.metrics import DEFAULT_K, Metric, MetricNames, ShownBlock, select
from graphrec.evaluation.metrics.columns import block_terms
from graphrec.evaluation.ranking import PairIndex, rank_all
from graphrec.evaluation.scorer import Scorer

FOLDS = 5
PRIOR = 10.0
"""The number of pairs at the fold's mean that are added to each item's own."""
BYTES_PER_ITEM = 8
"""Memory of an estimate for each user of a block and item, besides the scores."""


class PoolScorer:
    """Another scorer's scores, with minus infinity for items that the random showing could not show.

    Args:
        scorer: the other scorer.
        pool: `[I]` bool, the items that could be shown.

    Example:
        >>> from graphrec.evaluation.scorer import TableScorer
        >>> PoolScorer(TableScorer([[0.5, 0.9]]), pool=np.array([True, False]))(torch.tensor([0])).tolist()
        [[0.5, -inf]]
    """

    def __init__(self, scorer: Scorer, pool: np.ndarray) -> None:
        self.scorer, self.outside = scorer, torch.from_numpy(~pool)
        self.num_users, self.num_items = scorer.num_users, scorer.num_items
        self.bytes_per_user = scorer.bytes_per_user

    def __call__(self, users: Tensor) -> Tensor:
        """`[b]` user numbers to `[b, I]` scores."""
        return self.scorer(users).cpu().masked_fill(self.outside, -torch.inf)


def off_policy_values(
    scorer: Scorer, exposures: Exposures, cutoffs: tuple[int, ...] = DEFAULT_K, metrics: MetricNames = None
) -> pd.DataFrame:
    """Per-user values whose means are the estimates.

    Args:
        scorer: scores of all items.
        exposures: the pairs shown at random, and those that cannot be listed.
        cutoffs: the list lengths K.
        metrics: which are computed; see `graphrec.evaluation.metrics.select`.

    Returns:
        A row a user to whom something was shown: `user`, `shown` (n_u), and `ips@K`, `snips@K`, `dr@K`. Those of
        SNIPS are `linearised`, as it is a ratio of means; NaN where nothing shown is in any list.

    Example:
        >>> from graphrec.evaluation.scorer import TableScorer
        >>> pairs = np.array([[0, 0], [0, 1], [1, 0]])
        >>> exposures = Exposures(
        ...     pairs=pairs,
        ...     liked=np.array([True, False, False]),
        ...     excluded=np.array([[1, 1]]),
        ...     pool=np.ones(2, dtype=bool),
        ... )
        >>> off_policy_values(TableScorer([[0.9, 0.1], [0.9, 0.1]]), exposures, (1,), ["ips", "snips"])
           user  shown  ips@1  snips@1
        0     0      2    1.0      1.0
        1     1      1    0.0      0.0
    """
    num_users, num_items = scorer.num_users, len(exposures.pool)
    chosen: list[Metric[ShownBlock]] = select(metrics, "off_policy")
    shown_to, liked_by = (PairIndex(pairs, num_users) for pairs in (exposures.pairs, exposures.pairs[exposures.liked]))
    # An excluded item outside the pool takes nothing from C_u.
    within_pool = exposures.excluded[exposures.pool[exposures.excluded[:, 1]]]
    reachable_by = exposures.pool.sum() - np.bincount(within_pool[:, 0], minlength=num_users)
    rewards, pool_scorer = _item_rewards(exposures), PoolScorer(scorer, exposures.pool)
    users, excluded = np.flatnonzero(shown_to.counts), PairIndex(exposures.excluded, num_users)
    collected = Collected(len(users))
    extra = BYTES_PER_ITEM * num_items
    for block, scores, best in rank_all(pool_scorer, users, max(cutoffs), excluded, extra_bytes=extra):
        # Items that are not listed get rank I, which no list reaches.
        rank = torch.full(scores.shape, num_items, dtype=torch.int32)
        rank.scatter_(1, best, torch.arange(best.shape[1], dtype=torch.int32).expand_as(best))
        is_liked = np.zeros(scores.shape, dtype=bool)
        is_liked[liked_by.of(block)] = True
        rows, items = shown_to.of(block)
        fold, count = block % FOLDS, shown_to.counts[block]
        shown = ShownBlock(
            rows=rows,
            places=rank.numpy()[rows, items],
            liked=is_liked[rows, items],
            rewards=rewards[fold[rows], items],
            shown=count,
            reachable=reachable_by[block],
            # Ranks beyond |C_u| hold items that cannot be listed; `ShownBlock.sizes` stops every sum before them.
            expected=np.cumsum(rewards[fold[:, None], best.numpy()], axis=1),
        )
        collected.add({"user": block, "shown": count, **block_terms(chosen, shown, cutoffs)})
    return collected.metrics(chosen, cutoffs)


def _item_rewards(exposures: Exposures) -> np.ndarray:
    """`[5, I]`, for each fold of users the items' shares of likes among the pairs of the other folds."""
    num_items = len(exposures.pool)
    rewards = np.empty((FOLDS, num_items))
    for fold in range(FOLDS):
        # Folds follow from the user number: no draw, and the same q for every method.
        others = exposures.pairs[:, 0] % FOLDS != fold
        items, liked = exposures.pairs[others, 1], exposures.liked[others]
        mean = liked.mean() if len(liked) else 0.0
        count, likes = np.bincount(items, minlength=num_items), np.bincount(items[liked], minlength=num_items)
        rewards[fold] = (likes + PRIOR * mean) / (count + PRIOR)
    return rewards
