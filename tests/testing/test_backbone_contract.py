"""The suite for backbones finds what is wrong: each class below has one fault, and the test made for it fails."""

from __future__ import annotations

import inspect
from itertools import product
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.functional import cosine_similarity, mse_loss

from graphrec.backbones import Auxiliary, Representation
from graphrec.backbones.mmgcn import MMGCN
from graphrec.testing import BackboneContract, small_graph
from graphrec.testing.message_passing import MessagePassing


class Sound(MMGCN):
    """Without a fault, with a loss of its own: a user is near the items, and predicts a target that does not move."""

    auxiliary_losses = ("near",)

    def forward(self, graph, tables):
        representations = super().forward(graph, tables)
        if self.training and self.auxiliaries():
            representations["target/fused"] = self.target(representations["fused"])
        return representations

    def target(self, fused):
        return Representation(fused.user.detach(), torch.nn.functional.dropout(fused.item, 0.5).detach())

    def auxiliaries(self):
        return [Auxiliary("near", self.near, 0.1)] if "fused" in self.outputs else []

    def near(self, representations, pairs):
        user, item = representations["fused"].user[pairs.users], representations["fused"].item[pairs.items]
        return mse_loss(user, item) - cosine_similarity(user, representations["target/fused"].item[pairs.items]).mean()


class Plain(MMGCN):
    """Keeps what it should learn in a plain tensor."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.scale = torch.ones(3)


class Listed(MMGCN):
    """Keeps it in a list."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.scales = [nn.Parameter(torch.ones(3).double())]

    def forward(self, graph, tables):
        return changed(super().forward(graph, tables), lambda x: x * self.scales[0])


class Nested(MMGCN):
    """Keeps it in a tuple in a dict."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.scales = {"visual": (torch.ones(3), None)}


class Unlisted(MMGCN):
    """Keeps its layers in a list that is no module list."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.last = [nn.Linear(3, 3)]


class Buried(MMGCN):
    """Keeps it in an object of which torch knows nothing."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.more = SimpleNamespace(scale=torch.ones(3).double().requires_grad_())

    def forward(self, graph, tables):
        return changed(super().forward(graph, tables), lambda x: x * self.more.scale)


class Buffered(MMGCN):
    """Keeps it in a buffer: saved, but not trained."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.register_buffer("scale", torch.ones(3))


class Idle(MMGCN):
    """Has a parameter that plays no part."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.idle = nn.Parameter(torch.ones(3))


class Forgetful(MMGCN):
    """Draws something that its state dict does not hold."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.register_buffer("drawn", torch.randn(1), persistent=False)

    def forward(self, graph, tables):
        return changed(super().forward(graph, tables), lambda x: x * self.drawn)


class Numbered(MMGCN):
    """Depends on the order of the items."""

    def forward(self, graph, tables):
        return changed(super().forward(graph, tables), lambda x: x + torch.arange(len(x)).unsqueeze(1))


class NumberedInTraining(Numbered):
    """Does so in training alone."""

    def forward(self, graph, tables):
        return super().forward(graph, tables) if self.training else MMGCN.forward(self, graph, tables)


class NumberedLoss(Sound):
    """Has a loss that depends on the items' numbers."""

    def near(self, representations, pairs):
        return super().near(representations, pairs) * (1 + pairs.items[0])


class Random(MMGCN):
    """Never gives the same twice."""

    def forward(self, graph, tables):
        return changed(super().forward(graph, tables), lambda x: x + torch.rand(1))


class Infinite(MMGCN):
    """Divides by the number of neighbours, which may be none."""

    def forward(self, graph, tables):
        degree = graph.propagator(self.feedback_role, "sum")(torch.ones(graph.num_users + graph.num_items, 1).double())
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
        representations = {name: Representation(tables["id"][:7], tables["id"][7:]) for name in self.outputs}
        return changed(representations, lambda x: x + graph.features("visual").sum())


