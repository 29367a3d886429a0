"""A decoder on matrix factorisation over the small graph, where it is exactly its paper's model."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphrec.backbones.mf import MFConfig
from graphrec.decoders import Context, decoders
from graphrec.graph.build import InteractionGraph
from graphrec.recommender import Recommender
from graphrec.testing.small_graph import KIND, MODALITIES, small_graph
from graphrec.testing.small_model import CONTEXT, WIDTH


def mf_model(
    name: str,
    settings: dict[str, Any] | None = None,
    graph: InteractionGraph | None = None,
    *,
    context: Context = CONTEXT,
    dtype: torch.dtype = torch.float64,
    centre_items: bool = False,
) -> tuple[Recommender, InteractionGraph]:
    graph = small_graph((*MODALITIES, KIND)) if graph is None else graph
    config = MFConfig(embedding_size=WIDTH, centre_items=centre_items)
    decoder = decoders.get(name).Config(**(settings or {}))
    model = Recommender("mf", config, name, decoder, graph, context).to(dtype)
    model.decoder.fit_statistics(graph, seed=0)
    randomise_biases(model)
    return model, graph


def randomise_biases(model: Recommender) -> None:
    """Biases start at zero; here they must show."""
    generator = torch.Generator().manual_seed(1)
    for name, parameter in model.decoder.named_parameters(recurse=False):
        if name in ("bias", "common_taste"):
            parameter.data.copy_(torch.randn(parameter.shape, generator=generator))


def mean_row(table: Tensor, graph: InteractionGraph) -> Tensor:
    """The average over the items that occur in training, which is the mean reference."""
    return table.detach()[graph.pairs("click")[:, 1].unique()].mean(0)


def with_shuffled_features(graph: InteractionGraph, *modalities: str) -> InteractionGraph:
    """The same graph whose items have exchanged their dense features."""
    order = torch.arange(graph.num_items).roll(3)
    return graph.with_features({name: graph.features(name)[order] for name in modalities})
