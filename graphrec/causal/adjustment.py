"""Criteria without mediators: what an association means, and adjustment for observed confounders."""

from __future__ import annotations

from itertools import combinations

import networkx as nx

from graphrec.causal.graph import CausalGraph
from graphrec.causal.identification import (
    Identification,
    back_doors,
    broken,
    conditioning_suffix,
    listed,
    require_observed,
    unconfounded,
)
from graphrec.errors import UnknownNameError


def association(graph: CausalGraph) -> Identification:
    """What P(outcome | treatment, conditioned) means; each open back-door path is a caveat.

    Without such a path it equals P(outcome | do(treatment), conditioned).

    >>> from graphrec.causal import association
    >>> from graphrec.causal.graphs import match_graph
    >>> association(match_graph()).formula
    'P(Y | do(I), U) = P(Y | I, U)'
    """
    i, y, suffix = graph.treatment, graph.outcome, conditioning_suffix(graph)
    back_door = {"conditioning": graph.conditioned, "without_outgoing_of": (i,)}
    paths = graph.open_paths(i, y, **back_door)
    observational = f"P({y} | {i}{suffix})"
    return Identification(
        criterion="association",
        formula=observational if paths else f"P({y} | do({i}){suffix}) = {observational}",
        adjustment=graph.conditioned,
        blocked=tuple(graph.blocked_paths(i, y, **back_door)),
        assumptions=(),
        untestable=() if paths else (f"nothing hidden causes {unconfounded(graph, [i], [y], graph.conditioned)}",),
        caveats=tuple(f"{path} is open: {observational} is not P({y} | do({i}){suffix})" for path in paths),
    )


def total_effect(graph: CausalGraph) -> Identification:
    """Identify P(outcome | do(treatment), conditioned) less the same under the reference, without any adjustment.

    Raises:
        IdentificationError: an open back-door path from treatment to outcome.

    >>> from graphrec.causal import total_effect
    >>> from graphrec.causal.graphs import match_graph
    >>> total_effect(match_graph()).formula
    'TE(I, I*) = P(Y | I, U) - P(Y | I*, U)'
    """
    rule = "the total effect"
    i, y, suffix = graph.treatment, graph.outcome, conditioning_suffix(graph)
    require_observed(graph, rule, (i, y))
    return Identification(
        criterion="no confounding of treatment and outcome",
        formula=f"TE({i}, {i}*) = P({y} | {i}{suffix}) - P({y} | {i}*{suffix})",
        adjustment=graph.conditioned,
        blocked=tuple(back_doors(graph, [i], [y], graph.conditioned, f"{rule} is confounded")),
        assumptions=(),
        untestable=(f"nothing hidden causes {unconfounded(graph, [i], [y], graph.conditioned)}",),
    )


def back_door(graph: CausalGraph, adjustment: tuple[str, ...] | None = None) -> Identification:
    """Identify P(outcome | do(treatment), conditioned) by the back-door criterion (Pearl, Causality 2009, 3.3.1).

    The adjustment set holds no effect of the treatment and, together with `conditioned`, blocks every back-door
    path from treatment to outcome. It must not determine the treatment: there would be nothing to compare.

    Args:
        adjustment: observed variables besides `conditioned`; None searches for a smallest valid set.

    Raises:
        IdentificationError: the set is no adjustment set, or there is none; shows an open path.
        UnknownNameError: a variable that is not in the graph.

    >>> from graphrec.causal.graph import Node
    >>> nodes = {"I": Node("item"), "Z": Node("popularity"), "C": Node("click")}
    >>> graph = CausalGraph(nodes, [("Z", "I"), ("Z", "C"), ("I", "C")], treatment="I", outcome="C", mediators=())
    >>> back_door(graph).formula
    'P(C | do(I)) = sum_{Z} P(C | I, Z) P(Z)'
    """
    rule = "the back-door criterion"
    i, y, suffix = graph.treatment, graph.outcome, conditioning_suffix(graph)
    require_observed(graph, rule, (i, y))
    if adjustment is None:
        adjustment = _smallest_adjustment(graph, rule)
    _adjustable(graph, adjustment, rule)
    conditioning = (*adjustment, *graph.conditioned)
    blocked = back_doors(graph, [i], [y], conditioning, f"{rule} fails")
    z = listed(adjustment)
    weight = f"P({z} | {listed(graph.conditioned)})" if graph.conditioned else f"P({z})"
    return Identification(
        criterion="back-door",
        formula=f"P({y} | do({i}){suffix}) = "
        + (f"sum_{{{z}}} P({y} | {i}, {z}{suffix}) {weight}" if z else f"P({y} | {i}{suffix})"),
        adjustment=conditioning,
        blocked=tuple(blocked),
        assumptions=(f"every value of {i} can occur under every {listed(conditioning)}",) if z else (),
        untestable=(f"nothing hidden causes both {i} and {y}" + (f", save through {z}" if z else ""),),
    )


