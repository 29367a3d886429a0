"""Training over a random part of the edges, drawn again for each epoch; scoring over all edges.

    propagation = D^-1/2 A D^-1/2,    in training A has the edges of the epoch alone, and D their degrees

Each backbone chooses the edges of an epoch. FREEDOM drops edges of popular nodes first. `EdgeDropout` keeps
(1 - edge_dropout) E edges, where every set of that size is equally likely, as in the views of SGL ("Self-supervised
Graph Learning for Recommendation", Wu et al., SIGIR 2021).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from pydantic import Field
from torch import Generator, Tensor

from graphrec.backbones.base import Backbone, BackboneConfig, IdBackboneConfig
from graphrec.graph.build import InteractionGraph
from graphrec.graph.propagator import Propagator
from graphrec.graph.pruning import remaining_edges, uniform_mask


class Pruned(Backbone):
    """Base of the backbones that train over a random part of the edges.

    Example:
        >>> import torch
        >>> from graphrec.backbones.freedom import FREEDOM
        >>> from graphrec.testing.small_graph import small_graph
        >>> graph = small_graph()
        >>> backbone = FREEDOM(FREEDOM.Config(drop=0.8), graph, "click", ("fused",))
        >>> backbone.start_epoch(graph, torch.Generator().manual_seed(0))
        >>> backbone.train().propagator(graph).num_pairs, backbone.eval().propagator(graph).num_pairs
        (6, 30)
    """

    pruned: Propagator | None = None
    """The propagator of the current epoch; None where no edge is dropped."""

    def __init__(
        self, config: BackboneConfig, graph: InteractionGraph, feedback_role: str, outputs: Sequence[str]
    ) -> None:
        super().__init__(config, graph, feedback_role, outputs)
        # A share that leaves no edge is refused here, before the first epoch.
        remaining_edges(len(graph.pairs(feedback_role)), self.drop_rate)

    @property
    @abstractmethod
    def drop_rate(self) -> float:
        """The share of the edges that each epoch drops."""

    @abstractmethod
    def edge_mask(self, graph: InteractionGraph, generator: Generator) -> Tensor:
        """`[E]` bool, the edges of the epoch."""

    def start_epoch(self, graph: InteractionGraph, generator: Generator) -> None:
        if self.drop_rate:
            whole = graph.propagator(self.feedback_role, "symmetric")
            self.pruned = whole.edge_subgraph(self.edge_mask(graph, generator))

    def propagator(self, graph: InteractionGraph) -> Propagator:
        """The propagator of the epoch in training mode, that of the whole graph in evaluation mode."""
        if self.training and self.pruned is not None:
            return self.pruned
        return graph.propagator(self.feedback_role, "symmetric")


class EdgeDropoutConfig(IdBackboneConfig):
    """Settings of a backbone on ids with edge dropout.

    Example:
        >>> EdgeDropoutConfig().edge_dropout
        0.0
        >>> try:
        ...     EdgeDropoutConfig(edge_dropout=1)
        ... except ValueError as error:
        ...     print(error.errors()[0]["msg"])
        Input should be less than 1
    """

    edge_dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the training edges that each epoch drops, drawn uniformly."""


class EdgeDropout(Pruned):
    """Base of the backbones with the setting `edge_dropout`.

    Example:
        >>> import torch
        >>> from graphrec.backbones.lightgcn import LightGCN
        >>> from graphrec.testing.small_graph import small_graph
        >>> graph, generator = small_graph(), torch.Generator().manual_seed(0)
        >>> backbone = LightGCN(LightGCN.Config(edge_dropout=0.5), graph, "click", ("fused",))
        >>> first, second = (backbone.edge_mask(graph, generator) for _ in range(2))
        >>> len(first), int(first.sum()), int(second.sum()), bool((first == second).all())
        (30, 15, 15, False)
    """

    config: EdgeDropoutConfig

    @property
    def drop_rate(self) -> float:
        return self.config.edge_dropout

    def edge_mask(self, graph: InteractionGraph, generator: Generator) -> Tensor:
        return uniform_mask(len(graph.pairs(self.feedback_role)), self.drop_rate, generator)