class Biased(MMGCN):
    """Maps the zeros of a missing row like any features, so that the bias is all that the item is: (mask x) W + b."""

    def forward(self, graph, tables):
        mask, project = graph.mask, graph.project
        graph.project = lambda modality, weight: project(modality, weight) * mask(modality).unsqueeze(1)
        graph.mask = lambda modality: torch.ones_like(mask(modality))
        try:
            return super().forward(graph, tables)
        finally:
            del graph.mask, graph.project


class Nosy(MMGCN):
    """Uses the edges of the other role."""

    def forward(self, graph, tables):
        self.feedback_role = "click"
        return super().forward(graph, tables)


class NosyForOne(MMGCN):
    """Does so for one of the modalities."""

    def forward(self, graph, tables):
        representations = super().forward(graph, tables)
        own, self.feedback_role = self.feedback_role, "click"
        representations |= {
            name: representation for name, representation in super().forward(graph, tables).items() if name == "title"
        }
        self.feedback_role = own
        return representations


class NosyInTraining(MMGCN):
    """Does so in training alone."""

    def forward(self, graph, tables):
        own, self.feedback_role = self.feedback_role, "click" if self.training else self.feedback_role
        representations = super().forward(graph, tables)
        self.feedback_role = own
        return representations


class NosyLoss(Sound):
    """Weighs its loss by the other role's edges."""

    def start_epoch(self, graph, generator):
        self.clicks = len(graph.pairs("click"))

    def near(self, representations, pairs):
        return self.clicks * super().near(representations, pairs)


class NosyOfLikes(MMGCN):
    """Uses the likes, whatever its role."""

    def forward(self, graph, tables):
        self.feedback_role = "like"
        return super().forward(graph, tables)


class Aloof(MMGCN):
    """The users of one modality are a plain table and hear of no edge."""

    def forward(self, graph, tables):
        representations = super().forward(graph, tables)
        if "visual" in representations:
            representations["visual"] = Representation(
                tables["preference_visual"][:, :3], representations["visual"].item
            )
        return representations


class Stopped(Sound):
    """Stops the gradient of its loss where it should go on."""

    def near(self, representations, pairs):
        fused = Representation(representations["fused"].user.detach(), representations["fused"].item)
        return super().near(representations | {"fused": fused}, pairs)


class Halted(Sound):
    """Does so everywhere."""

    def near(self, representations, pairs):
        return super().near(representations, pairs).detach()


class StoppedInTraining(Sound):
    """Stops the gradient of its items in training."""

    def forward(self, graph, tables):
        representations = super().forward(graph, tables)
        return changed(representations, lambda x: x.detach()) if self.training else representations


class Unmarked(Sound):
    """Calls what only its loss reads as a modality could be called."""

    def forward(self, graph, tables):
        representations = super().forward(graph, tables)
        return representations | {"hue": representations[self.outputs[0]]} if self.training else representations


class Moving(Sound):
    """Does not stop the gradient of its target."""

    def target(self, fused):
        return fused


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


def changed(representations, change):
    """The same with changed item tables."""
    return {
        name: Representation(representation.user, change(representation.item))
        for name, representation in representations.items()
    }


def check(kind: type, test: str, **declared: object) -> None:
    """Runs one test of the suite on a class, in all its cases; on the small widths that the suite is made for."""
    always = {"settings": {"projection": 4}, "node_parameters": (".layers.",), "targets": ("target/fused",)}
    suite = type("Suite", (BackboneContract,), {"backbone": f"{__name__}:{kind.__name__}", **always, **declared})()
    method = getattr(suite, test)
    cases = {"graph": [small_graph()], "training": [False, True], "role": ["click", "like"]}
    names = list(inspect.signature(method).parameters)
    for values in product(*(cases[name] for name in names)):
        method(**dict(zip(names, values)))


