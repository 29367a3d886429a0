"""Published designs that leave out layer 0 say so, and the contract takes their word."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from graphrec.backbones import Auxiliary, Pairs, Representation, Representations
from graphrec.backbones.contrast import info_nce
from graphrec.backbones.lightgcn import LightGCN
from graphrec.graph.build import InteractionGraph
from graphrec.testing import BackboneContract, small_graph
from graphrec.testing.small_graph import LONE_ITEM, LONE_USER

NOISE, WEIGHT = 0.1, 0.01


class Perturbed(LightGCN):
    """SimGCL (Yu et al., SIGIR 2022) on two views: the mean of layers 1 to L, in training with noise in each layer."""

    includes_layer_zero = False
    auxiliary_losses = ("contrast",)

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        pair = self.view(graph, tables["id"], noise=0.0)
        views = {name: pair for name in self.outputs}
        if self.training:
            views |= {f"{view}/id": self.view(graph, tables["id"], NOISE) for view in ("first", "second")}
        return views

    def view(self, graph: InteractionGraph, x: Tensor, noise: float) -> Representation:
        propagate, layers = self.propagator(graph), []
        for _ in range(self.config.layers):
            x = propagate(x)
            if noise:
                direction = torch.nn.functional.normalize(torch.rand_like(x), dim=1)
                x = x + noise * x.sign() * direction
            layers.append(x)
        mean = torch.stack(layers).mean(0)
        return Representation(mean[: graph.num_users], mean[graph.num_users :])

    def auxiliaries(self) -> list[Auxiliary]:
        return [Auxiliary("contrast", self.contrast, WEIGHT)]

    def contrast(self, representations: Representations, pairs: Pairs) -> Tensor:
        first, second = representations["first/id"], representations["second/id"]
        of_users = info_nce(first.user[pairs.users], second.user[pairs.users], 0.2)
        return of_users + info_nce(first.item[pairs.items], second.item[pairs.items], 0.2)


class Undeclared(Perturbed):
    """The same design that does not say so."""

    includes_layer_zero = True


class TestPerturbed(BackboneContract):
    backbone = f"{__name__}:Perturbed"
    modalities_propagate = False
    output_sets = (("id",), ("fused",), ("id", "fused"))


def test_a_node_without_neighbours_is_zero_there() -> None:
    backbone, tables = TestPerturbed().build(small_graph(), ("id",))
    representation = backbone(small_graph(), tables)["id"]
    assert not representation.user[LONE_USER].any() and not representation.item[LONE_ITEM].any()


def test_a_design_that_does_not_say_so_fails_and_reads_what_to_declare() -> None:
    class Suite(TestPerturbed):
        backbone = f"{__name__}:Undeclared"

    with pytest.raises(AssertionError, match="includes_layer_zero = False"):
        Suite().test_nodes_without_neighbours_are_finite_and_their_own(small_graph())
