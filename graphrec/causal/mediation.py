"""Criteria with mediators: the front door and its halves, and effects divided into direct and indirect."""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx

from graphrec.causal.graph import CausalGraph
from graphrec.causal.identification import (
    Identification,
    back_doors,
    broken,
    conditioning_suffix,
    extrapolated,
    fixed_by,
    listed,
    require_observed,
    support,
    unconfounded,
)
from graphrec.errors import UnknownNameError


def front_door(graph: CausalGraph) -> Identification:
    """Identify P(outcome | do(treatment), conditioned) by the front-door criterion, despite hidden causes.

    Pearl, Causality (2009), section 3.3.2; HCR Eq. 4, which writes P(i') for P(i'|u) as its graph keeps
    users and items independent. Conditions: (i) the mediators intercept every directed path from treatment to
    outcome; (ii) no back-door path from treatment to mediators is open; (iii) the treatment blocks every
    back-door path from mediators to outcome. All of it given `graph.conditioned`.

    Where the treatment determines a mediator (HCR's integrated feature z(u, i)), the formula asks for
    P(l | u, i', z) with z other than z(u, i'), which no log holds. The graph permits the formula, the data do
    not support it without a model that separates i' from z, such as HCR's product h1(u, z) h2(u, i'). This
    is stated among the untestable assumptions.

    Raises:
        IdentificationError: names the condition and the path that breaks it.

    >>> from graphrec.causal.graph import Node
    >>> nodes = {"I": Node("item"), "C": Node("click"), "L": Node("like"), "V": Node("hidden", observed=False)}
    >>> edges = [("V", "I"), ("V", "L"), ("I", "C"), ("C", "L")]
    >>> front_door(CausalGraph(nodes, edges, treatment="I", outcome="L", mediators=("C",))).formula
    "P(L | do(I)) = sum_{C} P(C | I) sum_{I'} P(L | I', C) P(I')"
    """
    rule = "the front-door criterion"
    _declared(graph, rule)
    require_observed(graph, rule, (graph.treatment, graph.outcome, *graph.mediators))
    i, y = graph.treatment, graph.outcome
    around = _without(graph, graph.mediators)
    if nx.has_path(around, i, y):
        raise broken(
            f"{rule} fails in condition (i): a directed path avoids the mediators",
            f"one of {listed(graph.mediators)} on every directed path from {i} to {y}",
            " -> ".join(nx.shortest_path(around, i, y)),
            "declare what lies between as a mediator, or use another estimand",
        )
    blocked = [
        *back_doors(graph, [i], graph.mediators, graph.conditioned, f"{rule} fails in condition (ii)"),
        *back_doors(graph, graph.mediators, [y], (i, *graph.conditioned), f"{rule} fails in condition (iii)"),
    ]
    m, suffix, i_other = listed(graph.mediators), conditioning_suffix(graph), f"{i}'"
    return Identification(
        criterion="front-door",
        formula=(
            f"P({y} | do({i}){suffix}) = sum_{{{m}}} P({m} | {i}{suffix}) "
            f"sum_{{{i_other}}} P({y} | {i_other}, {m}{suffix}) P({_prior(graph, i_other)})"
        ),
        adjustment=(*graph.mediators, *graph.conditioned),
        blocked=tuple(blocked),
        assumptions=support(graph, graph.mediators),
        untestable=(
            f"{i} changes {y} only through {m}",
            f"nothing hidden causes {unconfounded(graph, [i], graph.mediators, graph.conditioned)}, "
            f"or {unconfounded(graph, graph.mediators, [y], (i, *graph.conditioned))}",
            *extrapolated(graph, graph.mediators),
        ),
    )


def effect_on_mediators(graph: CausalGraph) -> Identification:
    """Identify P(mediators | do(treatment), conditioned), the first half of the front-door formula.

    Needs its condition (ii) alone.

    Raises:
        IdentificationError: an open back-door path from treatment to mediators.

    >>> from graphrec.causal import CausalGraph, Node, effect_on_mediators
    >>> nodes = {"I": Node("item"), "C": Node("click"), "L": Node("like")}
    >>> graph = CausalGraph(nodes, [("I", "C"), ("C", "L"), ("I", "L")], "I", "L", mediators=("C",))
    >>> effect_on_mediators(graph).formula
    'P(C | do(I)) = P(C | I)'
    """
    rule = "the effect on the mediators"
    _declared(graph, rule)
    require_observed(graph, rule, (graph.treatment, *graph.mediators))
    blocked = back_doors(graph, [graph.treatment], graph.mediators, graph.conditioned, f"{rule} is confounded")
    i, m, suffix = graph.treatment, listed(graph.mediators), conditioning_suffix(graph)
    return Identification(
        criterion="no confounding of treatment and mediators",
        formula=f"P({m} | do({i}){suffix}) = P({m} | {i}{suffix})",
        adjustment=graph.conditioned,
        blocked=tuple(blocked),
        assumptions=(),
        untestable=(f"nothing hidden causes {unconfounded(graph, [i], graph.mediators, graph.conditioned)}",),
        caveats=(f"says nothing of {graph.outcome}",),
    )


