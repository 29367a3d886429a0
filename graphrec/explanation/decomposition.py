"""What a score is made of: effects against a reference item, or factors against the user's mean item.

Effects, for a decoder with mediated branches M and direct branches N (Pearl, UAI 2001; `graphrec.causal.effects`), in
the unit of the outcome Y:

    indirect = Y(M_i, N_i) - Y(M_i*, N_i)         total indirect effect
    direct   = Y(M_i*, N_i) - Y(M_i*, N_i*)       natural direct effect
    indirect + direct = Y(M_i, N_i) - Y(M_i*, N_i*)       total effect

Factors, for an outcome that is the logarithm of a product: log factor(u, i) less its mean over all items. Those that
the estimand multiplies sum to its score less the user's mean score.
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
from graphrec.explanation.result import Part, Split


def reference_options(estimands: Iterable[Estimand]) -> dict[str, Any]:
    """The reference item of the first estimand that has one, else the mean item.

    A constant in place of logits (MACR) is passed over: it is no item, so nothing can be said of its looks.
    """
    for one in estimands:
        chosen = one.reference_config
        if one.needs_reference and chosen.reference != "constant":
            return {"reference": chosen.reference, "category": chosen.category}
    return {"reference": "mean"}


def identify_effects(outcome: Outcome, options: dict[str, Any]) -> None:
    """Prove the three effects on the outcome's causal graph.

    Raises:
        IdentificationError: the path that breaks one.
    """
    for effect in (TotalEffect, NaturalDirectEffect, TotalIndirectEffect):
        effect(**options).identify(outcome)


def split_effects(
    outcome: Outcome,
    factual: Logits,
    reference: Logits,
    item: int,
    options: dict[str, Any],
    rank_at: Callable[[float], int],
) -> Split:
    """Divide the item's total effect into direct and indirect.

    Args:
        factual, reference: `[1, I]` logits of the user.
        options: of the effects, as `reference_options` gives them.
        rank_at: the item's rank under the observational score if that score of it were the given one.
    """
    exact = {name: value.double() for name, value in factual.items()}
    exact_reference = {name: value.double() for name, value in reference.items()}

    def effect(kind: type[Effect]) -> float:
        return float(kind(**options).effect(outcome, exact, exact_reference)[0, item])

    def rank_without(names: Iterable[str]) -> int:
        return rank_at(float(outcome.score({**factual, **{name: reference[name] for name in names}})[0, item]))

    graph = outcome.graph
    direct = [name for name in factual if name not in outcome.mediated]
    parts = [
        Part(
            "indirect",
            _meanings(graph, graph.mediators),
            effect(TotalIndirectEffect),
            rank_without=rank_without(outcome.mediated),
        ),
        Part("direct", _past_the_mediators(graph), effect(NaturalDirectEffect), rank_without=rank_without(direct)),
    ]
    against = {"mean": "the average item", "zero": "an item of zeros"}.get(
        options["reference"], f"the average item of its {options.get('category')}"
    )
    return Split(
        "effects",
        "total effect",
        against,
        effect(TotalEffect),
        tuple(_shared(parts)),
    )


def factor_estimand(outcome: Outcome, estimands: Iterable[Estimand]) -> tuple[Estimand, tuple[str, ...]] | None:
    """The first estimand that multiplies factors of this outcome, with their names."""
    for one in estimands:
        wanted: Sequence[str] = getattr(one, "wanted", ())
        if wanted and set(wanted) <= outcome.factors.keys():
            return one, tuple(wanted)
    return None


def split_factors(outcome: Outcome, factual: Logits, item: int, estimand: Estimand, wanted: tuple[str, ...]) -> Split:
    """Divide the item's log score, measured from the user's mean, into log factors measured alike.

    Args:
        factual: `[1, I]` logits of the user.
        wanted: the factors that `estimand` multiplies; the others are shown as not used.
    """
    exact = {name: value.double() for name, value in factual.items()}
    parts = [
        Part(name, _factor_meaning(outcome.graph, name), _from_mean(factor(exact), item), used=name in wanted)
        for name, factor in outcome.factors.items()
    ]
    return Split(
        "factors",
        f"log score under {label(estimand)}",
        "the user's mean over all items",
        _from_mean(estimand.score(outcome, exact), item),
        tuple(_shared(parts)),
    )


def _from_mean(scores: Tensor, item: int) -> float:
    return float(scores[0, item] - scores[0].mean())


def _shared(parts: Sequence[Part]) -> list[Part]:
    """The parts with their shares, where all that are used pull in one direction."""
    values = torch.tensor([part.value for part in parts if part.used], dtype=torch.float64)
    total = float(values.sum())
    one_way = total != 0 and bool((values * total >= 0).all())
    return [replace(part, share=part.value / total if one_way and part.used else None) for part in parts]


def _meanings(graph: CausalGraph, names: Iterable[str]) -> str:
    return "; ".join(graph.nodes[name].meaning for name in names)


def _past_the_mediators(graph: CausalGraph) -> str:
    """What the treatment reaches last on its ways to the outcome that avoid the mediators."""
    rest = graph.to_networkx()
    rest.remove_nodes_from(graph.mediators)
    last = [name for name in rest.predecessors(graph.outcome) if nx.has_path(rest, graph.treatment, name)]
    said = [graph.nodes[name].meaning + (", directly" if name == graph.treatment else "") for name in last]
    return "; ".join(said) or "nothing on the causal graph"


def _factor_meaning(graph: CausalGraph, name: str) -> str:
    outcome, treatment = graph.nodes[graph.outcome].meaning, graph.nodes[graph.treatment].meaning
    mediators, adjusted = _meanings(graph, graph.mediators), _meanings(graph, graph.adjustment)
    known = {
        "mediator": f"what the item does to the mediators ({mediators})",
        "effect": f"what the mediators do to the {outcome}",
        "confounded": f"what a hidden cause of {treatment} and {outcome} makes of the item",
        "conditional": f"{mediators or treatment}, apart from {adjusted}",
        "forecast": f"{adjusted}, as it is forecast",
    }
    return known.get(name, name)
