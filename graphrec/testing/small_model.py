"""A decoder on a small backbone over `small_graph`: what the tests of decoders train and score.

>>> model, graph = small_model("ct")
>>> [objective.name for objective in model.decoder.objectives()]
['like']
>>> total_loss(model, graph).shape
torch.Size([])
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphrec.backbones.mmgcn import MMGCNConfig
from graphrec.decoders import Context, Objective, decoders
from graphrec.graph.build import InteractionGraph
from graphrec.recommender import Recommender
from graphrec.testing.small_graph import KIND, NUM_ITEMS, NUM_KINDS, NUM_USERS, small_graph
from graphrec.training.adversary import attacked
from graphrec.training.objective import Batch, ObjectiveSampler, loss_of

WIDTH = 4
"""d, the embedding width."""
SIZES: dict[str, Any] = {
    "embedding_size": WIDTH,
    "num_users": NUM_USERS,
    "num_items": NUM_ITEMS,
    "widths": {"visual": 5, "title": 6, "acoustic": 4, KIND: NUM_KINDS},
    "categorical": (KIND,),
}
"""What every `Context` of the small graph says of its sizes."""
CONTEXT = Context(exposure=("visual", "title"), content=("acoustic",), **SIZES)
EVERYONE = torch.arange(NUM_USERS)


def small_model(
    name: str,
    settings: dict[str, Any] | None = None,
    graph: InteractionGraph | None = None,
    *,
    context: Context = CONTEXT,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
    **backbone: Any,
) -> tuple[Recommender, InteractionGraph]:
    """A decoder on MMGCN, and the graph that it is built for.

    Args:
        name: the decoder's registered name, or its import path.
        settings: the decoder's settings.
        graph: by default `small_graph()`.
        context: the modality roles and sizes.
        seed: decides the initial weights.
        dtype: double precision by default, so that gradients and sums can be compared.
        backbone: further settings of MMGCN.

    >>> model, graph = small_model("hcr", {"beta": 2.0}, layers=1)
    >>> model.decoder.config.beta, graph.num_users
    (2.0, 7)
    """
    graph = small_graph() if graph is None else graph
    config = MMGCNConfig(embedding_size=WIDTH, projection=5, word_size=3, **backbone)
    decoder = decoders.get(name).Config(**(settings or {}))
    return Recommender("mmgcn", config, name, decoder, graph, context, seed).to(dtype), graph


def first_batches(model: Recommender, graph: InteractionGraph, seed: int = 0) -> list[Batch]:
    """A batch of each objective, in their order.

    >>> model, graph = small_model("hcr")
    >>> [len(batch.users) for batch in first_batches(model, graph)]
    [16, 16]
    """
    return [
        ObjectiveSampler(objective, graph, batch_size=16, steps=1, seed=seed).epoch(1)[0]
        for objective in model.decoder.objectives()
    ]


def total_loss(model: Recommender, graph: InteractionGraph) -> Tensor:
    """The weighted sum of all objectives, each on a batch of its own.

    >>> model, graph = small_model("ct")
    >>> round(total_loss(model, graph).item(), 1)
    0.9
    """
    terms = zip(model.decoder.objectives(), first_batches(model, graph))
    return torch.stack(
        [objective.weight * batch_loss(objective, model, graph, batch) for objective, batch in terms]
    ).sum()


def batch_loss(objective: Objective, model: Recommender, graph: InteractionGraph, batch: Batch) -> Tensor:
    """An objective's loss on a batch as the trainer takes it, at moved features where it is adversarial.

    >>> model, graph = small_model("hcr")
    >>> batches = zip(model.decoder.objectives(), first_batches(model, graph))
    >>> {objective.name: round(batch_loss(objective, model, graph, batch).item(), 1) for objective, batch in batches}
    {'click': 0.7, 'like': 0.7}
    """
    branches = model(graph)
    if objective.attack is not None:
        branches = model(attacked(model, graph, objective, batch))
    return loss_of(objective, branches, batch)
