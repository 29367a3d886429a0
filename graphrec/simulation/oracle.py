"""What a ranking loses by the truth, and how far the two oracles of a world are apart.

One oracle ranks by the true effect, the other by what the log shows; see `graphrec.simulation.truth`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import sparse

from graphrec.data.dataset import InteractionDataset
from graphrec.errors import DataError
from graphrec.simulation.truth import TARGETS, Truth, truth_of
from graphrec.top_k import top_k


def best_items(values: np.ndarray, k: int, candidates: np.ndarray | None = None) -> np.ndarray:
    """The k best candidates of each row `[b, K]`, best first, ties by the lower item row; -1 where there are fewer.

    Args:
        values: `[b, I]`, the higher the better.
        k: K, the list length; at most I items are listed.
        candidates: `[b, I]` bool, which items may be listed; all by default.

    >>> best_items(np.array([[0.5, 0.9, 0.5]]), 2)
    array([[1, 0]])
    >>> best_items(np.array([[0.5, 0.9, 0.5]]), 3, np.array([[True, False, True]]))
    array([[ 0,  2, -1]])
    """
    if candidates is not None:
        values = np.where(candidates, values, -np.inf)
    top = top_k(torch.from_numpy(np.ascontiguousarray(values)), k).numpy()
    return np.where(np.isneginf(np.take_along_axis(values, top, 1)), -1, top)


def regret_at_k(ranked_items: np.ndarray, effect: np.ndarray, candidates: np.ndarray | None = None) -> np.ndarray:
    """Share of the expected likes that a list leaves behind, exact, for each user `[b]`.

    1 - sum of the true effect over the list / the same over the best list of that length among candidates.

    Args:
        ranked_items: `[b, K]` item rows, -1 at an empty rank.
        effect: `[b, I]` probabilities, such as `Truth.effect` gives.
        candidates: `[b, I]` bool, which items may be recommended; all by default.

    Raises:
        DataError: a list holds an item that is no candidate.

    The best two items would earn 0.9 + 0.6, the list earns 0.9 + 0.3:

    >>> regret_at_k(np.array([[0, 2]]), np.array([[0.9, 0.6, 0.3]])).round(3)
    array([0.2])
    """
    gained = _along(effect, ranked_items, candidates).sum(axis=1)
    best = _along(effect, best_items(effect, ranked_items.shape[1], candidates), None).sum(axis=1)
    # Where even the best list earns nothing, nothing is left behind: the regret is 0.
    return 1 - np.divide(gained, best, out=np.ones_like(best), where=best > 0)


def ndcg_at_k(ranked_items: np.ndarray, likes: np.ndarray, candidates: np.ndarray | None = None) -> np.ndarray:
    """NDCG@K with binary gains for each user `[b]`; NaN where no candidate is liked.

    Args:
        ranked_items: `[b, K]` item rows, -1 at an empty rank.
        likes: `[b, I]` bool, such as `Truth.draw_likes` gives.
        candidates: as in `regret_at_k`; a like outside them does not count.

    >>> ndcg_at_k(np.array([[2, 0]]), np.array([[True, False, False]])).round(3)
    array([0.631])
    """
    gains = _along(likes.astype(np.float64), ranked_items, candidates)
    discount = 1 / np.log2(np.arange(2, gains.shape[1] + 2))
    positives = (likes if candidates is None else likes & candidates).sum(axis=1)
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(positives, len(discount))]
    return np.divide(gains @ discount, ideal, out=np.full(len(ideal), np.nan), where=ideal > 0)


@dataclass(frozen=True)
class OracleGap:
    """How much better causal than observational ranking can be in a world.

    Args:
        interventional_ndcg, observational_ndcg: NDCG@K of ranking by the target's true effect and by its
            observational truth, on likes drawn under the intervention, mean over users with at least one such like.
        loss: 1 - observational / interventional NDCG.
        regret_observational: mean Regret@K of ranking by the observational truth, over all users.

    >>> OracleGap(interventional_ndcg=0.8, observational_ndcg=0.6, loss=0.25, regret_observational=0.3).cells()
    ('0.8000', '0.6000', '25.0%', '0.3000')
    """

    interventional_ndcg: float
    observational_ndcg: float
    loss: float
    regret_observational: float

    def cells(self) -> tuple[str, str, str, str]:
        """The four as a table shows them."""
        return (
            f"{self.interventional_ndcg:.4f}",
            f"{self.observational_ndcg:.4f}",
            f"{self.loss:.1%}",
            f"{self.regret_observational:.4f}",
        )


def oracle_gap(
    truth: Truth, exclude: np.ndarray | None = None, k: int = 50, seed: int = 0, target: str = "like"
) -> OracleGap:
    """Measure the gap between the two oracles, a block of users at a time.

    Args:
        exclude: `[E, 2]` user and item rows that are no candidates, such as the training clicks.
        k: list length.
        seed: of the likes drawn under the intervention.
        target: what a ranking is for: `like` or `satisfaction`.

    Raises:
        DataError: `exclude` has rows that the truth does not have.
        UnknownNameError: no target of that name.

    The confounder bends what the log says of likes; without it the two oracles agree:

    >>> from graphrec.simulation import simulate
    >>> plain = simulate("tiktok", "plain", users=60, items=40, shown=20, strength=0)
    >>> [round(oracle_gap(Truth.load(folder), k=10).loss, 3) for folder in (raw, plain)]
    [0.037, 0.0]
    """
    excluded = _pairs(truth, exclude)
    scores: list[np.ndarray] = []
    for users in _blocks(truth):
        candidates = ~excluded[users].toarray()
        likes = truth.draw_likes(users, seed, target)
        effect = truth.effect(users, target)
        causal = best_items(effect, k, candidates)
        observed = best_items(truth.observed(users, target), k, candidates)
        scores.append(
            np.stack(
                [
                    ndcg_at_k(causal, likes, candidates),
                    ndcg_at_k(observed, likes, candidates),
                    regret_at_k(observed, effect, candidates),
                ]
            )
        )
    causal_ndcg, observed_ndcg, regret = np.concatenate(scores, axis=1)
    if np.isnan(causal_ndcg).all():
        raise DataError(
            "no like was drawn among the candidates",
            next_step="simulate more users or items, or exclude fewer pairs",
        )
    interventional = float(np.nanmean(causal_ndcg))
    observational = float(np.nanmean(observed_ndcg))
    return OracleGap(interventional, observational, 1 - observational / interventional, float(regret.mean()))


def oracle_gaps(dataset: InteractionDataset, folder: Path, *, users: int = 2000, k: int = 50) -> dict[str, OracleGap]:
    """The gap between the oracles for each target, over all items, for at most so many users of a prepared dataset.

    Args:
        folder: the world's, as for `Truth.load`.
        users: spread evenly over the dataset's.

    Raises:
        DataError: there is no truth, or the dataset was not prepared from that world.

    >>> from graphrec.data.store import load
    >>> gaps = oracle_gaps(load(data), raw, k=10)
    >>> {target: round(gap.loss, 2) for target, gap in gaps.items()}
    {'like': 0.04, 'satisfaction': 0.15}
    """
    rows = np.unique(np.linspace(0, dataset.num_users - 1, min(users, dataset.num_users)).astype(np.int64))
    truth = truth_of(folder, dataset.provenance, dataset.user_ids[rows], dataset.item_ids)
    return {target: oracle_gap(truth, None, k, target=target) for target in TARGETS}


def _blocks(truth: Truth, cells: int = 4_000_000) -> Iterator[np.ndarray]:
    size = max(1, cells // truth.num_items)
    for start in range(0, truth.num_users, size):
        yield np.arange(start, min(start + size, truth.num_users))


def _pairs(truth: Truth, pairs: np.ndarray | None) -> sparse.csr_array:
    """The pairs as a boolean `[U, I]` matrix."""
    pairs = np.empty((0, 2), dtype=np.int64) if pairs is None else np.asarray(pairs)
    shape = (truth.num_users, truth.num_items)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or (pairs < 0).any() or (pairs >= shape).any():
        raise DataError(
            "excluded pairs do not fit this truth",
            expected=f"an array [E, 2] of user rows below {shape[0]} and item rows below {shape[1]}",
            got=f"shape {pairs.shape}" + (f", largest {pairs.max(axis=0).tolist()}" if pairs.size else ""),
            next_step="align the truth with the dataset that the pairs come from",
        )
    return sparse.csr_array((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=shape)


def _along(values: np.ndarray, ranked: np.ndarray, candidates: np.ndarray | None) -> np.ndarray:
    """Values of the listed items `[b, K]`, 0 in empty places."""
    filled = ranked >= 0
    # -1 would be read as the last item.
    item = np.where(filled, ranked, 0)
    if candidates is not None and (filled & ~np.take_along_axis(candidates, item, 1)).any():
        raise DataError("a ranked list holds an item that is no candidate", next_step="mask it before ranking")
    return np.where(filled, np.take_along_axis(values, item, 1), 0.0)
