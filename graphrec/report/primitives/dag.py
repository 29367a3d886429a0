"""A causal graph as an inline SVG: circles, curved arrows, a word for each role."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from html import escape
from itertools import pairwise

import numpy as np

from graphrec.causal import CausalGraph
from graphrec.report.primitives.dag_layout import RADIUS, Point, Vertex, half_width, place_vertices

MARGIN, CAPTION = 18.0, 16.0
INK, LINE = "#111827", "#4b5563"
# Fill and outline by role; ink on every fill has a contrast above 14:1, every outline on white above 4.5:1.
COLOURS = {
    "treatment": ("#dbeafe", "#1d4ed8"),
    "outcome": ("#dcfce7", "#15803d"),
    "mediator": ("#ffedd5", "#c2410c"),
    "given": ("#e5e7eb", "#374151"),
    "adjusted": ("#f3e8ff", "#7e22ce"),
    "hidden": ("#ffffff", "#4b5563"),
    "": ("#ffffff", "#374151"),
}


def draw_dag(graph: CausalGraph) -> str:
    """An accessible `<svg>` element of the graph, without external resources.

    Each role is a word under the node as well as a colour; hidden nodes and the edges that leave them are dashed; a
    double outline marks a deterministic node. The meanings are in the description and in tooltips; a page shows them as
    a legend of its own.

    >>> from graphrec.causal import Node
    >>> nodes = {"I": Node("item"), "L": Node("like")}
    >>> draw_dag(CausalGraph(nodes, [("I", "L")], treatment="I", outcome="L", mediators=())).count("data-edge")
    1
    """
    places = place_vertices(graph.to_networkx())
    left = min(x - half_width(v) for v, (x, _) in places.items()) - MARGIN
    right = max(x + half_width(v) for v, (x, _) in places.items()) + MARGIN
    heights = [y for _, y in places.values()]
    top, bottom = min(heights) - RADIUS - MARGIN, max(heights) + RADIUS + CAPTION + MARGIN
    edges = "".join(_draw_edge(graph, edge, places) for edge in graph.edges)
    nodes = "".join(_draw_node(graph, name, places[name]) for name in graph.nodes)
    mark = hashlib.sha256(graph.to_json().encode()).hexdigest()[:8]
    width, height = right - left, bottom - top
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" '
        f'aria-labelledby="dag-title-{mark} dag-desc-{mark}" '
        f'viewBox="{left:.1f} {top:.1f} {width:.1f} {height:.1f}" '
        f'width="{width:.0f}" height="{height:.0f}" style="max-width:100%;height:auto" '
        'font-family="system-ui, sans-serif" text-anchor="middle">'
        f'<title id="dag-title-{mark}">'
        f"Causal graph of {escape(graph.treatment)} on {escape(graph.outcome)}</title>"
        f'<desc id="dag-desc-{mark}">{escape(_described(graph))}</desc>{edges}{nodes}</svg>'
    )


def role(graph: CausalGraph, name: str) -> str:
    """The word for a node's causal role: treatment, outcome, mediator, given, adjusted, hidden, or nothing.

    >>> from graphrec.causal import Node
    >>> nodes = {"V": Node("hidden cause", observed=False), "I": Node("item"), "L": Node("like")}
    >>> graph = CausalGraph(nodes, [("V", "I"), ("V", "L"), ("I", "L")], treatment="I", outcome="L", mediators=())
    >>> {name: role(graph, name) for name in nodes}
    {'V': 'hidden', 'I': 'treatment', 'L': 'outcome'}
    """
    return graph.causal_role(name) or ("" if graph.nodes[name].observed else "hidden")


def _described(graph: CausalGraph) -> str:
    sentences = []
    for name, node in graph.nodes.items():
        words = [role(graph, name), "deterministic" if node.deterministic else ""]
        words += ["hidden"] if not node.observed and "hidden" not in words else []
        kind = ", ".join(word for word in words if word)
        sentences.append(f"{name}: {node.meaning}{f' ({kind})' if kind else ''}.")
    return " ".join([*sentences, "Arrows:", "; ".join(f"{a} to {b}" for a, b in graph.edges) + "."])


def _draw_edge(graph: CausalGraph, edge: tuple[str, str], places: Mapping[Vertex, Point]) -> str:
    """A smooth curve through the bends of the edge: cubic Bezier pieces with Catmull-Rom slopes."""
    stops = [
        places[edge[0]],
        *(point for v, point in places.items() if isinstance(v, tuple) and v[:2] == edge),
        places[edge[1]],
    ]
    # Both at once: without a bend, each end is aimed at the centre of the other node, not at its outline.
    stops[0], stops[-1] = _outline(stops[0], stops[1], edge[0], 1.5), _outline(stops[-1], stops[-2], edge[1], 2.5)
    slopes = np.gradient(stops, axis=0)
    pieces = [(p + s / 3, q - t / 3, q) for (p, q), (s, t) in zip(pairwise(stops), pairwise(slopes))]
    path = f"M{_at(stops[0])}" + "".join(f" C{_at(p)} {_at(q)} {_at(r)}" for p, q, r in pieces)
    end, back = stops[-1], math.atan2(*(stops[-1] - pieces[-1][1])[::-1])
    head = [end - 9 * np.array([math.cos(back + turn), math.sin(back + turn)]) for turn in (0.42, -0.42)]
    dash = "" if graph.nodes[edge[0]].observed else ' stroke-dasharray="5 4"'
    a, b = (escape(name, quote=True) for name in edge)
    return (
        f'<g data-edge="{a} {b}"><title>{a} causes {b}</title>'
        f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="1.6"{dash}/>'
        f'<path d="M{_at(end)} L{_at(head[0])} L{_at(head[1])} Z" fill="{LINE}"/></g>'
    )


def _outline(centre: Point, toward: Point, name: str, clearance: float) -> Point:
    """Where the ray from a node's centre leaves its outline, which is wider by `clearance`."""
    flat, radius = half_width(name) - RADIUS, RADIUS + clearance
    across, down = np.abs(toward - centre) / np.hypot(*(toward - centre))
    # Through the straight side of a pill, or through the half circle at its end.
    through_side = radius * across <= flat * down
    length = radius / down if through_side else flat * across + math.sqrt(radius**2 - (flat * down) ** 2)
    return centre + length * (toward - centre) / np.hypot(*(toward - centre))