def effect_of_mediators(graph: CausalGraph) -> Identification:
    """Identify P(outcome | do(mediators), conditioned), the other half of the front-door formula (HCR Eq. 3).

    Needs its condition (iii) alone.

    Raises:
        IdentificationError: a back-door path from mediators to outcome that the treatment leaves open.

    >>> from graphrec.causal import CausalGraph, Node, effect_of_mediators
    >>> nodes = {"I": Node("item"), "C": Node("click"), "L": Node("like")}
    >>> graph = CausalGraph(nodes, [("I", "C"), ("C", "L"), ("I", "L")], "I", "L", mediators=("C",))
    >>> effect_of_mediators(graph).formula
    'P(L | do(C)) = sum_{I} P(L | I, C) P(I)'
    """
    rule = "the effect of the mediators"
    _declared(graph, rule)
    require_observed(graph, rule, (graph.treatment, graph.outcome, *graph.mediators))
    i, y, m = graph.treatment, graph.outcome, listed(graph.mediators)
    blocked = back_doors(graph, graph.mediators, [y], (i, *graph.conditioned), f"{rule} is confounded")
    suffix = conditioning_suffix(graph)
    return Identification(
        criterion="back-door adjustment for the treatment",
        formula=f"P({y} | do({m}){suffix}) = sum_{{{i}}} P({y} | {i}, {m}{suffix}) P({_prior(graph, i)})",
        adjustment=(i, *graph.conditioned),
        blocked=tuple(blocked),
        assumptions=support(graph, graph.mediators),
        untestable=(
            f"nothing hidden causes {unconfounded(graph, graph.mediators, [y], (i, *graph.conditioned))}",
            *extrapolated(graph, graph.mediators),
        ),
        caveats=(f"takes {m} as given, whether or not {i} brings it about",),
    )


def mediation(graph: CausalGraph, through: tuple[str, ...]) -> Identification:
    """Identify the total indirect effect of the treatment through the given mediators.

    Pearl, "Direct and indirect effects" (UAI 2001); CausalRec Eq. 13. Given `conditioned`: no open back-door
    path from treatment to outcome, nor from treatment to mediators; none from mediators to outcome once the
    treatment is known too; and no confounder of mediators and outcome that the treatment itself changes.

    Such a confounder is a *recanting witness* (Avin, Shpitser and Pearl, "Identifiability of path-specific
    effects", IJCAI 2005): it would have to respond to the reference item on its way to the mediators and to
    the actual item on its way to the outcome, and its noise, shared by both worlds, ties the two together in
    a way that no data show. CausalRec's picture V is one by its shape, as it feeds the match M and the notice
    N. Determinism rescues it: V is a function of the item, so it has no noise to share; v(i) and v(i*) are
    simply two known values. Hence a witness is let pass only where treatment and conditioned variables
    determine it.

    Args:
        through: the mediators of the indirect effect; other ways from treatment to outcome count as direct.

    Raises:
        IdentificationError: names the condition and the path that breaks it.
        UnknownNameError: a mediator that is not in the graph.

    >>> from graphrec.causal import CausalGraph, Node, mediation
    >>> nodes = {"I": Node("item"), "C": Node("click"), "L": Node("like")}
    >>> graph = CausalGraph(nodes, [("I", "C"), ("C", "L"), ("I", "L")], "I", "L", mediators=("C",))
    >>> mediation(graph, ("C",)).formula
    'TIE(I, I*) = sum_{C} P(L | I, C) [P(C | I) - P(C | I*)]'
    """
    i, y, m, also = graph.treatment, graph.outcome, listed(through), conditioning_suffix(graph)
    formula = f"TIE({i}, {i}*) = sum_{{{m}}} P({y} | {i}, {m}{also}) [P({m} | {i}{also}) - P({m} | {i}*{also})]"
    return _mediated(graph, through, "the total indirect effect", formula)


