"""Explain one pair of a trained model: its score divided, and its rank and the user's list under each estimand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from graphrec.causal import CausalGraph, Estimand, Observational, label
from graphrec.decoders import BlockLogits, Branches
from graphrec.errors import Argument, IdentificationError, RunError
from graphrec.evaluation.ranking import PairIndex, rank_all
from graphrec.explanation.decomposition import (
    decompose_effects,
    decompose_factors,
    factor_estimand,
    identify_effects,
    reference_options,
)
from graphrec.explanation.result import OBSERVATIONAL, BranchLogit, Explanation, Ranking, ScoreDecomposition
from graphrec.recommender import FrozenModel
from graphrec.top_k import top_k


@torch.no_grad()
def explain(
    model: FrozenModel,
    user: int,
    item: int,
    *,
    train_items: np.ndarray,
    estimands: Mapping[str, Estimand] | None = None,
    k: int = 10,
    causal_graph: CausalGraph | None = None,
    user_ids: Sequence[str] | np.ndarray | None = None,
    item_ids: Sequence[str] | np.ndarray | None = None,
) -> Explanation:
    """Explain the rank of an item for a user. Memory is that of one user's scores.

    Args:
        model: a trained model.
        user: row number of the user.
        item: row number of the item.
        train_items: `[n]` row numbers of the user's items in the training split. They are not recommended again.
        estimands: by name; the first is explained. By default the decoder's variants. The observational score is
            added where it is missing.
        k: length of the lists.
        causal_graph: a custom causal graph. Everything must be identified on it instead of the decoder's graph.
        user_ids: external ids of all users; by default the row numbers.
        item_ids: external ids of all items; by default the row numbers.

    Raises:
        RunError: `k` is below 1.
        IdentificationError: an estimand is not identified on the causal graph.
        RecipeError: the decoder lacks a branch or factor that an estimand needs.

    Example:
        >>> from graphrec.testing.small_graph import small_graph
        >>> from graphrec.testing.small_model import small_model
        >>> recommender, graph = small_model("vbpr", {}, small_graph())
        >>> explanation = explain(recommender.freeze(graph), user=2, item=3, train_items=np.array([0, 1]), k=3)
        >>> [ranking.method for ranking in explanation.rankings], explanation.candidates
        (['VBPR', 'VBPR with CI'], 9)
        >>> [part.name for part in explanation.decomposition.contributions]
        ['indirect', 'direct']
    """
    if k < 1:
        raise RunError("the list is too short", expected="at least 1 item", got=k, where=Argument("k"))
    variants = model.decoder.variants()
    by_name = dict(estimands or variants)
    if Observational() not in by_name.values():
        by_name[OBSERVATIONAL] = Observational()
    ids = np.arange(model.num_items) if item_ids is None else item_ids
    # The explained item is ranked even if it is a training item: it is only kept out of the lists below.
    excluded = np.setdiff1d(train_items, [item])
    # `setdiff1d` returns each item once: one fewer means that the explained item was among them.
    in_train = len(excluded) < len(np.unique(train_items))
    excluded_pairs = PairIndex(np.column_stack([np.full(len(excluded), user), excluded]), model.num_users)

    scores_by_label: dict[str, Tensor] = {}
    rankings = []
    for name, estimand in by_name.items():
        scorer = model.scorer(estimand, causal_graph)
        ((_, scores, best),) = rank_all(scorer, np.array([user]), k, excluded_pairs)
        scores_by_label[label(estimand)] = row = scores[0]
        listed = scores
        if in_train:
            # A copy: the item's own score and rank are still read from the row.
            listed = scores.clone()
            listed[0, item] = -torch.inf
            best = top_k(listed, k)
        items = tuple(str(ids[number]) for number in best[0].tolist() if listed[0, number] > -torch.inf)
        rankings.append(Ranking(name, label(estimand), float(row[item]), _rank(row, item, row[item]), items))

    observational_scores = scores_by_label[OBSERVATIONAL]
    # The chosen estimands come first, so that their reference is used; the decoder's variants step in where they have
    # none.
    decomposition, branches = _decompose(
        model, user, item, [*by_name.values(), *variants.values()], observational_scores, causal_graph
    )
    return Explanation(
        str(user if user_ids is None else user_ids[user]),
        str(ids[item]),
        in_train,
        model.num_items - len(excluded),
        decomposition,
        branches,
        tuple(rankings),
    )


def _decompose(
    model: FrozenModel,
    user: int,
    item: int,
    estimands: Sequence[Estimand],
    observational_scores: Tensor,
    causal_graph: CausalGraph | None,
) -> tuple[ScoreDecomposition, tuple[BranchLogit, ...]]:
    outcome = model.outcome.with_graph(causal_graph)
    factual = _logits(model.branches, user, model.num_items)
    branches = tuple(BranchLogit(name, float(value[0, item])) for name, value in factual.items())
    if outcome.mediated:
        options = reference_options(estimands)
        try:
            identify_effects(outcome, options)
        except IdentificationError as error:
            return ScoreDecomposition("none", f"Its score is not divided: {error.problem} ({error.got})."), branches
        reference_branches = model.reference_branches(options["reference"], category=options.get("category", ""))
        reference = _logits(reference_branches, user, model.num_items)

        def rank_at(score: float) -> int:
            # In the scores' own dtype, so that an equal score ties.
            return _rank(observational_scores, item, observational_scores.new_tensor(score))

        decomposition = decompose_effects(outcome, factual, reference, item, options, rank_at)
        with_reference = (
            BranchLogit(branch.name, branch.logit, float(reference[branch.name][0, item])) for branch in branches
        )
        return decomposition, tuple(with_reference)
    product = factor_estimand(outcome, estimands)
    if product is None:
        return ScoreDecomposition("none", _UNDIVIDED), branches
    if not outcome.log:
        return ScoreDecomposition("none", _SIGNED), branches
    return decompose_factors(outcome, factual, item, *product), branches


_UNDIVIDED = (
    "Its score is not divided: the decoder names neither branches through which the item acts indirectly nor factors "
    "of an adjustment, so no part of it has a causal meaning."
)
_SIGNED = "Its score is not divided: it is a product of signed numbers, which has no logarithm to divide."


def _logits(branches: Branches, user: int, num_items: int) -> dict[str, Tensor]:
    """`[1, I]` logits of every branch; the single row of a reference item is repeated for all items."""
    block = BlockLogits(branches, torch.tensor([user]))
    return {name: block[name].expand(1, num_items) for name in branches}


def _rank(scores: Tensor, item: int, score: Tensor) -> int:
    """The rank, from 1, that the item would have with `score` among the other items of `scores` `[I]`.

    Ties go to the lower item number.
    """
    others = scores.clone()
    others[item] = -torch.inf
    return 1 + int((others > score).sum()) + int((others[:item] == score).sum())