def _draw_node(graph: CausalGraph, name: str, centre: Point) -> str:
    node, causal_role, (x, y) = graph.nodes[name], role(graph, name), centre
    fill, outline = COLOURS[causal_role]
    dash = "" if node.observed else ' stroke-dasharray="5 4"'
    rings = [(RADIUS, fill)] + ([(RADIUS - 4, "none")] if node.deterministic else [])
    shape = ""
    for radius, inside in rings:
        half = half_width(name) - RADIUS + radius
        shape += (
            f'<rect x="{x - half:.1f}" y="{y - radius:.1f}" width="{2 * half:.1f}" height="{2 * radius:.1f}" '
            f'rx="{radius:.1f}" fill="{inside}" stroke="{outline}" stroke-width="1.8"{dash}/>'
        )
    # The white outline keeps the word legible where an arrow passes behind it.
    caption = (
        f'<text x="{x:.1f}" y="{y + RADIUS + 13:.1f}" font-size="11" fill="{outline}" stroke="#ffffff" '
        f'stroke-width="3" paint-order="stroke">{causal_role}</text>'
    )
    return (
        f'<g data-node="{escape(name, quote=True)}"><title>{escape(f"{name}: {node.meaning}")}</title>{shape}'
        f'<text x="{x:.1f}" y="{y + 5.2:.1f}" font-size="15" font-weight="600" '
        f'fill="{INK}">{escape(name)}</text>'
        f"{caption if causal_role else ''}</g>"
    )


def _at(point: Point) -> str:
    return f"{point[0]:.1f},{point[1]:.1f}"