def natural_direct_effect(graph: CausalGraph, through: tuple[str, ...]) -> Identification:
    """Identify the natural direct effect: what changes with the treatment while the mediators keep what the reference
    gives them. Its conditions are those of `mediation`, of which it is the other half (Pearl 2001).

    Raises:
        as `mediation`.

    >>> from graphrec.causal import CausalGraph, Node, natural_direct_effect
    >>> nodes = {"I": Node("item"), "C": Node("click"), "L": Node("like")}
    >>> graph = CausalGraph(nodes, [("I", "C"), ("C", "L"), ("I", "L")], "I", "L", mediators=("C",))
    >>> natural_direct_effect(graph, ("C",)).formula
    'NDE(I, I*) = sum_{C} [P(L | I, C) - P(L | I*, C)] P(C | I*)'
    """
    i, y, m, also = graph.treatment, graph.outcome, listed(through), conditioning_suffix(graph)
    formula = f"NDE({i}, {i}*) = sum_{{{m}}} [P({y} | {i}, {m}{also}) - P({y} | {i}*, {m}{also})] P({m} | {i}*{also})"
    return _mediated(graph, through, "the natural direct effect", formula)


def _mediated(graph: CausalGraph, through: tuple[str, ...], rule: str, formula: str) -> Identification:
    i, y = graph.treatment, graph.outcome
    if not through:
        raise broken(f"{rule} needs a mediator", "at least one mediator", "none")
    for m in through:
        if m not in graph.nodes:
            raise UnknownNameError("causal variable", m, graph.nodes, where="mediators of the indirect effect")
        if m in (i, y) or not (graph.directed_paths(i, m) and graph.directed_paths(m, y)):
            raise broken(f"{rule}: `{m}` is not a mediator", f"{i} -> ... -> {m} -> ... -> {y}", "no such path")
    # Mediators may be hidden here: a branch of the model stands for each, which is stated as untestable.
    require_observed(graph, rule, (i, y))
    conditioning = (i, *graph.conditioned)
    # Before the back doors: a witness can open one from mediator to outcome, and the error about the witness says what
    # to do.
    rescued = _recanting_witnesses(graph, through, rule)
    blocked = [
        *back_doors(graph, [i], [y], graph.conditioned, f"{rule}: treatment and outcome are confounded"),
        *back_doors(graph, [i], through, graph.conditioned, f"{rule}: treatment and mediator are confounded"),
        *back_doors(graph, through, [y], conditioning, f"{rule}: mediator and outcome are confounded"),
    ]
    m, also = listed(through), conditioning_suffix(graph)
    return Identification(
        criterion="mediation",
        formula=formula,
        adjustment=(*through, *graph.conditioned),
        blocked=tuple(blocked),
        assumptions=(
            *support(graph, through),
            *(f"{name} is a function of {fixed_by(graph, name)} without noise" for name in rescued),
        ),
        untestable=(
            f"cross-world: {y} under ({i}, {m}) is independent of {m} under {i}*{also}",
            f"nothing hidden causes two of {i}, {m}, {y}",
            *extrapolated(graph, through),
            *(
                f"{name} is not logged: that a branch of the model is {name} rests on the form of the model"
                for name in through
                if not graph.nodes[name].observed
            ),
        ),
    )


def _recanting_witnesses(graph: CausalGraph, through: tuple[str, ...], rule: str) -> list[str]:
    """The witnesses that determinism rescues; raises at one that it does not."""
    i, y = graph.treatment, graph.outcome
    directed = graph.to_networkx()
    # A witness answers to the actual item only on ways to the outcome that avoid the mediators.
    around = _without(graph, through)
    determined = graph.determined((i, *graph.conditioned))
    rescued = []
    for name in graph.nodes:
        if name in (i, y, *through) or name not in nx.descendants(directed, i) or name not in nx.ancestors(around, y):
            continue
        reached = [m for m in through if m in nx.descendants(directed, name)]
        if not reached:
            continue
        if name not in determined:
            way = " -> ".join(nx.shortest_path(around, name, y))
            raise broken(
                f"{rule}: `{name}`, an effect of the treatment, confounds mediator and outcome (a recanting witness)",
                f"no such variable, or one that {i} determines (deterministic=True)",
                f"{graph.directed_paths(i, name)[0]}, {graph.directed_paths(name, reached[0])[0]} and {way}",
                f"count `{name}` among the mediators of the indirect effect",
            )
        rescued.append(name)
    return rescued


def _without(graph: CausalGraph, names: Iterable[str]) -> nx.DiGraph:
    rest = graph.to_networkx()
    rest.remove_nodes_from(tuple(names))
    return rest


def _declared(graph: CausalGraph, rule: str) -> None:
    if not graph.mediators:
        raise broken(f"{rule} needs mediators", "a causal graph that declares mediators", "none")


def _prior(graph: CausalGraph, treatment: str) -> str:
    return f"{treatment} | {listed(graph.conditioned)}" if graph.conditioned else treatment
