"""Causal graphs, identification, and the estimands that turn branch logits into scores."""

from graphrec.causal.estimands import (
    EffectOfMediator,
    EffectOnMediator,
    Estimand,
    FrontDoor,
    Logits,
    Observational,
    Outcome,
    TotalIndirectEffect,
    estimands,
)
from graphrec.causal.graph import CausalGraph, Node
from graphrec.causal.identification import (
    Identification,
    association,
    effect_of_mediators,
    effect_on_mediators,
    front_door,
    mediation,
)
from graphrec.causal.labels import label, parse_estimand
from graphrec.causal.reference import Reference, constant_logits, reference_item

__all__ = [
    "CausalGraph",
    "EffectOfMediator",
    "EffectOnMediator",
    "Estimand",
    "FrontDoor",
    "Identification",
    "Logits",
    "Node",
    "Observational",
    "Outcome",
    "Reference",
    "TotalIndirectEffect",
    "association",
    "constant_logits",
    "effect_of_mediators",
    "effect_on_mediators",
    "estimands",
    "front_door",
    "label",
    "mediation",
    "parse_estimand",
    "reference_item",
]
