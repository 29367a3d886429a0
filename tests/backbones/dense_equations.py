"""Plain dense double-precision pieces from which tests write a model's equations again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from small_graph import MISSING, NUM_ITEMS, NUM_USERS
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from graphrec.backbones import Backbone, Representation, backbones
from graphrec.graph.build import InteractionGraph


def interactions(graph: InteractionGraph, role: str = "click") -> Tensor:
    """`[U, I]` of ones and zeros."""
    users, items = graph.pairs(role).T
    matrix = torch.zeros(NUM_USERS, NUM_ITEMS, dtype=torch.float64)
    matrix[users, items] = 1.0
    return matrix


def symmetric(matrix: Tensor) -> Tensor:
    """`[U + I, U + I]` bipartite adjacency, each entry over the root of both degrees."""
    users, items = matrix.shape
    whole = torch.zeros(users + items, users + items, dtype=matrix.dtype)
    whole[:users, users:], whole[users:, :users] = matrix, matrix.T
    degree = whole.sum(1).clamp(min=1)
    return whole / (degree[:, None] * degree[None, :]).sqrt()


def content(graph: InteractionGraph, ids: Tensor, layers: int) -> Tensor:
    """LightGCN."""
    step = symmetric(interactions(graph))
    return torch.stack([torch.linalg.matrix_power(step, power) @ ids for power in range(layers + 1)]).mean(0)


def raw(graph: InteractionGraph, modality: str) -> Tensor:
    """`[I, D]` features, zeros where missing."""
    values = graph.features(modality).to_dense().double().clone()
    values[MISSING[modality]] = 0.0
    return values


def item_graph(graph: InteractionGraph, modality: str, count: int) -> Tensor:
    """`[I, I]`: cosines to the nearest items, each over the root of both row sums."""
    values, missing = raw(graph, modality), MISSING[modality]
    length = values.norm(dim=1, keepdim=True).clamp(min=1e-12)
    cosines = (values / length) @ (values / length).T
    cosines[missing], cosines[:, missing] = -torch.inf, -torch.inf
    near = torch.zeros_like(cosines)
    for item in range(NUM_ITEMS):
        for other in cosines[item].argsort(descending=True)[:count].tolist():
            near[item, other] = max(float(cosines[item, other]), 0.0)
    total = near.sum(1)
    scale = torch.where(total > 0, total.rsqrt(), 0.0)
    return scale[:, None] * near * scale[None, :]


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


def info_nce(one: Tensor, other: Tensor, temperature: float, among: Tensor | None = None) -> float:
    """Term by term."""
    one, other, among = (x.detach() for x in (one, other, other if among is None else among))
    total = 0.0
    for a, p in zip(one, other):
        own = math.exp(float(cosine_similarity(a, p, dim=0)) / temperature)
        total -= math.log(own / sum(math.exp(float(cosine_similarity(a, n, dim=0)) / temperature) for n in among))
    return total / len(one)
