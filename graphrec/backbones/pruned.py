"""Training over some of the pairs, drawn anew each epoch; scoring over all.

    propagation = D^-1/2 A D^-1/2,    in training A the epoch's pairs alone, and D their degrees

Which pairs an epoch keeps is for each backbone to say: FREEDOM drops those of popular nodes first. `EdgeDropout` keeps
(1 - edge_dropout) E, every set of that size being equally likely, as SGL (Wu et al., SIGIR 2021) drops edges for its
views.
"""

from __future__ import annotations

from abc import abstractmethod

from pydantic import Field
from torch import Generator, Tensor

from graphrec.backbones.base import Backbone, IdBackboneConfig
from graphrec.graph.build import InteractionGraph
from graphrec.graph.propagator import Propagator
from graphrec.graph.pruning import uniform


class Pruned(Backbone):
    """Base of the backbones that train over pairs drawn anew each epoch."""

    pruned: Propagator | None = None
    """This epoch's; None where nothing is left out."""

    @abstractmethod
    def kept_pairs(self, graph: InteractionGraph, generator: Generator) -> Tensor | None:
        """`[E]` bool, which of the role's pairs the epoch keeps; None for all."""

    def start_epoch(self, graph: InteractionGraph, generator: Generator) -> None:
        keep = self.kept_pairs(graph, generator)
        self.pruned = None if keep is None else graph.propagator(self.role, "symmetric").kept(keep)

    def propagator(self, graph: InteractionGraph) -> Propagator:
        """The epoch's in training mode, else the whole graph's."""
        if self.training and self.pruned is not None:
            return self.pruned
        return graph.propagator(self.role, "symmetric")


class EdgeDropoutConfig(IdBackboneConfig):
    """Settings of a backbone on ids that may leave edges out of training."""

    edge_dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the training pairs that each epoch leaves out, drawn evenly."""


class EdgeDropout(Pruned):
    """Base of the backbones that have `edge_dropout`."""

    config: EdgeDropoutConfig

    def kept_pairs(self, graph: InteractionGraph, generator: Generator) -> Tensor | None:
        if not self.config.edge_dropout:
            return None
        return uniform(len(graph.pairs(self.role)), self.config.edge_dropout, generator)
