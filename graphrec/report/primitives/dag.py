"""A causal graph as an inline SVG: layers from cause to effect, left to right.

The layout follows Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system
structures" (1981): layers by longest path, a bend point wherever an edge passes a layer, an order with few
crossings, then heights that keep edges straight.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Sequence
from html import escape
from itertools import pairwise

import networkx as nx

from graphrec.causal import CausalGraph

Bend = tuple[str, str, int]
"""Where the edge (cause, effect) passes a layer."""
Vertex = str | Bend
Point = tuple[float, float]

RADIUS = 22.0
LAYER_GAP = 84.0
ROW_GAP = 84.0
MARGIN = 18.0
CAPTION = 16.0
INK = "#111827"
LINE = "#4b5563"
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

    Each role is told by a word under the node as well as by colour; hidden nodes and the edges that leave
    them are dashed; a double outline marks a deterministic node. The meanings are in the description and in
    tooltips; a page shows them as a legend of its own.
    """
    places = _places(graph)
    routes = {edge: _route(edge, places) for edge in graph.edges}
    ys = [y for _, y in places.values()]
    left = min(x - _half_width(v) for v, (x, _) in places.items()) - MARGIN
    right = max(x + _half_width(v) for v, (x, _) in places.items()) + MARGIN
    top, bottom = min(ys) - RADIUS - MARGIN, max(ys) + RADIUS + CAPTION + MARGIN
    edges = "".join(_draw_edge(graph, edge, route) for edge, route in routes.items())
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
    """The word for a node's part: treatment, outcome, mediator, given, adjusted, hidden, or nothing."""
    return graph.causal_role(name) or ("" if graph.nodes[name].observed else "hidden")


def _described(graph: CausalGraph) -> str:
    parts = []
    for name, node in graph.nodes.items():
        words = [role(graph, name), "deterministic" if node.deterministic else ""]
        words += ["hidden"] if not node.observed and "hidden" not in words else []
        kind = ", ".join(word for word in words if word)
        parts.append(f"{name}: {node.meaning}{f' ({kind})' if kind else ''}.")
    return " ".join([*parts, "Arrows:", "; ".join(f"{a} to {b}" for a, b in graph.edges) + "."])


# Layout


def _places(graph: CausalGraph) -> dict[Vertex, Point]:
    """Where every node and every bend lies, in pixels."""
    layers, links = _layers(graph)
    layers = _few_crossings(layers, links)
    heights = _heights(layers, links)
    places: dict[Vertex, Point] = {}
    x = 0.0
    for number, layer in enumerate(layers):
        half = max(_half_width(v) for v in layer)
        x += half if number else 0.0
        places |= {v: (x, heights[v] * ROW_GAP) for v in layer}
        x += half + LAYER_GAP
    return places


def _layers(graph: CausalGraph) -> tuple[list[list[Vertex]], list[tuple[Vertex, Vertex]]]:
    """Nodes and bends by layer, and the links between neighbouring layers."""
    dag = graph.to_networkx()
    depth = {name: k for k, names in enumerate(nx.topological_generations(dag)) for name in names}
    for name in dag:
        if not dag.pred[name] and dag.succ[name]:
            depth[name] = min(depth[child] for child in dag.succ[name]) - 1
    layers: list[list[Vertex]] = [[] for _ in range(max(depth.values()) + 1)]
    for name in graph.nodes:
        layers[depth[name]].append(name)
    links: list[tuple[Vertex, Vertex]] = []
    for a, b in graph.edges:
        bends: list[Vertex] = [(a, b, k) for k in range(depth[a] + 1, depth[b])]
        for k, bend in enumerate(bends, start=depth[a] + 1):
            layers[k].append(bend)
        links += pairwise([a, *bends, b])
    return layers, links


