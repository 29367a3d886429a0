from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from graphrec.causal import CausalGraph, Node
from graphrec.report.primitives.dag import draw_dag

SVG = "{http://www.w3.org/2000/svg}"


def graph_of(edges: str, mediators: str = "", conditioned: str = "", hidden: str = "", exact: str = "", **ends):
    pairs = [tuple(edge.split("-")) for edge in edges.split()]
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    nodes = {name: Node(f"meaning of {name}", name not in hidden.split(), name in exact.split()) for name in names}
    ends = {"treatment": "I", "outcome": "L", **ends}
    return CausalGraph(nodes, pairs, mediators=tuple(mediators.split()), conditioned=tuple(conditioned.split()), **ends)


GRAPHS = {
    "HCR": graph_of("V-I V-L U-Z I-Z Z-C Z-L C-L", "Z C", "U", hidden="V", exact="Z"),
    "CausalRec": graph_of("I-V U-M I-M V-M U-N V-N M-L N-L", "M", "U", exact="V"),
    "VBPR": graph_of("I-V U-M I-M V-M U-N V-N M-L N-L U-L I-L", "M", "U", exact="V"),
    "long names": graph_of(
        "user-match item-match item-popularity match-interaction popularity-interaction user-interaction",
        "match",
        "user",
        treatment="item",
        outcome="interaction",
    ),
}


@pytest.fixture(params=GRAPHS)
def graph(request):
    return GRAPHS[request.param]


def drawn(graph):
    return ElementTree.fromstring(draw_dag(graph))


def numbers(text):
    return [float(number) for number in re.findall(r"-?[\d.]+", text)]


def boxes(root):
    """Node name -> (left, top, right, bottom) of its outline."""
    outlines = {}
    for group in root.iter(f"{SVG}g"):
        if group.get("data-node"):
            x, y, width, height = (float(group.find(f"{SVG}rect").get(key)) for key in ("x", "y", "width", "height"))
            outlines[group.get("data-node")] = (x, y, x + width, y + height)
    return outlines


def curve_points(path):
    """Points along an M ... C ... path."""
    values = numbers(path)
    points = list(zip(values[::2], values[1::2]))
    for start in range(0, len(points) - 1, 3):
        p, q, r, s = points[start : start + 4]
        for step in range(21):
            t = step / 20
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            yield tuple(sum(w * point[axis] for w, point in zip(weights, (p, q, r, s))) for axis in (0, 1))


def test_holds_every_node_and_edge_and_nothing_else(graph):
    root = drawn(graph)
    groups = list(root.iter(f"{SVG}g"))
    assert [g.get("data-node") for g in groups if g.get("data-node")] == list(graph.nodes)
    assert {g.get("data-edge") for g in groups if g.get("data-edge")} == {f"{a} {b}" for a, b in graph.edges}
    assert set(graph.nodes) <= {text.text for text in root.iter(f"{SVG}text")}


def test_is_accessible_and_needs_nothing_from_outside(graph):
    text, root = draw_dag(graph), drawn(graph)
    labelled = root.get("aria-labelledby").split()
    assert root.get("role") == "img"
    assert [root.find(f"{SVG}{tag}").get("id") for tag in ("title", "desc")] == labelled
    described = root.find(f"{SVG}desc").text
    assert all(node.meaning in described for node in graph.nodes.values())
    assert all(f"{a} to {b}" in described for a, b in graph.edges)
    assert "href" not in text and "url(" not in text and "<style" not in text and "<script" not in text


def test_two_graphs_on_one_page_have_different_ids_and_a_graph_always_the_same():
    ids = [set(re.findall(r' id="([^"]+)"', draw_dag(graph))) for graph in GRAPHS.values()]
    assert len(set.union(*ids)) == 2 * len(GRAPHS)
    assert draw_dag(GRAPHS["VBPR"]) == draw_dag(GRAPHS["VBPR"])


def test_causes_stand_left_of_their_effects(graph):
    box = boxes(drawn(graph))
    assert all(box[a][2] < box[b][0] for a, b in graph.edges)


def test_arrows_end_at_their_nodes_and_cross_no_other(graph):
    root = drawn(graph)
    box = boxes(root)
    left, top, width, height = numbers(root.get("viewBox"))
    for group in root.iter(f"{SVG}g"):
        if not group.get("data-edge"):
            continue
        a, b = group.get("data-edge").split()
        points = list(curve_points(group.find(f"{SVG}path").get("d")))
        for name, end in ((a, points[0]), (b, points[-1])):
            x0, y0, x1, y1 = box[name]
            gap = math.hypot(max(x0 - end[0], end[0] - x1, 0), max(y0 - end[1], end[1] - y1, 0))
            assert gap < 8
        for x, y in points:
            assert left <= x <= left + width and top <= y <= top + height
            assert not any(x0 < x < x1 and y0 < y < y1 for name, (x0, y0, x1, y1) in box.items() if name not in (a, b))


def test_roles_are_stated_in_words_and_hidden_nodes_are_dashed():
    root = drawn(GRAPHS["HCR"])
    words = {
        group.get("data-node"): [text.text for text in group.iter(f"{SVG}text")]
        for group in root.iter(f"{SVG}g")
        if group.get("data-node")
    }
    assert words["I"] == ["I", "treatment"]
    assert words["L"] == ["L", "outcome"]
    assert words["C"] == ["C", "mediator"]
    assert words["U"] == ["U", "given"]
    assert words["V"] == ["V", "hidden"]
    dashed = {g.get("data-node") for g in root.iter(f"{SVG}g") if g.find(f"{SVG}rect[@stroke-dasharray]") is not None}
    assert dashed == {"V"}


def test_names_and_meanings_are_escaped():
    nodes = {"a<b": Node('<script> & "quotes"'), "c": Node("plain")}
    root = ElementTree.fromstring(draw_dag(CausalGraph(nodes, [("a<b", "c")], "a<b", "c", ())))
    assert '<script> & "quotes"' in root.find(f"{SVG}desc").text


def test_a_variable_without_arrows_is_drawn_too():
    nodes = {"I": Node("item"), "L": Node("like"), "W": Node("weather")}
    assert set(boxes(drawn(CausalGraph(nodes, [("I", "L")], "I", "L", ())))) == set(nodes)
