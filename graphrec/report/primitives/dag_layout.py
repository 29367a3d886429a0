"""Where the nodes of a causal graph are drawn: in layers from cause to effect, edges bent around the layers they pass.

After Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures" (1981): layers by
longest path, a bend wherever an edge passes a layer, and in each layer an order with few crossings.
"""

from __future__ import annotations

import random
from itertools import accumulate, combinations, pairwise

import networkx as nx
import numpy as np
import numpy.typing as npt

Vertex = str | tuple[str, str, int]
"""A node, or the bend of the edge (cause, effect) in a layer."""
Link = tuple[Vertex, Vertex]
"""From a vertex to one in the next layer."""
Point = npt.NDArray[np.float64]
"""`[2]` pixels to the right and down."""

STARTS, SWEEPS = 40, 3
RADIUS = 22.0
LAYER_GAP, ROW_GAP, BEND_GAP = 84.0, 84.0, 34.0


def half_width(vertex: Vertex) -> float:
    """A circle for a short name, a pill for a long one, nothing for a bend.

    >>> half_width("I"), half_width("popularity"), half_width(("I", "L", 1))  # pixels
    (22.0, 58.0, 0.0)
    """
    return max(RADIUS, 4.6 * len(vertex) + 12) if isinstance(vertex, str) else 0.0


def place_vertices(graph: nx.DiGraph) -> dict[Vertex, Point]:
    """Where every node and every bend is, in pixels.

    >>> places = place_vertices(nx.DiGraph([("cause", "mediator"), ("mediator", "effect"), ("cause", "effect")]))
    >>> places["cause"][0] < places["mediator"][0] < places["effect"][0]
    np.True_
    >>> [vertex for vertex in places if not isinstance(vertex, str)]
    [('cause', 'effect', 1)]

    Args:
        graph: without a cycle; its nodes are texts.
    """
    links = _with_bends(graph)
    places: dict[Vertex, Point] = {}
    x = 0.0
    for layer in _few_crossings(links):
        half = max(map(half_width, layer))
        places |= {v: np.array([x + half, row]) for v, row in _rows([layer]).items()}
        x += 2 * half + LAYER_GAP
    return places


def _with_bends(graph: nx.DiGraph) -> nx.DiGraph:
    """The graph with a bend in each layer that an edge passes; every vertex has its `layer`."""
    layer = {node: k for k, nodes in enumerate(nx.topological_generations(graph)) for node in nodes}
    for node in graph:
        if not graph.pred[node] and graph.succ[node]:  # a first cause is next to its first effect
            layer[node] = min(layer[effect] for effect in graph.succ[node]) - 1
    links = nx.DiGraph()
    links.add_nodes_from((node, {"layer": layer[node]}) for node in graph)
    for a, b in graph.edges:
        bends = [(a, b, k) for k in range(layer[a] + 1, layer[b])]
        links.add_nodes_from((bend, {"layer": bend[2]}) for bend in bends)
        nx.add_path(links, [a, *bends, b])
    return links


def _few_crossings(links: nx.DiGraph) -> list[list[Vertex]]:
    """The best order of each layer that barycentre sweeps reach from many starts, the same each time."""
    by_layer = nx.get_node_attributes(links, "layer")
    layers = [[v for v in links if by_layer[v] == k] for k in sorted(set(by_layer.values()))]
    # Every link crosses one gap between layers, thanks to the bends, so only links that start in one layer can cross.
    pairs = [(e, f) for e, f in combinations(links.edges, 2) if by_layer[e[0]] == by_layer[f[0]]]
    rng, orders = random.Random(0), [layers]
    for _ in range(STARTS):
        order = [rng.sample(layer, len(layer)) for layer in layers]
        for near, swept in [(links.pred, order), (links.succ, order[::-1])] * SWEEPS:
            rows = _rows(order)
            for layer in swept:
                pull = {v: sum(rows[n] for n in near[v]) / len(near[v]) if near[v] else rows[v] for v in layer}
                layer.sort(key=pull.__getitem__)
                rows |= _rows([layer])
        orders.append(order)
    return min(orders, key=lambda order: _cost(_rows(order), links, pairs))


def _cost(rows: dict[Vertex, float], links: nx.DiGraph, pairs: list[tuple[Link, Link]]) -> tuple[int, float]:
    """Crossings, then the height that the links climb.

    Args:
        pairs: the links that start in one layer, two at a time.
    """
    crossings = sum((rows[a] - rows[c]) * (rows[b] - rows[d]) < 0 for (a, b), (c, d) in pairs)
    return crossings, sum(abs(rows[a] - rows[b]) for a, b in links.edges)


def _rows(layers: list[list[Vertex]]) -> dict[Vertex, float]:
    """How far below the middle of its layer each vertex is, in pixels; bends need less room than nodes."""
    rows: dict[Vertex, float] = {}
    for layer in layers:
        room = [ROW_GAP if isinstance(v, str) else BEND_GAP for v in layer]
        heights = [0.0, *accumulate((above + below) / 2 for above, below in pairwise(room))]
        rows |= {v: height - heights[-1] / 2 for v, height in zip(layer, heights)}
    return rows
