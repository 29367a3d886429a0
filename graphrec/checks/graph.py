"""The leak audit of a graph: nothing in it may come from the held-out splits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from graphrec.checks.findings import Finding
from graphrec.data.split import Split
from graphrec.graph.build import InteractionGraph

NEXT_STEP = "do not train on this graph: make it by `InteractionGraph.from_split`"


def audit_graph(graph: InteractionGraph, split: Split, *, centred: bool = True) -> list[Finding]:
    """What of the graph is not the training split's: an edge in either direction, or the scale of a dense feature.

    Dense features (of a graph made with the default scaling) are centred on the training items that have the modality,
    so their mean over just these items is zero; where it is not, other items were averaged as well.

    Args:
        centred: whether the graph was made with the default scaling.

    >>> from graphrec.checks.graph import audit_graph
    >>> from graphrec.testing.planted import planted_graph, planted_split
    >>> audit_graph(planted_graph(), planted_split())
    []
    >>> {finding.code for finding in audit_graph(planted_graph(shuffled=True), planted_split())}
    {'edges_outside_train'}
    """
    dataset = split.dataset
    findings = []
    for name, edges, train in _edges_and_pairs(graph, split):
        extra = _outside(*(pairs[:, 0] * graph.num_items + pairs[:, 1] for pairs in (edges, train)))
        if extra.any():
            user, item = edges[np.argmax(extra)]
            example = f"user {dataset.user_ids[user]}, item {dataset.item_ids[item]}"
            message = f"{name} edges of the graph are not training pairs"
            findings.append(Finding("edges_outside_train", "error", int(extra.sum()), message, example, NEXT_STEP))
    if not centred:
        return findings
    in_train = np.zeros(dataset.num_items, dtype=bool)
    in_train[split.train["item"]] = True
    for name in graph.modalities:
        fitted = in_train & graph.mask(name).cpu().numpy()
        if graph.is_bag(name) or not fitted.any():
            continue
        # Means of float32 in float64, so that rounding stays far below the threshold.
        means = np.abs(graph.features(name).cpu().numpy()[fitted].mean(axis=0, dtype=np.float64))
        off = means > 1e-3  # columns have unit variance
        if off.any():
            message = f"columns of feature `{name}` were not centred on the training items alone"
            example = f"column {int(np.argmax(off))}, mean {means[off][0]:.3g}"
            findings.append(Finding("features_scaled_elsewhere", "error", int(off.sum()), message, example, NEXT_STEP))
    return findings


def _outside(keys: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """`[E]` bool, which keys are not among the allowed ones. The keys of a graph are nearly sorted: this is faster than
    `np.isin`, which sorts both."""
    allowed = np.unique(allowed)
    if not len(allowed):
        return np.ones(len(keys), dtype=bool)
    return allowed[np.searchsorted(allowed, keys).clip(max=len(allowed) - 1)] != keys


def _edges_and_pairs(graph: InteractionGraph, split: Split) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """A name, the edges `[E, 2]` and the training pairs `[P, 2]` that they must be among, of all that is stored."""
    for role in ("click", "like"):
        yield role, graph.pairs(role).cpu().numpy(), split.train_pairs(role)
    events = split.train
    for _, behaviour, _ in (kind for kind in graph.data.edge_types if kind[0] == "user"):
        pairs = events.loc[events["behaviour"] == behaviour, ["user", "item"]].to_numpy(np.int64)
        index = graph.data["user", behaviour, "item"].edge_index.cpu().numpy()
        yield behaviour, index.T, pairs
        # The reverse direction is stored by itself; where it has the same edges, they were looked at already.
        reverse = graph.data["item", f"rev_{behaviour}", "user"].edge_index.cpu().numpy()[::-1]
        if not np.array_equal(index, reverse):
            yield f"rev_{behaviour}", reverse.T, pairs
