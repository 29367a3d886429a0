from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from graphrec.causal import CausalGraph, Node
from graphrec.causal.graph import MOST_PATHS
from graphrec.errors import RecipeError, UnknownNameError


def graph_of(edges, *, deterministic=(), hidden=(), **roles) -> CausalGraph:
    names = sorted({name for edge in edges for name in edge})
    nodes = {name: Node(name, name not in hidden, name in deterministic) for name in names}
    roles = {"treatment": "I", "outcome": "L", "mediators": (), **roles}
    return CausalGraph(nodes=nodes, edges=edges, **roles)


def random_graph(seed: int, size: int = 7) -> tuple[CausalGraph, np.random.Generator]:
    rng = np.random.default_rng(seed)
    order = [f"X{number}" for number in rng.permutation(size)]
    edges = [(a, b) for k, a in enumerate(order) for b in order[k + 1 :] if rng.random() < 0.35]
    nodes = {name: Node(name) for name in order}
    return CausalGraph(nodes, edges, treatment=order[0], outcome=order[1], mediators=()), rng


@pytest.mark.parametrize("seed", range(40))
def test_d_separation_agrees_with_networkx_where_nothing_is_deterministic(seed):
    graph, rng = random_graph(seed)
    names = list(graph.nodes)
    for _ in range(12):
        x, y, *rest = rng.permutation(names)
        conditioned = rest[: rng.integers(0, 4)]
        truth = nx.is_d_separator(graph.to_networkx(), {x}, {y}, set(conditioned))
        assert graph.d_separated(x, y, conditioned) == truth
        assert (not graph.open_paths(x, y, conditioned)) == truth


@pytest.mark.parametrize("seed", range(40))
def test_open_paths_are_empty_exactly_where_d_separated_also_with_deterministic_nodes(seed):
    graph, rng = random_graph(seed)
    parents = graph.to_networkx().pred
    nodes = {name: Node(name, True, bool(parents[name]) and rng.random() < 0.5) for name in graph.nodes}
    graph = CausalGraph(nodes, graph.edges, graph.treatment, graph.outcome, ())
    for _ in range(12):
        x, y, *rest = rng.permutation(list(nodes))
        conditioned = rest[: rng.integers(0, 4)]
        cut = (x,) if rng.random() < 0.5 else ()
        paths = graph.open_paths(x, y, conditioned, without_outgoing_of=cut)
        assert (not paths) == graph.d_separated(x, y, conditioned, without_outgoing_of=cut)


@pytest.mark.parametrize("seed", range(10))
def test_determinism_only_ever_adds_independence(seed):
    graph, rng = random_graph(seed)
    parents = graph.to_networkx().pred
    nodes = {name: Node(name, True, bool(parents[name])) for name in graph.nodes}
    sharper = CausalGraph(nodes, graph.edges, graph.treatment, graph.outcome, ())
    for _ in range(12):
        x, y, *rest = rng.permutation(list(nodes))
        assert set(sharper.open_paths(x, y, rest[:2])) <= set(graph.open_paths(x, y, rest[:2]))


def test_paths_read_as_arrows_and_shortest_first(hcr):
    graph = hcr()
    assert graph.directed_paths("I", "L") == ["I -> Z -> L", "I -> Z -> C -> L"]
    assert graph.open_paths("I", "L", ["U", "Z"]) == ["I <- V -> L"]
    assert graph.open_paths("I", "L", ["U"], without_outgoing_of=["I"]) == ["I <- V -> L"]


def test_a_given_collider_opens_and_so_does_its_descendant():
    graph = graph_of([("I", "S"), ("L", "S"), ("S", "T")])
    assert graph.open_paths("I", "L") == []
    assert graph.blocked_paths("I", "L") == ["I -> S <- L (blocked by the collider S)"]
    assert graph.open_paths("I", "L", ["S"]) == graph.open_paths("I", "L", ["T"]) == ["I -> S <- L"]


def test_a_deterministic_node_is_known_once_its_parents_are():
    edges = [("I", "V"), ("U", "V"), ("V", "M"), ("V", "L")]
    noisy, exact = graph_of(edges), graph_of(edges, deterministic=["V"])
    assert noisy.open_paths("M", "L", ["I", "U"]) == ["M <- V -> L"]
    assert exact.open_paths("M", "L", ["I", "U"]) == []
    assert exact.open_paths("M", "L", ["I"]) == ["M <- V -> L"]
    assert exact.determined(["I", "U"]) == {"I", "U", "V"}


def test_survives_json(hcr, causalrec):
    for graph in (hcr(), causalrec()):
        assert CausalGraph.from_json(graph.to_json()) == graph
        assert CausalGraph.from_dict(graph.to_dict()) == graph


