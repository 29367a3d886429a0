"""Identification: may a causal effect be computed from logged data, given a causal graph?

A criterion either returns the formula with everything that it rests on, or raises with the path that breaks
it. The graph itself is an assumption; the checks say what follows from it, not whether it is true. Here are what a
criterion returns and the conditions that several share; the criteria are in `adjustment` and `mediation`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import networkx as nx

from graphrec.causal.graph import CausalGraph
from graphrec.errors import IdentificationError


@dataclass(frozen=True)
class Identification:
    """How an effect is obtained from what is observed, and on which terms.

    Args:
        criterion: name of the rule that was applied.
        formula: the estimand in terms of observable distributions.
        adjustment: variables that the formula conditions on or sums over, besides treatment and outcome.
        blocked: the back-door paths that were looked at, each with what blocks it.
        assumptions: what must hold and logged data could contradict.
        untestable: what must hold and no logged data can confirm.
        caveats: open paths and other reasons why the number is not the effect that it may be taken for.

    >>> from graphrec.causal import total_effect
    >>> from graphrec.causal.graphs import match_graph
    >>> total_effect(match_graph()).untestable
    ('nothing hidden causes both I and Y',)
    """

    criterion: str
    formula: str
    adjustment: tuple[str, ...]
    blocked: tuple[str, ...]
    assumptions: tuple[str, ...]
    untestable: tuple[str, ...]
    caveats: tuple[str, ...] = ()


def back_doors(
    graph: CausalGraph, causes: Iterable[str], effects: Iterable[str], conditioning: Iterable[str], problem: str
) -> list[str]:
    """The blocked back-door paths from `causes`, taken jointly, to `effects`; raises at an open one.

    >>> from graphrec.causal import CausalGraph, Node
    >>> nodes = {"I": Node("item"), "L": Node("like"), "V": Node("popularity")}
    >>> graph = CausalGraph(nodes, [("V", "I"), ("V", "L"), ("I", "L")], "I", "L", mediators=())
    >>> from graphrec.causal.identification import back_doors
    >>> back_doors(graph, ["I"], ["L"], ["V"], "confounded")
    ['I <- V -> L (blocked by V)']
    """
    causes, conditioning = tuple(causes), tuple(conditioning)
    blocked: list[str] = []
    for cause in causes:
        for effect in effects:
            # The arrows out of all causes are cut, not out of this one alone. A joint intervention sets every cause, so
            # a path that leaves another cause is a part of the effect and no back door.
            paths = graph.open_paths(cause, effect, conditioning, without_outgoing_of=causes)
            if paths:
                raise broken(
                    f"{problem}: an open back-door path from {cause} to {effect}",
                    f"every back-door path blocked{' given ' + listed(conditioning) if conditioning else ''}",
                    paths[0],
                    "use an estimand that allows it, or observe a variable on the path and condition on it",
                )
            blocked += graph.blocked_paths(cause, effect, conditioning, without_outgoing_of=causes)
    return blocked


def require_observed(graph: CausalGraph, rule: str, names: Iterable[str]) -> None:
    """Refuse hidden variables.

    Raises:
        IdentificationError: names the rule and the first variable that is hidden.

    >>> from graphrec.causal.identification import require_observed
    >>> from graphrec.causal.graphs import match_graph
    >>> require_observed(match_graph(), "the front-door criterion", ["M"])
    Traceback (most recent call last):
    graphrec.errors.IdentificationError: the front-door criterion needs `M` observed
    ...
    """
    for name in names:
        if not graph.nodes[name].observed:
            raise broken(f"{rule} needs `{name}` observed", "an observed variable", f"{name} is hidden")


def support(graph: CausalGraph, mediators: Iterable[str]) -> tuple[str, ...]:
    """Positivity, for the mediators that vary once treatment and conditioned variables are known.

    >>> from graphrec.causal import CausalGraph, Node
    >>> from graphrec.causal.identification import support
    >>> nodes = {"I": Node("item"), "C": Node("click"), "L": Node("like")}
    >>> support(CausalGraph(nodes, [("I", "C"), ("C", "L")], "I", "L", mediators=("C",)), ["C"])
    ('every value of C can occur under every I',)
    """
    conditioning = (graph.treatment, *graph.conditioned)
    free = [m for m in mediators if m not in graph.determined(conditioning)]
    return (f"every value of {listed(free)} can occur under every {listed(conditioning)}",) if free else ()


def unconfounded(graph: CausalGraph, causes: Iterable[str], effects: Iterable[str], conditioning: Iterable[str]) -> str:
    """What nothing hidden causes, save through those of `conditioning` that a hidden cause in the graph reaches.

    >>> from graphrec.causal import CausalGraph, Node
    >>> nodes = {"I": Node("item"), "L": Node("like"), "V": Node("popularity")}
    >>> graph = CausalGraph(nodes, [("V", "I"), ("V", "L"), ("I", "L")], "I", "L", mediators=())
    >>> from graphrec.causal.identification import unconfounded
    >>> unconfounded(graph, ["I"], ["L"], ["V"])
    'both I and L'
    """
    causes, effects = tuple(causes), tuple(effects)
    whole = graph.to_networkx()
    # A hidden variable that reaches the effects only through the causes does not confound: the ways past the causes
    # count.
    past = whole.subgraph(set(whole) - set(causes))
    common = [
        name
        for name, node in graph.nodes.items()
        if not node.observed
        and any(cause in nx.descendants(whole, name) for cause in causes)
        and name in past
        and any(effect in nx.descendants(past, name) for effect in effects)
    ]
    through = [name for name in conditioning if any(name in nx.descendants(whole, cause) for cause in common)]
    return f"both {listed(causes)} and {listed(effects)}" + (f", save through {listed(through)}" if through else "")


def fixed_by(graph: CausalGraph, name: str) -> str:
    """Which of treatment and conditioned variables a deterministic variable is a function of.

    >>> from graphrec.causal.identification import fixed_by
    >>> from graphrec.causal.graphs import match_graph
    >>> fixed_by(match_graph(), "M")
    'I, U'
    """
    conditioning = (graph.treatment, *graph.conditioned)
    free = graph.to_networkx()
    # Without the arrows into fixed variables only the fixed variables next to `name` are named, not what lies behind
    # them.
    free.remove_edges_from([edge for edge in graph.edges if edge[1] in conditioning])
    return listed(cause for cause in conditioning if cause in nx.ancestors(free, name))


def extrapolated(graph: CausalGraph, mediators: Iterable[str]) -> tuple[str, ...]:
    """The other mediators: the formula combines them with treatments that they never occur with.

    >>> from graphrec.causal.identification import extrapolated
    >>> from graphrec.causal.graphs import match_graph
    >>> print(*extrapolated(match_graph(), ["M"]))
    M is a function of I, U, so no log holds another M under the same I, U: the form of the model for Y fills that in
    """
    conditioning = (graph.treatment, *graph.conditioned)
    determined = graph.determined(conditioning)
    return tuple(
        f"{m} is a function of {fixed_by(graph, m)}, so no log holds another {m} under the same {fixed_by(graph, m)}: "
        f"the form of the model for {graph.outcome} fills that in"
        for m in mediators
        if m in determined
    )


def broken(problem: str, expected: str, got: str, next_step: str | None = None) -> IdentificationError:
    """The error for a condition that the causal graph breaks; `got` is the path that breaks it.

    >>> from graphrec.causal.identification import broken
    >>> print(broken("the total effect is confounded", "no open back-door path", "I <- V -> L"))
    the total effect is confounded
      expected: no open back-door path
      got: I <- V -> L
      where: the causal graph
    """
    return IdentificationError(problem, expected=expected, got=got, where="the causal graph", next_step=next_step)


def listed(names: Iterable[str]) -> str:
    """Names as proofs list them.

    >>> from graphrec.causal.identification import listed
    >>> listed(["I", "U"])
    'I, U'
    """
    return ", ".join(names)


def conditioning_suffix(graph: CausalGraph) -> str:
    """What the conditioned variables add behind the bar of a distribution.

    >>> from graphrec.causal.identification import conditioning_suffix
    >>> from graphrec.causal.graphs import match_graph
    >>> "P(Y | I" + conditioning_suffix(match_graph()) + ")"
    'P(Y | I, U)'
    """
    return "".join(f", {name}" for name in graph.conditioned)
