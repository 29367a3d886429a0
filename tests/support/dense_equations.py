"""Plain dense double-precision pieces from which tests write a model's equations again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from graphrec.backbones import Backbone, Representation, backbones
from graphrec.graph.build import InteractionGraph
from graphrec.testing.small_graph import MISSING, NUM_ITEMS, NUM_USERS


def interactions(graph: InteractionGraph, role: str = "click") -> Tensor:
    """`[U, I]` of ones and zeros."""
    users, items = graph.pairs(role).T
    matrix = torch.zeros(NUM_USERS, NUM_ITEMS, dtype=torch.float64)
    matrix[users, items] = 1.0
    return matrix


def bipartite(matrix: Tensor) -> Tensor:
    """`[U + I, U + I]` of `[U, I]`, users first."""
    users, items = matrix.shape
    whole = torch.zeros(users + items, users + items, dtype=matrix.dtype)
    whole[:users, users:], whole[users:, :users] = matrix, matrix.T
    return whole


def adjacency(graph: InteractionGraph, role: str = "click") -> Tensor:
    """`[U + I, U + I]` ones where a user and an item meet, users first."""
    return bipartite(interactions(graph, role))


def normalised(matrix: Tensor) -> Tensor:
    """Each entry over the roots of both row sums; rows of zeros stay."""
    total = matrix.sum(1)
    scale = torch.where(total > 0, total.rsqrt(), 0.0)
    return scale[:, None] * matrix * scale


def symmetric(matrix: Tensor) -> Tensor:
    """`[U + I, U + I]` bipartite adjacency, each entry over the root of both degrees."""
    return normalised(bipartite(matrix))


def lightgcn(matrix: Tensor, ids: Tensor, layers: int) -> Tensor:
    """`[U + I, d]`, over the ones of `[U, I]`."""
    step = symmetric(matrix)
    return torch.stack([torch.linalg.matrix_power(step, power) @ ids for power in range(layers + 1)]).mean(0)


def content(graph: InteractionGraph, ids: Tensor, layers: int) -> Tensor:
    """LightGCN over the clicks."""
    return lightgcn(interactions(graph), ids, layers)


def raw(graph: InteractionGraph, modality: str) -> Tensor:
    """`[I, D]` features, zeros where missing."""
    values = graph.features(modality).to_dense().double().clone()
    values[MISSING[modality]] = 0.0
    return values


def nearest_graph(values: Tensor, modality: str, count: int, *, equal: bool) -> Tensor:
    """`[I, I]`: for each item that has the modality, ones or cosines at its `count` nearest that have it, too."""
    unit = rows_to_unit_length(values)
    cosines = unit @ unit.T
    having = [item for item in range(NUM_ITEMS) if item != MISSING[modality]]
    near = torch.zeros_like(cosines)
    for item in having:
        for other in sorted(having, key=lambda other: -cosines[item, other])[:count]:
            near[item, other] = 1.0 if equal else max(float(cosines[item, other]), 0.0)
    return near


def item_graph(graph: InteractionGraph, modality: str, count: int, *, equal: bool = False) -> Tensor:
    """`[I, I]`: ones or cosines at the nearest items, each over the root of both row sums."""
    return normalised(nearest_graph(raw(graph, modality), modality, count, equal=equal))


def mean_over_modalities(graphs: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Row by row the weighted mean of the graphs in which an item has neighbours."""
    total = sum(weights[m] * neighbours for m, neighbours in graphs.items())
    share = sum(weights[m] * neighbours.any(1) for m, neighbours in graphs.items())
    return total / torch.where(share > 0, share, 1.0)[:, None]


def rows_to_unit_length(x: Tensor) -> Tensor:
    return x / x.norm(dim=1, keepdim=True).clamp(min=1e-12)


def nodes(pair: Representation) -> Tensor:
    """Both tables of a representation as one."""
    return torch.cat([pair.user, pair.item])


def built(
    name: str, graph: InteractionGraph, outputs: tuple[str, ...], **settings: Any
) -> tuple[Backbone, dict[str, nn.Parameter]]:
    """A backbone of width 4 in double precision and its tables, every number of both away from zero."""
    kind = backbones.get(name)
    config = kind.Config(embedding_size=4, **settings)
    torch.manual_seed(2)
    model = kind(config, graph, "click", outputs).double().eval()
    for parameter in model.parameters():  # biases start at zero, where they prove nothing
        nn.init.normal_(parameter, std=0.5)
    shapes = kind.tables(config, graph, outputs)
    return model, {key: nn.Parameter(torch.randn(shape, dtype=torch.float64)) for key, shape in shapes.items()}


def projected(model: Backbone, tables: Mapping[str, Tensor], graph: InteractionGraph, m: str) -> Tensor:
    """X_m W_m + b_m `[I, d]`, zeros where missing."""
    weights = dict(model.named_parameters())
    weight = tables[f"words_{m}"] if graph.is_bag(m) else weights[f"projections.maps.{m}"]
    bias = weights.get(f"projections.biases.{m}", torch.zeros(()))
    values = raw(graph, m) @ weight + bias
    return torch.where(torch.arange(NUM_ITEMS).unsqueeze(1) == MISSING[m], 0.0, values)


def info_nce(anchors: Tensor, positives: Tensor, temperature: float, candidates: Tensor | None = None) -> float:
    """Term by term."""
    anchors, positives, candidates = (
        x.detach() for x in (anchors, positives, positives if candidates is None else candidates)
    )
    total = 0.0
    for a, p in zip(anchors, positives):
        own = math.exp(float(cosine_similarity(a, p, dim=0)) / temperature)
        total -= math.log(own / sum(math.exp(float(cosine_similarity(a, n, dim=0)) / temperature) for n in candidates))
    return total / len(anchors)