def joint_intervention(graph: CausalGraph, also: tuple[str, ...]) -> Identification:
    """Identify P(outcome | do(treatment), do(also), conditioned) as a conditional distribution (PDA's forecast).

    Raises:
        IdentificationError: an open back-door path from treatment or `also`, taken jointly, to the outcome.
        UnknownNameError: a variable that is not in the graph.

    >>> from graphrec.causal import CausalGraph, Node, joint_intervention
    >>> nodes = {"I": Node("item"), "Z": Node("popularity"), "C": Node("click")}
    >>> graph = CausalGraph(nodes, [("Z", "I"), ("Z", "C"), ("I", "C")], treatment="I", outcome="C", mediators=())
    >>> joint_intervention(graph, ("Z",)).formula
    'P(C | do(I), do(Z)) = P(C | I, Z)'
    """
    rule = "the effect of treatment and adjustment set together"
    i, y, suffix, z = graph.treatment, graph.outcome, conditioning_suffix(graph), listed(also)
    require_observed(graph, rule, (i, y))
    _adjustable(graph, also, rule)
    return Identification(
        criterion="no confounding of treatment, adjustment set and outcome",
        formula=f"P({y} | do({i}), do({z}){suffix}) = P({y} | {i}, {z}{suffix})",
        adjustment=(*also, *graph.conditioned),
        blocked=tuple(back_doors(graph, (i, *also), [y], graph.conditioned, f"{rule} is confounded")),
        assumptions=(f"every value of {i} can occur under every {listed((*also, *graph.conditioned))}",),
        untestable=(f"nothing hidden causes both {y} and one of {i}, {z}",),
    )


def _smallest_adjustment(graph: CausalGraph, rule: str) -> tuple[str, ...]:
    """A smallest valid adjustment set, the first in the order of the nodes.

    Only ancestors of treatment, outcome or conditioned variables need be tried: where any set blocks, all of those
    that may be adjusted for do, too (van der Zander, Liskiewicz and Textor, "Separators and adjustment sets in
    causal graphs", Artificial Intelligence 2019), which also shows early that there is none.
    """
    i, y = graph.treatment, graph.outcome
    directed = graph.to_networkx()
    useful = set().union(*(nx.ancestors(directed, name) for name in (i, y, *graph.conditioned)))
    out = {i, y, *nx.descendants(directed, i), *graph.conditioned}
    candidates = tuple(n for n, node in graph.nodes.items() if node.observed and n in useful - out)

    def blocks(chosen: tuple[str, ...]) -> bool:
        conditioning = (*chosen, *graph.conditioned)
        return i not in graph.determined(conditioning) and graph.d_separated(
            i, y, conditioning, without_outgoing_of=(i,)
        )

    # All candidates together may determine a deterministic treatment where fewer leave it free, so their failure rules
    # nothing out there.
    if graph.nodes[i].deterministic or blocks(candidates):
        for size in range(len(candidates) + 1):
            for chosen in combinations(candidates, size):
                if blocks(chosen):
                    return chosen
    paths = graph.open_paths(i, y, (*candidates, *graph.conditioned), without_outgoing_of=(i,))
    raise broken(
        f"{rule}: no set of observed variables blocks every back-door path from {i} to {y}",
        f"a set without effects of {i} that blocks them and leaves {i} undetermined",
        paths[0] if paths else f"{i} is determined by what would block them",
        "observe a variable on the path, or use an estimand that allows it",
    )


def _adjustable(graph: CausalGraph, names: tuple[str, ...], rule: str) -> None:
    for name in names:
        if name not in graph.nodes:
            raise UnknownNameError("causal variable", name, graph.nodes, where="adjustment set")
    require_observed(graph, rule, names)
    i = graph.treatment
    for name in names:
        if name == i or name in nx.descendants(graph.to_networkx(), i):
            way = graph.directed_paths(i, name)[0] if name != i else i
            raise broken(f"{rule}: `{name}` is an effect of the treatment", f"no effect of {i} is adjusted for", way)
    conditioning = (*names, *graph.conditioned)
    if i in graph.determined(conditioning):
        raise broken(
            f"{rule}: nothing of {i} is left to vary", f"{i} not determined by {listed(conditioning)}", "it is"
        )