def _few_crossings(layers: list[list[Vertex]], links: list[tuple[Vertex, Vertex]]) -> list[list[Vertex]]:
    """The best order found by barycentre sweeps from many starts, the same each time."""
    rng = random.Random(0)
    best, best_cost = layers, _cost(layers, links)
    for _ in range(60):
        order = [rng.sample(layer, len(layer)) for layer in layers]
        for sweep in range(6):
            rank = {v: k / max(len(layer) - 1, 1) for layer in order for k, v in enumerate(layer)}
            forward = sweep % 2 == 0
            for layer in order if forward else reversed(order):
                pull = {}
                for v in layer:
                    near = [a for a, b in links if b == v] if forward else [b for a, b in links if a == v]
                    pull[v] = sum(rank[n] for n in near) / len(near) if near else rank[v]
                layer.sort(key=pull.__getitem__)
                rank |= {v: k / max(len(layer) - 1, 1) for k, v in enumerate(layer)}
            cost = _cost(order, links)
            if cost < best_cost:
                best, best_cost = [list(layer) for layer in order], cost
    return best


def _cost(layers: list[list[Vertex]], links: list[tuple[Vertex, Vertex]]) -> tuple[int, float]:
    """Crossings, then the height that the links climb."""
    place = {v: (k, row) for k, layer in enumerate(layers) for row, v in enumerate(layer)}
    middle = {k: (len(layer) - 1) / 2 for k, layer in enumerate(layers)}
    crossings = 0
    for n, (a, b) in enumerate(links):
        for c, d in links[n + 1 :]:
            if place[a][0] == place[c][0]:
                crossings += (place[a][1] - place[c][1]) * (place[b][1] - place[d][1]) < 0
    climb = sum(abs((place[a][1] - middle[place[a][0]]) - (place[b][1] - middle[place[b][0]])) for a, b in links)
    return crossings, climb


def _heights(layers: list[list[Vertex]], links: list[tuple[Vertex, Vertex]]) -> dict[Vertex, float]:
    """Heights in rows: each vertex near the mean of its neighbours, order and distances kept."""
    gaps = [[_gap(a, b) for a, b in pairwise(layer)] for layer in layers]
    height: dict[Vertex, float] = {}
    for layer, steps in zip(layers, gaps):
        height |= dict(zip(layer, _spread([0.0] * len(layer), steps)))
    near: dict[Vertex, list[Vertex]] = {v: [] for layer in layers for v in layer}
    for a, b in links:
        near[a].append(b)
        near[b].append(a)
    for sweep in range(40):
        for layer, steps in list(zip(layers, gaps))[:: 1 if sweep % 2 else -1]:
            wanted = [sum(height[n] for n in near[v]) / len(near[v]) if near[v] else height[v] for v in layer]
            height |= dict(zip(layer, _spread(wanted, steps)))
    return height


def _gap(a: Vertex, b: Vertex) -> float:
    return {0: 1.0, 1: 0.75, 2: 0.4}[isinstance(a, tuple) + isinstance(b, tuple)]


