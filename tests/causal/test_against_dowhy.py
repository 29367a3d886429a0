"""A second opinion: d-separation, back-door and front-door criteria as dowhy decides them.

dowhy knows no deterministic variables, so the decoders' graphs are compared with all variables noisy; it conditions on
nothing besides the adjustment set, so `conditioned` is put into the sets that it checks.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from itertools import chain, combinations
from types import ModuleType

import networkx as nx
import numpy as np
import pytest

from graphrec.causal import CausalGraph, Node, back_door, front_door
from graphrec.decoders import decoders
from graphrec.decoders.description import describe
from graphrec.errors import IdentificationError

spec = importlib.util.find_spec("dowhy")
if spec is None or spec.submodule_search_locations is None:
    pytest.skip("dowhy is not here: pip install --no-deps -r requirements-oracle.lock", allow_module_level=True)

# Its __init__ imports estimators, and with them scikit-learn, statsmodels and cvxpy; graphs and criteria need none.
package = ModuleType("dowhy")
package.__path__ = list(spec.submodule_search_locations)
sys.modules.setdefault("dowhy", package)

from dowhy.causal_identifier.auto_identifier import (  # noqa: E402
    BackdoorAdjustment,
    identify_backdoor,
    identify_frontdoor,
)
from dowhy.graph import (  # noqa: E402
    check_dseparation,
    check_valid_backdoor_set,
    check_valid_frontdoor_set,
    do_surgery,
)

SEEDS = range(200)


def random_graph(seed: int) -> CausalGraph:
    """A treatment that comes before the outcome, among seven variables of which some are hidden."""
    rng = np.random.default_rng(seed)
    names = [f"X{number}" for number in rng.permutation(7)]
    density = rng.choice([0.25, 0.4, 0.55])
    edges = [(a, b) for a, b in combinations(names, 2) if rng.random() < density]
    first = int(rng.integers(0, 4))
    treatment, outcome = names[first], names[int(rng.integers(first + 1, 7))]
    hidden = {name for name in names if name not in (treatment, outcome) and rng.random() < 0.35}
    nodes = {name: Node(name, observed=name not in hidden) for name in names}
    return CausalGraph(nodes, edges, treatment, outcome, ())


def noisy(graph: CausalGraph) -> CausalGraph:
    return replace(graph, nodes={name: replace(node, deterministic=False) for name, node in graph.nodes.items()})


def claimed(decoder: str) -> CausalGraph:
    return noisy(describe(decoder).graph)


def observed(graph: CausalGraph) -> list[str]:
    return [name for name, node in graph.nodes.items() if node.observed]


def subsets(names: list[str]) -> list[tuple[str, ...]]:
    return list(chain.from_iterable(combinations(names, size) for size in range(len(names) + 1)))


def identified(criterion, *arguments) -> bool:
    try:
        criterion(*arguments)
    except IdentificationError:
        return False
    return True


def blocks_back_doors(graph: CausalGraph, adjustment: tuple[str, ...]) -> bool:
    held = (*adjustment, *graph.conditioned)
    return check_valid_backdoor_set(graph.to_networkx(), [graph.treatment], [graph.outcome], held)["is_dseparated"]


def is_front_door_set(graph: CausalGraph, mediators: tuple[str, ...]) -> bool:
    """The three conditions, each by dowhy's own check, given `conditioned`."""
    directed, i, y, conditioned = graph.to_networkx(), [graph.treatment], [graph.outcome], graph.conditioned
    around = do_surgery(directed, i, remove_incoming_edges=True)
    behind = do_surgery(directed, list(mediators), remove_outgoing_edges=True)
    return (
        check_valid_frontdoor_set(directed, i, y, (*mediators, *conditioned), new_graph=around)
        and check_valid_backdoor_set(directed, i, mediators, conditioned)["is_dseparated"]
        and check_valid_backdoor_set(directed, mediators, y, (*i, *conditioned), new_graph=behind)["is_dseparated"]
    )


def non_effects(graph: CausalGraph) -> list[str]:
    out = {graph.treatment, graph.outcome, *nx.descendants(graph.to_networkx(), graph.treatment), *graph.conditioned}
    return [name for name in observed(graph) if name not in out]