def test_a_graph_without_an_adjustment_set_reads_as_one_that_declares_none(hcr):
    plain = {key: value for key, value in hcr().to_dict().items() if key != "adjustment"}
    assert CausalGraph.from_dict(plain) == hcr()
    adjusted = graph_of([("V", "I"), ("V", "L"), ("I", "L")], adjustment=("V",))
    assert CausalGraph.from_json(adjusted.to_json()) == adjusted
    assert [adjusted.causal_role(name) for name in "VIL"] == ["adjusted", "treatment", "outcome"]


def test_a_graph_is_read_from_a_file_and_an_error_names_the_file(hcr, tmp_path):
    path = tmp_path / "graph.json"
    path.write_text(hcr().to_json())
    assert CausalGraph.from_file(path) == hcr()
    path.write_text(hcr().to_json().replace('"outcome": "L"', '"outcome": "K"'))
    with pytest.raises(UnknownNameError, match=r"graph\.json, outcome"):
        CausalGraph.from_file(path)
    for content in ("{", "{}"):
        path.write_text(content)
        with pytest.raises(RecipeError, match=r"graph\.json"):
            CausalGraph.from_file(path)
    for wrong in (tmp_path / "none.json", tmp_path):
        with pytest.raises(RecipeError, match="no causal graph can be read"):
            CausalGraph.from_file(wrong)


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"nodes": {"I": {"meaning": "item", "observed": "false"}}}, "nodes.I.observed"),
        ({"nodes": {"I": {"meaning": 3}}}, "nodes.I.meaning"),
        ({"edges": ["IL"]}, "edges.0"),
        ({"edges": [["I", "L", "C"]]}, "edges.0"),
        ({"mediators": "ZC"}, "mediators"),
        ({"outcome": ["L"]}, "outcome"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_written_wrongly_is_shown_and_not_taken_for_something_else(hcr, changed, where):
    with pytest.raises(RecipeError, match=f"where: {where}") as caught:
        CausalGraph.from_dict(hcr().to_dict() | changed)
    assert "next step: `CausalGraph.to_dict()` gives one" in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"nodes": {"I": {"colour": "red"}}}', '{"nodes": 3}'])
def test_other_json_is_a_typed_error(text):
    with pytest.raises(RecipeError):
        CausalGraph.from_json(text)


def test_a_cycle_is_shown():
    with pytest.raises(RecipeError, match="I -> M -> I"):
        graph_of([("I", "M"), ("M", "I"), ("M", "L")])


def test_unknown_names_are_typed_and_say_where():
    nodes = {"item": Node("item"), "like": Node("like")}
    with pytest.raises(UnknownNameError, match=r"did you mean `item`(.|\n)*edge items -> like"):
        CausalGraph(nodes, [("items", "like")], "item", "like", ())
    with pytest.raises(UnknownNameError, match="mediators"):
        CausalGraph(nodes, [("item", "like")], "item", "like", ("click",))
    with pytest.raises(UnknownNameError):
        CausalGraph(nodes, [("item", "like")], "item", "like", ()).open_paths("item", "click")


@pytest.mark.parametrize(
    "roles, deterministic, hidden, message",
    [
        ({"conditioned": ("I",)}, (), (), "two roles"),
        ({"conditioned": ("V",)}, (), ("V",), "hidden"),
        ({"conditioned": ("M",)}, (), (), "I -> M"),
        ({}, ("V",), (), "no parents"),
        ({"adjustment": ("M",), "mediators": ("M",)}, (), (), "two roles"),
    ],
)
def test_roles_that_cannot_be_are_refused(roles, deterministic, hidden, message):
    with pytest.raises(RecipeError, match=message):
        graph_of([("V", "I"), ("I", "M"), ("M", "L")], deterministic=deterministic, hidden=hidden, **roles)


def test_a_dense_graph_is_answered_in_no_time_and_an_open_path_is_still_found():
    """Twelve variables that all cause each other have more paths than can be counted."""
    dense = [f"X{n}" for n in range(12)]
    nodes = {name: Node(name) for name in ("I", "L", "V", *dense)}
    edges = [(a, b) for n, a in enumerate(dense) for b in dense[n + 1 :]]
    edges += [("I", dense[0]), (dense[-1], "L"), ("I", "L")]
    closed = CausalGraph(nodes, edges, treatment="I", outcome="L", mediators=())
    back_door = {"without_outgoing_of": ("I",)}
    assert closed.open_paths("I", "L", **back_door) == []
    assert len(closed.blocked_paths("I", "L")) <= MOST_PATHS
    confounded = CausalGraph(nodes, [*edges, ("V", dense[3]), ("V", "I")], treatment="I", outcome="L", mediators=())
    assert confounded.open_paths("I", "L", **back_door)[0].startswith("I <- V -> X3")
    blocked = confounded.open_paths("I", "L", ("V",), **back_door)
    assert blocked == []