def _spread(wanted: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """The increasing positions closest to `wanted` that keep `gaps`: pool adjacent violators."""
    shift = [0.0]
    for gap in gaps:
        shift.append(shift[-1] + gap)
    blocks: list[tuple[float, int]] = []
    for want, moved in zip(wanted, shift):
        blocks.append((want - moved, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (mean, count), (other, more) = blocks.pop(), blocks.pop()
            blocks.append(((mean * count + other * more) / (count + more), count + more))
    level = [mean for mean, count in blocks for _ in range(count)]
    return [base + moved for base, moved in zip(level, shift)]


# Curves


def _route(edge: tuple[str, str], places: dict[Vertex, Point]) -> list[list[Point]]:
    """The edge as cubic Bezier pieces through its bends (Catmull-Rom), cut where it meets its two nodes."""
    a, b = edge
    bends = sorted(v for v in places if isinstance(v, tuple) and v[:2] == edge)
    stops = [places[a], *(places[v] for v in bends), places[b]]
    slopes = [_minus(after, before) for before, after in zip([stops[0], *stops], [*stops[1:], stops[-1]])]
    slopes = [(dx / 2, dy / 2) if 0 < k < len(stops) - 1 else (dx, dy) for k, (dx, dy) in enumerate(slopes)]
    pieces = []
    for k, (p, q) in enumerate(pairwise(stops)):
        pieces.append([p, _plus(p, slopes[k], 1 / 3), _plus(q, slopes[k + 1], -1 / 3), q])
    pieces[0] = _split(pieces[0], _leaves(pieces[0], a, 1.5))[1]
    reverse = _split(pieces[-1][::-1], _leaves(pieces[-1][::-1], b, 2.5))[1]
    pieces[-1] = reverse[::-1]
    return pieces


def _leaves(piece: list[Point], name: str, clearance: float) -> float:
    """The parameter at which a piece that starts at a node's centre is clear of the node's outline."""
    centre, flat = piece[0], _half_width(name) - RADIUS
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        x, y = _minus(_split(piece, middle)[0][-1], centre)
        inside = math.hypot(max(abs(x) - flat, 0.0), y) < RADIUS + clearance
        low, high = (middle, high) if inside else (low, middle)
    return high


def _split(piece: list[Point], t: float) -> tuple[list[Point], list[Point]]:
    """De Casteljau: the two cubics on either side of parameter t."""
    rows = [piece]
    while len(rows[-1]) > 1:
        rows.append([_plus(p, _minus(q, p), t) for p, q in pairwise(rows[-1])])
    return [row[0] for row in rows], [row[-1] for row in reversed(rows)]


def _minus(p: Point, q: Point) -> Point:
    return p[0] - q[0], p[1] - q[1]


def _plus(p: Point, step: Point, share: float) -> Point:
    return p[0] + share * step[0], p[1] + share * step[1]


# Ink


def _half_width(vertex: Vertex) -> float:
    """A circle for a short name, a pill for a long one."""
    if isinstance(vertex, tuple):
        return 0.0
    return max(RADIUS, 4.6 * len(vertex) + 12)


def _draw_edge(graph: CausalGraph, edge: tuple[str, str], pieces: list[list[Point]]) -> str:
    (ahead_x, ahead_y), (x, y) = pieces[-1][2], pieces[-1][3]
    angle = math.atan2(y - ahead_y, x - ahead_x)
    head = [(x - 9 * math.cos(angle + turn), y - 9 * math.sin(angle + turn)) for turn in (0.42, -0.42)]
    path = f"M{_at(pieces[0][0])}" + "".join(f" C{_at(p)} {_at(q)} {_at(r)}" for _, p, q, r in pieces)
    dash = "" if graph.nodes[edge[0]].observed else ' stroke-dasharray="5 4"'
    a, b = (escape(name, quote=True) for name in edge)
    return (
        f'<g data-edge="{a} {b}"><title>{a} causes {b}</title>'
        f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="1.6"{dash}/>'
        f'<path d="M{_at((x, y))} L{_at(head[0])} L{_at(head[1])} Z" fill="{LINE}"/></g>'
    )


def _draw_node(graph: CausalGraph, name: str, place: Point) -> str:
    node, part, (x, y) = graph.nodes[name], role(graph, name), place
    fill, outline = COLOURS[part]
    dash = "" if node.observed else ' stroke-dasharray="5 4"'
    rings = [(RADIUS, fill)] + ([(RADIUS - 4, "none")] if node.deterministic else [])
    shape = ""
    for radius, inside in rings:
        half = _half_width(name) - RADIUS + radius
        shape += (
            f'<rect x="{x - half:.1f}" y="{y - radius:.1f}" width="{2 * half:.1f}" height="{2 * radius:.1f}" '
            f'rx="{radius:.1f}" fill="{inside}" stroke="{outline}" stroke-width="1.8"{dash}/>'
        )
    caption = (
        f'<text x="{x:.1f}" y="{y + RADIUS + 13:.1f}" font-size="11" fill="{outline}" stroke="#ffffff" '
        f'stroke-width="3" paint-order="stroke">{part}</text>'
    )
    return (
        f'<g data-node="{escape(name, quote=True)}"><title>{escape(f"{name}: {node.meaning}")}</title>{shape}'
        f'<text x="{x:.1f}" y="{y + 5.2:.1f}" font-size="15" font-weight="600" '
        f'fill="{INK}">{escape(name)}</text>'
        f"{caption if part else ''}</g>"
    )


def _at(point: Point) -> str:
    return f"{point[0]:.1f},{point[1]:.1f}"