def between(graph: CausalGraph) -> list[str]:
    """Where a front-door set may be sought: observed effects of the treatment that are no effects of the outcome."""
    directed = graph.to_networkx()
    after = nx.descendants(directed, graph.treatment) - {graph.outcome} - nx.descendants(directed, graph.outcome)
    return [name for name in observed(graph) if name in after]


@pytest.mark.parametrize("decoder", list(decoders))
def test_d_separation_agrees_on_the_decoders_graphs(decoder):
    graph = claimed(decoder)
    for x, y in combinations(graph.nodes, 2):
        for conditioned in subsets([name for name in graph.nodes if name not in (x, y)]):
            theirs = check_dseparation(graph.to_networkx(), [x], [y], conditioned)
            assert graph.d_separated(x, y, conditioned) == theirs, (x, y, conditioned)


def test_d_separation_agrees_on_random_graphs():
    for seed in SEEDS:
        graph, rng = random_graph(seed), np.random.default_rng(seed)
        for _ in range(4):
            x, y, *rest = rng.permutation(list(graph.nodes))
            conditioned = rest[: rng.integers(0, 5)]
            theirs = check_dseparation(graph.to_networkx(), [x], [y], conditioned)
            assert graph.d_separated(x, y, conditioned) == theirs == (not graph.open_paths(x, y, conditioned)), seed


@pytest.mark.parametrize("decoder", list(decoders))
def test_back_door_and_front_door_agree_on_the_decoders_graphs(decoder):
    graph = claimed(decoder)
    possible = any(blocks_back_doors(graph, chosen) for chosen in subsets(non_effects(graph)))
    assert identified(back_door, graph) == possible
    if graph.mediators and all(graph.nodes[name].observed for name in graph.mediators):
        assert identified(front_door, graph) == is_front_door_set(graph, graph.mediators)


def test_the_back_door_is_open_or_shut_as_dowhy_says_and_the_set_found_is_valid_and_as_small():
    identifiable = 0
    for seed in SEEDS:
        graph = random_graph(seed)
        theirs = identify_backdoor(
            graph.to_networkx(), [graph.treatment], [graph.outcome], observed(graph), BackdoorAdjustment.BACKDOOR_MIN
        )
        assert identified(back_door, graph) == bool(theirs), seed
        if theirs:
            identifiable += 1
            ours = back_door(graph).adjustment
            assert blocks_back_doors(graph, ours), seed
            assert len(ours) == min(len(result.get_adjustment_variables()) for result in theirs), seed
    assert 40 < identifiable < 190


def test_a_declared_adjustment_set_is_let_pass_where_dowhy_finds_it_valid():
    outcomes = []
    for seed in SEEDS:
        graph = random_graph(seed)
        for chosen in subsets(non_effects(graph))[:8]:
            outcomes.append(identified(back_door, graph, chosen))
            assert outcomes[-1] == blocks_back_doors(graph, chosen), (seed, chosen)
    assert 0.1 < np.mean(outcomes) < 0.9


def test_what_is_conditioned_on_counts_towards_the_adjustment_set():
    for seed in SEEDS:
        graph = random_graph(seed)
        free = non_effects(graph)
        if not free:
            continue
        graph = replace(graph, conditioned=(free[seed % len(free)],))
        possible = any(blocks_back_doors(graph, chosen) for chosen in subsets(non_effects(graph)))
        assert identified(back_door, graph) == possible, seed


def test_front_door_sets_agree_and_so_does_whether_there_is_one():
    """dowhy looks for a set of mediators and returns the last that it finds; ours checks the set that it gets. Compared
    are the verdict on each set and whether any passes. Effects that do-calculus identifies in another way count for
    neither."""
    identifiable = 0
    for seed in SEEDS:
        graph = random_graph(seed)
        verdicts = []
        for chosen in subsets(between(graph))[1:]:
            verdicts.append(identified(front_door, replace(graph, mediators=chosen)))
            assert verdicts[-1] == is_front_door_set(graph, chosen), (seed, chosen)
        theirs = identify_frontdoor(graph.to_networkx(), [graph.treatment], [graph.outcome], observed(graph))
        assert bool(theirs) == any(verdicts), seed
        identifiable += any(verdicts)
    assert 20 < identifiable < 190
