"""Decomposition of a score: into effects against a reference item, or into factors against the user's mean item.

Effects, for a decoder with mediated branches M and direct branches N (Pearl, "Direct and Indirect Effects", UAI 2001;
`graphrec.causal.effects`), in the unit of the outcome Y:

    indirect = Y(M_i, N_i) - Y(M_i*, N_i)         total indirect effect
    direct   = Y(M_i*, N_i) - Y(M_i*, N_i*)       natural direct effect
    indirect + direct = Y(M_i, N_i) - Y(M_i*, N_i*)       total effect

Factors, for an outcome that is the logarithm of a product: log factor(u, i) minus its mean over all items. The factors
that the estimand multiplies sum to its score minus the user's mean score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import networkx as nx
import torch
from torch import Tensor

from graphrec.causal import (
    CausalGraph,
    Effect,
    Estimand,
    Logits,
    NaturalDirectEffect,
    Outcome,
    TotalEffect,
    TotalIndirectEffect,
    label,
)
from graphrec.explanation.result import Contribution, ScoreDecomposition


def reference_options(estimands: Iterable[Estimand]) -> dict[str, Any]:
    """The reference options of the first estimand that has a reference item, else those of the mean item.

    A constant in place of logits (MACR) is no item, so it is passed over.

    Example:
        >>> reference_options([TotalIndirectEffect(reference="constant"), TotalIndirectEffect(reference="zero")])
        {'reference': 'zero', 'category': ''}
        >>> reference_options([])
        {'reference': 'mean'}
    """
    for estimand in estimands:
        reference = estimand.reference_config
        if estimand.needs_reference and reference.reference != "constant":
            return {"reference": reference.reference, "category": reference.category}
    return {"reference": "mean"}


def identify_effects(outcome: Outcome, options: dict[str, Any]) -> None:
    """Prove the three effects on the outcome's causal graph.

    Raises:
        IdentificationError: an effect is not identified; the error names the path.
        RecipeError: the outcome has no mediated branches.

    Example:
        >>> from graphrec.errors import GraphrecError
        >>> from graphrec.testing.small_model import small_model
        >>> for name in ("vbpr", "hcr"):
        ...     try:
        ...         identify_effects(small_model(name)[0].decoder.outcome, {"reference": "mean"})
        ...         print(name, "has identified effects")
        ...     except GraphrecError as error:
        ...         print(name, "-", error.problem)
        vbpr has identified effects
        hcr - estimand `total_effect` does not fit this decoder
    """
    for effect in (TotalEffect, NaturalDirectEffect, TotalIndirectEffect):
        effect(**options).identify(outcome)


def decompose_effects(
    outcome: Outcome,
    factual: Logits,
    reference: Logits,
    item: int,
    options: dict[str, Any],
    rank_at: Callable[[float], int],
) -> ScoreDecomposition:
    """Divide the item's total effect into its direct and its indirect effect.

    Args:
        outcome: how the branches make the score.
        factual: `[1, I]` logits of the user.
        reference: `[1, I]` logits of the user under the reference item.
        item: the row number of the item.
        options: of the effects, in the form of `reference_options`.
        rank_at: the item's rank under the observational score if it had the score that is passed.

    Example:
        >>> from graphrec.causal.graphs import match_notice_graph
        >>> from graphrec.decoders.visual import match_and_notice
        >>> outcome = Outcome(score=match_and_notice, log=False, mediated=("match",), graph=match_notice_graph())
        >>> factual = {"match": torch.tensor([[3.0, 1.0]]), "notice": torch.tensor([[2.0, 5.0]])}
        >>> reference = {"match": torch.tensor([[2.0, 2.0]]), "notice": torch.tensor([[1.5, 1.5]])}
        >>> effects = decompose_effects(outcome, factual, reference, 0, {"reference": "mean"}, rank_at=lambda score: 1)
        >>> effects.total, [(part.name, part.value) for part in effects.contributions]
        (1.5, [('indirect', 1.0), ('direct', 0.5)])
    """
    # In double precision, so that the two effects sum to the total to the last digit that is shown.
    exact = {name: value.double() for name, value in factual.items()}
    exact_reference = {name: value.double() for name, value in reference.items()}

    def effect(kind: type[Effect]) -> float:
        return float(kind(**options).effect(outcome, exact, exact_reference)[0, item])

    def rank_without(names: Iterable[str]) -> int:
        # In the precision of the model: the result is compared with the scores of the other items.
        return rank_at(float(outcome.score({**factual, **{name: reference[name] for name in names}})[0, item]))

    causal_graph = outcome.graph
    direct = [name for name in factual if name not in outcome.mediated]
    contributions = [
        Contribution(
            "indirect",
            _meanings(causal_graph, causal_graph.mediators),
            effect(TotalIndirectEffect),
            rank_without=rank_without(outcome.mediated),
        ),
        Contribution(
            "direct",
            _meaning_of_direct_paths(causal_graph),
            effect(NaturalDirectEffect),
            rank_without=rank_without(direct),
        ),
    ]
    reference_name = {"mean": "the average item", "zero": "an item of zeros"}.get(
        options["reference"], f"the average item of its {options.get('category')}"
    )
    return ScoreDecomposition(
        "effects", "total effect", reference_name, effect(TotalEffect), tuple(_with_shares(contributions))
    )


def factor_estimand(outcome: Outcome, estimands: Iterable[Estimand]) -> tuple[Estimand, tuple[str, ...]] | None:
    """The first estimand that multiplies factors of this outcome, and the names of these factors.

    Example:
        >>> from graphrec.causal import FrontDoor, Observational
        >>> from graphrec.testing.small_model import small_model
        >>> factor_estimand(small_model("hcr")[0].decoder.outcome, [Observational(), FrontDoor()])
        (FrontDoor(), ('mediator', 'effect'))
    """
    for estimand in estimands:
        # By attribute and not by class: the base class of these estimands is private, and custom ones may do the same.
        names: Sequence[str] = getattr(estimand, "factor_names", ())
        if names and set(names) <= outcome.factors.keys():
            return estimand, tuple(names)
    return None


def decompose_factors(
    outcome: Outcome, factual: Logits, item: int, estimand: Estimand, factor_names: tuple[str, ...]
) -> ScoreDecomposition:
    """Divide the item's log score minus the user's mean log score into log factors minus their means.

    Args:
        outcome: how the branches make the score.
        factual: `[1, I]` logits of the user.
        item: the row number of the item.
        estimand: the estimand that is explained.
        factor_names: the factors that `estimand` multiplies; all others are marked as not used.

    Example:
        >>> from graphrec.causal import EffectOnMediator
        >>> from graphrec.testing.small_model import small_model
        >>> outcome = small_model("hcr_additive")[0].decoder.outcome
        >>> zeros = torch.zeros(1, 2)
        >>> logits = {"click": torch.tensor([[2.0, 0.0]]), "like_match": zeros, "like_gate": zeros}
        >>> factors = decompose_factors(outcome, logits, 0, EffectOnMediator(), ("mediator",))
        >>> [(part.name, round(part.value, 3), part.used) for part in factors.contributions]
        [('mediator', 0.283, True), ('effect', 0.0, False)]
    """
    exact = {name: value.double() for name, value in factual.items()}
    contributions = [
        Contribution(
            name, _factor_meaning(outcome.graph, name), _above_mean(factor(exact), item), used=name in factor_names
        )
        for name, factor in outcome.factors.items()
    ]
    return ScoreDecomposition(
        "factors",
        f"log score under {label(estimand)}",
        "the user's mean over all items",
        _above_mean(estimand.score(outcome, exact), item),
        tuple(_with_shares(contributions)),
    )


def _above_mean(scores: Tensor, item: int) -> float:
    return float(scores[0, item] - scores[0].mean())


def _with_shares(contributions: Sequence[Contribution]) -> list[Contribution]:
    """The contributions with their shares of the total, where all used ones have the same sign."""
    values = torch.tensor([part.value for part in contributions if part.used], dtype=torch.float64)
    total = float(values.sum())
    same_sign = total != 0 and bool((values * total >= 0).all())
    return [replace(part, share=part.value / total if same_sign and part.used else None) for part in contributions]


def _meanings(causal_graph: CausalGraph, names: Iterable[str]) -> str:
    return "; ".join(causal_graph.nodes[name].meaning for name in names)


def _meaning_of_direct_paths(causal_graph: CausalGraph) -> str:
    """The last variables before the outcome on the directed paths from the treatment that avoid the mediators."""
    graph = causal_graph.to_networkx()
    graph.remove_nodes_from(causal_graph.mediators)
    last = [
        name for name in graph.predecessors(causal_graph.outcome) if nx.has_path(graph, causal_graph.treatment, name)
    ]
    meanings = [
        causal_graph.nodes[name].meaning + (", directly" if name == causal_graph.treatment else "") for name in last
    ]
    return "; ".join(meanings) or "nothing on the causal graph"


def _factor_meaning(causal_graph: CausalGraph, name: str) -> str:
    nodes = causal_graph.nodes
    outcome, treatment = nodes[causal_graph.outcome].meaning, nodes[causal_graph.treatment].meaning
    mediators = _meanings(causal_graph, causal_graph.mediators)
    adjusted = _meanings(causal_graph, causal_graph.adjustment)
    meanings = {
        "mediator": f"effect of the item on the mediators ({mediators})",
        "effect": f"effect of the mediators on the {outcome}",
        "confounded": f"association of the item with a hidden cause of {treatment} and {outcome}",
        "conditional": f"{mediators or treatment}, apart from {adjusted}",
        "forecast": f"{adjusted}, at its forecast",
    }
    return meanings.get(name, name)
