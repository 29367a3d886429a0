"""Explaining one pair of a trained model: its score divided, and its rank and the user's list under each estimand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from graphrec.causal import CausalGraph, Estimand, Observational, label
from graphrec.decoders import BlockLogits, Branches
from graphrec.errors import IdentificationError, RunError
from graphrec.evaluation.ranking import PairIndex, rank_all, top_k
from graphrec.explanation.decomposition import (
    factor_estimand,
    identify_effects,
    reference_options,
    split_effects,
    split_factors,
)
from graphrec.explanation.result import OBSERVATIONAL, BranchLogit, Explanation, Ranking, Split
from graphrec.recommender import FrozenModel


@torch.no_grad()
def explain(
    model: FrozenModel,
    user: int,
    item: int,
    *,
    seen: np.ndarray,
    estimands: Mapping[str, Estimand] | None = None,
    k: int = 10,
    graph: CausalGraph | None = None,
    user_ids: Sequence[str] | np.ndarray | None = None,
    item_ids: Sequence[str] | np.ndarray | None = None,
) -> Explanation:
    """Explain where an item stands for a user; one user's scores are all that is held.

    Args:
        user, item: row numbers.
        seen: `[n]` items of the user's training split, which are not recommended again.
        estimands: by name; the first is explained. By default the decoder's variants. The observational score is
            added where it is missing.
        k: list length.
        graph: a causal graph of one's own, on which everything must be identified instead of the decoder's.
        user_ids, item_ids: external ids; by default the row numbers.

    Raises:
        RunError: `k` is below 1.
        IdentificationError: an estimand is not identified on the causal graph.
        RecipeError: the decoder lacks a part that an estimand needs.
    """
    if k < 1:
        raise RunError("the list is too short", expected="at least 1 item", got=k, where="k")
    variants = model.decoder.variants()
    chosen = dict(estimands or variants)
    if Observational() not in chosen.values():
        chosen[OBSERVATIONAL] = Observational()
    ids = np.arange(model.num_items) if item_ids is None else item_ids
    excluded = np.setdiff1d(seen, [item])
    is_seen = len(excluded) < len(np.unique(seen))
    pairs = PairIndex(np.column_stack([np.full(len(excluded), user), excluded]), model.num_users)

    rows: dict[str, Tensor] = {}
    rankings = []
    for name, estimand in chosen.items():
        scorer = model.scorer(estimand, graph)
        ((_, scores, best),) = rank_all(scorer, np.array([user]), k, pairs)
        rows[label(estimand)] = row = scores[0]
        listed = scores
        if is_seen:
            listed = scores.clone()
            listed[0, item] = -torch.inf
            best = top_k(listed, k)
        items = tuple(str(ids[one]) for one in best[0].tolist() if listed[0, one] > -torch.inf)
        rankings.append(Ranking(name, label(estimand), float(row[item]), _rank(row, item, row[item]), items))

    observed = rows[OBSERVATIONAL]
    split, branches = _split(model, user, item, [*chosen.values(), *variants.values()], observed, graph)
    return Explanation(
        str(user if user_ids is None else user_ids[user]),
        str(ids[item]),
        is_seen,
        model.num_items - len(excluded),
        split,
        branches,
        tuple(rankings),
    )


def _split(
    model: FrozenModel,
    user: int,
    item: int,
    estimands: Sequence[Estimand],
    observed: Tensor,
    graph: CausalGraph | None,
) -> tuple[Split, tuple[BranchLogit, ...]]:
    outcome = model.outcome.on(graph)
    factual = _logits(model.branches, user, model.num_items)
    plain = tuple(BranchLogit(name, float(value[0, item])) for name, value in factual.items())
    if outcome.mediated:
        options = reference_options(estimands)
        try:
            identify_effects(outcome, options)
        except IdentificationError as error:
            return Split("none", f"Its score is not divided: {error.problem} ({error.got})."), plain
        under = model.reference_branches(options["reference"], category=options.get("category", ""))
        reference = _logits(under, user, model.num_items)

        def rank_at(score: float) -> int:
            return _rank(observed, item, observed.new_tensor(score))

        split = split_effects(outcome, factual, reference, item, options, rank_at)
        both = (BranchLogit(one.name, one.logit, float(reference[one.name][0, item])) for one in plain)
        return split, tuple(both)
    product = factor_estimand(outcome, estimands)
    if product is None:
        return Split("none", _UNDIVIDED), plain
    if not outcome.log:
        return Split("none", _SIGNED), plain
    return split_factors(outcome, factual, item, *product), plain


_UNDIVIDED = (
    "Its score is not divided: the decoder names neither branches through which the item acts indirectly nor factors "
    "of an adjustment, so no part of it has a causal meaning of its own."
)
_SIGNED = "Its score is not divided: it is a product of signed numbers, of which there is no logarithm to share out."


def _logits(branches: Branches, user: int, num_items: int) -> dict[str, Tensor]:
    """`[1, I]` logits of every branch; a reference of one row stands for all items."""
    block = BlockLogits(branches, torch.tensor([user]))
    return {name: block[name].expand(1, num_items) for name in branches}


def _rank(scores: Tensor, item: int, score: Tensor) -> int:
    """The place, from 1, of an item with the given score among all others `[I]`; ties by the lower item number."""
    others = scores.clone()
    others[item] = -torch.inf
    return 1 + int((others > score).sum()) + int((others[:item] == score).sum())
