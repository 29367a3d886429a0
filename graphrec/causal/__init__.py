"""Causal graphs, identification, and the estimands that turn branch logits into scores."""

from graphrec.causal.adjustment import association, back_door, joint_intervention, total_effect
from graphrec.causal.effects import Effect, NaturalDirectEffect, TotalEffect, TotalIndirectEffect
from graphrec.causal.estimands import (
    BackDoor,
    EffectOfMediator,
    EffectOnMediator,
    Estimand,
    FrontDoor,
    Logits,
    Observational,
    Outcome,
    ReferenceEstimand,
    estimands,
)
from graphrec.causal.graph import CausalGraph, Node
from graphrec.causal.identification import Identification
from graphrec.causal.labels import label, parse_estimand
from graphrec.causal.mediation import (
    effect_of_mediators,
    effect_on_mediators,
    front_door,
    mediation,
    natural_direct_effect,
)
from graphrec.causal.reference import Reference, category_items, check_categories, reference_item

__all__ = [
    "BackDoor",
    "CausalGraph",
    "Effect",
    "EffectOfMediator",
    "EffectOnMediator",
    "Estimand",
    "FrontDoor",
    "Identification",
    "Logits",
    "NaturalDirectEffect",
    "Node",
    "Observational",
    "Outcome",
    "Reference",
    "ReferenceEstimand",
    "TotalEffect",
    "TotalIndirectEffect",
    "association",
    "back_door",
    "category_items",
    "check_categories",
    "effect_of_mediators",
    "effect_on_mediators",
    "estimands",
    "front_door",
    "joint_intervention",
    "label",
    "mediation",
    "natural_direct_effect",
    "parse_estimand",
    "reference_item",
    "total_effect",
]
