"""Training over some of the pairs, drawn anew each epoch; scoring over all.

    propagation = D^-1/2 A D^-1/2,    in training A the epoch's pairs alone, and D their degrees

Which pairs an epoch keeps is for each backbone to say: FREEDOM drops those of popular nodes first. `EdgeDropout` keeps
(1 - edge_dropout) E, every set of that size being equally likely, as SGL (Wu et al., SIGIR 2021) drops edges for its
views.
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
    """Base of the backbones that train over pairs drawn anew each epoch."""

    pruned: Propagator | None = None
    """This epoch's; None where nothing is left out."""

    def __init__(self, config: BackboneConfig, graph: InteractionGraph, role: str, outputs: Sequence[str]) -> None:
        super().__init__(config, graph, role, outputs)
        remaining_edges(
            len(graph.pairs(role)), self.drop_rate
        )  # a share that leaves nothing is refused before any epoch

    @property
    @abstractmethod
    def drop_rate(self) -> float:
        """The share of the training pairs that each epoch leaves out."""

    @abstractmethod
    def edge_mask(self, graph: InteractionGraph, generator: Generator) -> Tensor:
        """`[E]` bool, which of the role's pairs the epoch keeps."""

    def start_epoch(self, graph: InteractionGraph, generator: Generator) -> None:
        if self.drop_rate:
            self.pruned = graph.propagator(self.feedback_role, "symmetric").edge_subgraph(
                self.edge_mask(graph, generator)
            )

    def propagator(self, graph: InteractionGraph) -> Propagator:
        """The epoch's in training mode, else the whole graph's."""
        if self.training and self.pruned is not None:
            return self.pruned
        return graph.propagator(self.feedback_role, "symmetric")


class EdgeDropoutConfig(IdBackboneConfig):
    """Settings of a backbone on ids that may leave edges out of training."""

    edge_dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the training pairs that each epoch leaves out, drawn evenly."""


class EdgeDropout(Pruned):
    """Base of the backbones that have `edge_dropout`."""

    config: EdgeDropoutConfig

    @property
    def drop_rate(self) -> float:
        return self.config.edge_dropout

    def edge_mask(self, graph: InteractionGraph, generator: Generator) -> Tensor:
        return uniform_mask(len(graph.pairs(self.feedback_role)), self.drop_rate, generator)
