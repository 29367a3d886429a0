"""Causal graphs that several decoders claim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from graphrec.causal.graph import CausalGraph, Node


def match_graph(match: str = "M", meaning: str = "match: true preference") -> CausalGraph:
    """User and item act on the interaction through their match, and each of them directly.

    Args:
        match, meaning: the match's name and what it is.

    >>> match_graph().directed_paths("I", "Y")
    ['I -> Y', 'I -> M -> Y']
    """
    return CausalGraph(
        nodes={
            "U": Node("user"),
            "I": Node("item"),
            match: Node(meaning, observed=False, deterministic=True),
            "Y": Node("interaction"),
        },
        edges=[("U", match), ("I", match), (match, "Y"), ("U", "Y"), ("I", "Y")],
        treatment="I",
        outcome="Y",
        mediators=(match,),
        conditioned=("U",),
    )


def match_notice_graph(
    nodes: Mapping[str, Node] | None = None, edges: Iterable[tuple[str, str]] = (), mediators: tuple[str, ...] = ("M",)
) -> CausalGraph:
    """CausalRec's Figure 3 (c): the item acts on the interaction through match and notice alone.

    Args:
        nodes, edges: what a decoder adds to the figure.
        mediators: the variables that the total indirect effect goes through.

    >>> match_notice_graph(edges=[("V", "M")]).directed_paths("I", "M")
    ['I -> M', 'I -> V -> M']
    """
    return CausalGraph(
        nodes={
            "U": Node("user"),
            "I": Node("item"),
            "V": Node("visual features: the item's exposure features", deterministic=True),
            "M": Node("match: true preference", observed=False, deterministic=True),
            "N": Node("notice: attraction by the visual features alone", observed=False, deterministic=True),
            "Y": Node("interaction"),
            **(nodes or {}),
        },
        edges=[("I", "V"), ("U", "M"), ("I", "M"), ("U", "N"), ("V", "N"), ("M", "Y"), ("N", "Y"), *edges],
        treatment="I",
        outcome="Y",
        mediators=mediators,
        conditioned=("U",),
    )
