"""The leak audit of a graph: nothing in it may come from the held-out splits."""

from __future__ import annotations

import numpy as np

from graphrec.checks.findings import Finding
from graphrec.data.split import Split
from graphrec.graph.build import InteractionGraph

NEXT_STEP = "do not train on this graph: make it by `InteractionGraph.from_split`"


def audit_graph(graph: InteractionGraph, split: Split) -> list[Finding]:
    """What of the graph is not the training split's: an edge, or the scale of a dense feature.

    Dense features (of a graph made with the default scaling) are centred on the training items that have the modality,
    so their mean over just these items is zero; where it is not, other items were averaged as well.

    >>> from graphrec.checks.graph import audit_graph
    >>> from graphrec.testing.planted import planted_graph, planted_split
    >>> audit_graph(planted_graph(), planted_split())
    []
    >>> {finding.code for finding in audit_graph(planted_graph(shuffled=True), planted_split())}
    {'edges_outside_train'}
    """
    dataset = split.dataset
    findings = []
    for role in ("click", "like"):
        edges, train = graph.pairs(role).numpy(), split.train_pairs(role)
        extra = ~np.isin(*(pairs[:, 0] * graph.num_items + pairs[:, 1] for pairs in (edges, train)))
        if extra.any():
            user, item = edges[np.argmax(extra)]
            example = f"user {dataset.user_ids[user]}, item {dataset.item_ids[item]}"
            message = f"{role} edges of the graph are not training pairs"
            findings.append(Finding("edges_outside_train", "error", int(extra.sum()), message, example, NEXT_STEP))
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