FAULTS = [
    (Plain, "test_nothing_is_hidden_from_training_and_saving", "plain tensor"),
    (Listed, "test_nothing_is_hidden_from_training_and_saving", "plain tensor"),
    (Nested, "test_nothing_is_hidden_from_training_and_saving", "plain tensor"),
    (Unlisted, "test_nothing_is_hidden_from_training_and_saving", "plain tensor or module"),
    (Buried, "test_nothing_is_hidden_from_training_and_saving", "no optimiser sees"),
    (Buffered, "test_nothing_is_hidden_from_training_and_saving", "never trained"),
    (Idle, "test_every_parameter_has_a_gradient", "idle plays no part"),
    (Forgetful, "test_a_state_dict_read_from_bytes_gives_the_same_bits", None),
    (Numbered, "test_permuting_users_or_items_permutes_the_output_and_nothing_else", None),
    (NumberedInTraining, "test_permuting_users_or_items_permutes_the_output_and_nothing_else", "training"),
    (NumberedLoss, "test_permuting_users_or_items_permutes_the_output_and_nothing_else", "'near', 'loss'"),
    (Random, "test_the_same_call_gives_the_same_bits", None),
    (Infinite, "test_nodes_without_neighbours_are_finite_and_their_own", None),
    (Credulous, "test_what_is_stored_for_a_missing_modality_is_not_read", None),
    (Lax, "test_what_is_stored_for_a_missing_modality_is_not_read", "in training"),
    (Careless, "test_the_mask_of_every_modality_that_is_read_is_read_too", "zeros of a missing row"),
    (Biased, "test_an_item_without_features_does_not_depend_on_their_parameters", "zeros are taken as data"),
    (Nosy, "test_only_the_edges_of_its_feedback_role_are_used", "edges of the other feedback role"),
    (NosyForOne, "test_only_the_edges_of_its_feedback_role_are_used", "'title'"),
    (NosyInTraining, "test_only_the_edges_of_its_feedback_role_are_used", "'training'"),
    (NosyLoss, "test_only_the_edges_of_its_feedback_role_are_used", "'near', 'loss'"),
    (NosyOfLikes, "test_only_the_edges_of_its_feedback_role_are_used", "edges of the other feedback role"),
    (Aloof, "test_an_edge_changes_its_user_in_every_output", "'visual', 'user'.*the same"),
    (Stopped, "test_gradients_in_training_agree_with_finite_differences", "gradient of near"),
    (Halted, "test_gradients_in_training_agree_with_finite_differences", "gradient of near"),
    (StoppedInTraining, "test_gradients_in_training_agree_with_finite_differences", "gradient of outputs"),
    (Unmarked, "test_what_training_adds_has_a_name_that_no_modality_has", "hue"),
    (Moving, "test_gradients_in_training_agree_with_finite_differences", "reaches a target"),
    (Stubborn, "test_agrees_with_message_passing_over_edge_index", None),
    (Blind, "test_it_finds_what_is_planted_and_beats_popularity", None),
]


@pytest.mark.parametrize(("kind", "test", "message"), FAULTS, ids=[kind.__name__ for kind, _, _ in FAULTS])
def test_a_fault_is_found_and_its_absence_too(kind: type, test: str, message: str | None) -> None:
    with pytest.raises(AssertionError, match=message):
        check(kind, test)
    check(Sound, test)


def test_what_is_so_by_design_is_declared_and_then_no_fault() -> None:
    check(Buffered, "test_nothing_is_hidden_from_training_and_saving", constant_buffers=("scale",))
    others = ("id", "fused", "title", "acoustic")
    check(Aloof, "test_an_edge_changes_its_user_in_every_output", uses_edges=others)
    with pytest.raises(AssertionError, match=r"'title', 'user'.*not the same"):
        check(Aloof, "test_an_edge_changes_its_user_in_every_output", uses_edges=("id", "fused", "acoustic"))
    with pytest.raises(AssertionError, match=r"by one of .*layers.* unless node_parameters"):
        check(Sound, "test_an_item_without_features_does_not_depend_on_their_parameters", node_parameters=())
