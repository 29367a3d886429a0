"""Lists that are so long that their metrics say little: with few candidates any ranking reaches a high Recall@K."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

logger = logging.getLogger(__name__)

LARGEST_SHARE = 0.5
"""Recall@K that a random ranking may have without a warning."""


def candidates(excluded: np.ndarray, num_items: int, users: np.ndarray) -> np.ndarray:
    """`[n]` how many items can be recommended to each of the users that occur in `users`.

    >>> train = np.array([[0, 1], [0, 2], [1, 0]])
    >>> candidates(train, num_items=5, users=np.array([1, 0, 1])).tolist()  # of users 0 and 1
    [3, 4]

    Args:
        excluded: `[E, 2]` pairs that cannot be recommended (the training pairs).
        num_items: I.
        users: user numbers, in any order and as often as they are evaluated.
    """
    evaluated = np.unique(users)
    taken = np.bincount(excluded[:, 0], minlength=int(evaluated.max(initial=-1)) + 1)
    return num_items - taken[evaluated]


def random_recall(counts: np.ndarray, k: int) -> float:
    """Recall@K of a random ranking, the mean of min(K, C) / C over users with C candidates.

    >>> random_recall(np.array([10, 40]), k=20)
    0.75
    """
    counts = counts[counts > 0]
    return float(np.mean(np.minimum(k, counts) / counts)) if len(counts) else 0.0


def warn_of_long_lists(cutoffs: Sequence[int], counts: np.ndarray, *, settable: bool = True) -> None:
    """Log a warning where a random ranking would have a Recall@K above one half; it is 1 from K = C on.

    >>> handler = logging.Handler()
    >>> handler.emit = lambda record: print(record.getMessage().partition(", as")[0])
    >>> logger.addHandler(handler)
    >>> warn_of_long_lists((5, 20, 50), np.array([40, 30]))
    long lists: a random ranking has Recall@20 0.58, Recall@50 1.00
    >>> logger.removeHandler(handler)

    Args:
        cutoffs: the list lengths K.
        counts: `[n]` as `candidates` gives.
        settable: False where the recipe does not choose K.
    """
    long = {k: recall for k in cutoffs if (recall := random_recall(counts, k)) > LARGEST_SHARE}
    if long:
        logger.warning(
            "long lists: a random ranking has %s, as users have %.0f candidate items on average%s",
            ", ".join(f"Recall@{k} {recall:.2f}" for k, recall in long.items()),
            counts.mean(),
            "; choose a smaller evaluation.k" if settable else "; metrics at this K hardly tell methods apart",
        )
