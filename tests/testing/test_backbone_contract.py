"""The suite for backbones finds what is wrong: each class below has one fault, and the test made for it fails."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch import nn

from graphrec.backbones import Representation
from graphrec.backbones.mmgcn import MMGCN
from graphrec.testing import BackboneContract, small_graph
from graphrec.testing.message_passing import MessagePassing, attention_by_message_passing


class Sound(MMGCN):
    """Without a fault."""


class Plain(MMGCN):
    """Keeps what it should learn in a plain tensor."""

    def __init__(self, *given):
        super().__init__(*given)
        self.scale = torch.ones(3)


class Idle(MMGCN):
    """Has a parameter that plays no part."""

    def __init__(self, *given):
        super().__init__(*given)
        self.idle = nn.Parameter(torch.ones(3))


class Forgetful(MMGCN):
    """Draws something that its state dict does not hold."""

    def __init__(self, *given):
        super().__init__(*given)
        self.register_buffer("drawn", torch.randn(1), persistent=False)

    def forward(self, graph, tables):
        return changed(super().forward(graph, tables), lambda x: x * self.drawn)


class Numbered(MMGCN):
    """Depends on the order of the items."""

    def forward(self, graph, tables):
        return changed(super().forward(graph, tables), lambda x: x + torch.arange(len(x)).unsqueeze(1))


class Random(MMGCN):
    """Never gives the same twice."""

    def forward(self, graph, tables):
        return changed(super().forward(graph, tables), lambda x: x + torch.rand(1))


class Infinite(MMGCN):
    """Divides by the number of neighbours, which may be none."""

    def forward(self, graph, tables):
        degree = graph.propagator(self.role, "sum")(torch.ones(graph.num_users + graph.num_items, 1).double())
        return changed(super().forward(graph, tables), lambda x: x / degree[-len(x) :])


class Credulous(MMGCN):
    """Takes what stands in a missing row for data."""

    def forward(self, graph, tables):
        graph.mask = lambda modality: torch.ones(graph.num_items, dtype=torch.bool)
        try:
            return super().forward(graph, tables)
        finally:
            del graph.mask


class Lax(Credulous):
    """Does so in training alone."""

    def forward(self, graph, tables):
        return super().forward(graph, tables) if self.training else MMGCN.forward(self, graph, tables)


class Careless(MMGCN):
    """Never asks which items have a modality."""

    def forward(self, graph, tables):
        found = {name: Representation(tables["id"][:7], tables["id"][7:]) for name in self.outputs}
        return changed(found, lambda x: x + graph.features("visual").sum())


class Nosy(MMGCN):
    """Uses the edges of the other role."""

    def forward(self, graph, tables):
        self.role = "click"
        return super().forward(graph, tables)


class Stubborn(MMGCN):
    """Multiplies by a matrix of its own, which is not the graph's."""

    def forward(self, graph, tables):
        real = graph.propagator
        graph.propagator = lambda role, scaling, **more: self._skewed(real(role, scaling, **more))
        try:
            return super().forward(graph, tables)
        finally:
            graph.propagator = real

    def _skewed(self, propagate):
        return lambda x: propagate(x) * (1.0 if isinstance(propagate, MessagePassing) else 1.001)


class Blind(MMGCN):
    """Tells no item from another."""

    def forward(self, graph, tables):
        return changed(super().forward(graph, tables), lambda x: x - x + 1)


def changed(found, change):
    """The same with changed item tables."""
    return {name: Representation(one.user, change(one.item)) for name, one in found.items()}


def check(kind: type, test: str) -> None:
    """Runs one test of the suite on a class; on the small widths that the suite is made for."""
    suite = type("Suite", (BackboneContract,), {"name": f"{__name__}:{kind.__name__}", "settings": {"projection": 4}})()
    method = getattr(suite, test)
    given = {"graph": small_graph(), "training": False}
    method(**{name: given[name] for name in inspect.signature(method).parameters})


FAULTS = [
    (Plain, "test_every_learnable_tensor_is_a_parameter_with_a_gradient", "plain tensor"),
    (Idle, "test_every_learnable_tensor_is_a_parameter_with_a_gradient", "idle plays no part"),
    (Forgetful, "test_a_state_dict_read_from_bytes_gives_the_same_bits", None),
    (Numbered, "test_permuting_users_or_items_permutes_the_output_and_nothing_else", None),
    (Random, "test_the_same_call_gives_the_same_bits", None),
    (Infinite, "test_nodes_without_neighbours_are_finite_and_their_own", None),
    (Credulous, "test_what_is_stored_for_a_missing_modality_is_not_read", None),
    (Lax, "test_what_is_stored_for_a_missing_modality_is_not_read", "in training"),
    (Careless, "test_who_reads_a_modality_asks_which_items_have_it", "zeros of a missing row"),
    (Nosy, "test_only_the_edges_of_its_role_are_used", None),
    (Stubborn, "test_agrees_with_message_passing_over_edge_index", None),
    (Blind, "test_what_is_planted_is_found_and_popularity_is_beaten", None),
]


@pytest.mark.parametrize(("kind", "test", "said"), FAULTS, ids=[kind.__name__ for kind, _, _ in FAULTS])
def test_a_fault_is_found_and_its_absence_too(kind: type, test: str, said: str | None) -> None:
    with pytest.raises(AssertionError, match=said):
        check(kind, test)
    check(Sound, test)


@pytest.mark.parametrize("scaling", ["sum", "mean", "symmetric"])
@pytest.mark.parametrize("self_loops", [False, True])
def test_message_passing_answers_as_the_propagator_does(scaling: str, self_loops: bool) -> None:
    graph = small_graph()
    pairs, users, items = graph.pairs("click"), graph.num_users, graph.num_items
    fast = graph.propagator("click", scaling, self_loops=self_loops)
    slow = MessagePassing(pairs, users, items, scaling, self_loops=self_loops)
    x = torch.randn(users + items, 3, dtype=torch.float64)
    keep = torch.arange(len(pairs)) % 3 > 0
    for one, other in ((fast, slow), (fast.kept(keep), slow.kept(keep))):
        torch.testing.assert_close(one(x), other(x))
        torch.testing.assert_close(one.to_users(x[users:]), other.to_users(x[users:]))
        torch.testing.assert_close(one.to_items(x[:users]), other.to_items(x[:users]))
    assert not torch.equal(fast(x), fast.kept(keep)(x))


def test_attention_by_message_passing_answers_as_sorted_edges_do() -> None:
    edges = small_graph().edges_to_users("click")
    x, y = (torch.randn(size, 3, dtype=torch.float64, requires_grad=True) for size in edges.shape)

    def answers() -> list[torch.Tensor]:
        logits = edges.dots(x, y).masked_fill(edges.source % 3 == 0, -torch.inf)
        weights = edges.softmax(logits)
        heard = edges.sum(weights, y)
        return [weights, heard, *torch.autograd.grad(heard.square().sum(), (x, y))]

    fast = answers()
    with attention_by_message_passing():
        slow = answers()
    for one, other in zip(fast, slow):
        torch.testing.assert_close(one, other)
    assert [type(one.grad_fn) for one in fast[:2]] != [type(one.grad_fn) for one in slow[:2]]
    assert torch.equal(answers()[1], fast[1]), "it ends with the block"
