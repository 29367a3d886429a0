"""A backbone's representations on `small_graph`: what the examples in the docstrings of backbones show.

>>> from graphrec.backbones.lightgcn import LightGCN
>>> small_representations(LightGCN, embedding_size=8)["fused"].item.shape
torch.Size([11, 8])
"""

from __future__ import annotations

from typing import Any

import torch

from graphrec.backbones import FUSED, Backbone, Representations
from graphrec.graph.build import InteractionGraph
from graphrec.seeding import generator
from graphrec.testing.small_graph import small_graph


def small_representations(
    kind: type[Backbone],
    outputs: tuple[str, ...] = (FUSED,),
    graph: InteractionGraph | None = None,
    *,
    training: bool = False,
    **settings: Any,
) -> Representations:
    """The representations of a backbone with random weights, on the clicks of a small graph.

    Args:
        kind: the class of the backbone.
        outputs: the names of the representations.
        graph: by default `small_graph()`, with 7 users, 11 items and the modalities `visual`, `title` and `acoustic`.
        training: whether the backbone is in training mode.
        settings: of the backbone's `Config`.

    >>> from graphrec.backbones.mmgcn import MMGCN
    >>> representations = small_representations(MMGCN, ("id", "visual"), embedding_size=8)
    >>> list(representations), representations["visual"].user.shape
    (['id', 'visual'], torch.Size([7, 8]))
    """
    graph = small_graph() if graph is None else graph
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        config = kind.Config(**settings)
        backbone = kind(config, graph, "click", outputs).train(training)
        tables = {name: torch.randn(shape) for name, shape in kind.tables(config, graph, outputs).items()}
        if training:
            backbone.start_epoch(graph, generator(0, "epoch"))
        return backbone(graph, tables)
