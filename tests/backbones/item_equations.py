"""Item graphs and LightGCN again, dense and in float64, for the tests of the backbones that have them."""

from __future__ import annotations

import numpy as np

from graphrec.graph.build import InteractionGraph


def cosines(values: np.ndarray) -> np.ndarray:
    """`[I, I]`."""
    unit = values / np.maximum(np.sqrt((values**2).sum(1, keepdims=True)), 1e-12)
    return unit @ unit.T


def nearest_graph(values: np.ndarray, has: np.ndarray, count: int, *, equal: bool) -> np.ndarray:
    """`[I, I]`: for each item that has the modality, ones or cosines at its `count` nearest that have it, too."""
    similarity = np.where(has, cosines(values), -np.inf)
    graph = np.zeros_like(similarity)
    for item in np.flatnonzero(has):
        near = np.argsort(-similarity[item], kind="stable")[: min(count, has.sum())]
        graph[item, near] = 1.0 if equal else np.maximum(similarity[item, near], 0)
    return graph


def normalised(graph: np.ndarray) -> np.ndarray:
    """Row sums on both sides; rows of zeros stay."""
    degree = graph.sum(1)
    scale = np.where(degree > 0, 1 / np.sqrt(np.where(degree > 0, degree, 1)), 0)
    return scale[:, None] * graph * scale


def features(graph: InteractionGraph, modality: str) -> tuple[np.ndarray, np.ndarray]:
    """`[I, D]` and `[I]`: which items have it."""
    return graph.features(modality).to_dense().double().numpy(), graph.mask(modality).numpy()


def mean_over_modalities(graphs: dict[str, np.ndarray], weights: dict[str, float]) -> np.ndarray:
    """Row by row the weighted mean of the graphs in which an item has neighbours."""
    total = np.sum([weights[m] * one for m, one in graphs.items()], axis=0)
    share = np.sum([weights[m] * one.any(1) for m, one in graphs.items()], axis=0)
    return total / np.where(share > 0, share, 1)[:, None]


def lightgcn(pairs: np.ndarray, ids: np.ndarray, num_users: int, layers: int) -> np.ndarray:
    """`[U + I, d]`."""
    adjacency = np.zeros((len(ids), len(ids)))
    adjacency[pairs[:, 0], num_users + pairs[:, 1]] = 1
    step = normalised(adjacency + adjacency.T)
    return np.mean([np.linalg.matrix_power(step, n) @ ids for n in range(layers + 1)], axis=0)
