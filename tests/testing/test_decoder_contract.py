"""The suite for decoders finds what is wrong: each class below has one fault, and the test made for it fails."""

from __future__ import annotations

import inspect
from dataclasses import replace
from itertools import count

import pytest
import torch
from torch import nn

from graphrec.backbones import Representation
from graphrec.causal import FrontDoor, TotalIndirectEffect
from graphrec.decoders import Objective, PairwiseLoss
from graphrec.decoders.bpr import BPR
from graphrec.errors import GraphrecError
from graphrec.testing import DecoderContract

DRAWS = count()


class Sound(BPR):
    """Without a fault."""


class Uneven(Sound):
    """Its tables differ in width."""

    def branches(self, representations):
        branch = super().branches(representations)["match"]
        return {"match": Representation(branch.user[:, 1:], branch.item)}


class Idle(Sound):
    """Has a parameter that no loss reaches."""

    def __init__(self, config, context):
        super().__init__(config, context)
        self.idle = nn.Parameter(torch.ones(3))


class Stored(Sound):
    """Adds its item bias in `branches`, instead of giving it as an extra table, which an intervention would reach."""

    def branches(self, representations):
        branch = super().branches(representations)["match"]
        return {"match": Representation(branch.user, branch.item + self.bias.unsqueeze(1))}


class Relative(Sound):
    """Measures an item against the others, and does not say so."""

    def branches(self, representations):
        branch = super().branches(representations)["match"]
        return {"match": Representation(branch.user, branch.item - branch.item.mean(0))}


class RelativeAndMediated(Relative):
    """Says so, yet claims that the branch means something for a reference item."""

    @property
    def outcome(self):
        return replace(super().outcome, mediated=("match",))


class Unidentified(Sound):
    """Reports an estimand that its causal graph does not identify."""

    def variants(self):
        return {"TIE": TotalIndirectEffect(), "front": FrontDoor()}


class Broadcast(Sound):
    """Its pairwise loss is [B, B], of which the mean is a number like any other."""

    def objectives(self):
        loss = PairwiseLoss(
            lambda positive, negative, batch: (1 - positive["match"] + negative["match"][:, None]).exp()
        )
        return [Objective("match", "click", loss, negatives="unclicked")]


class Unlikely(Sound):
    """Gives cross-entropy a logit, which is no log-probability."""

    def objectives(self):
        return [Objective("match", "click", "bce", lambda logits: 5 + logits["match"], "unclicked")]


class Doubled(Sound):
    """Two objectives of one name, which would draw the same batches."""

    def objectives(self):
        return super().objectives() * 2


class Unseeded(Sound):
    """Takes its initial weights from elsewhere than the seed."""

    def __init__(self, config, context):
        super().__init__(config, context)
        self.bias = nn.Parameter(torch.full((context.num_items,), float(next(DRAWS))))


class Forgetful(Sound):
    """Draws something that its state dict does not hold."""

    def __init__(self, config, context):
        super().__init__(config, context)
        self.register_buffer("scale", torch.rand(1), persistent=False)

    def branches(self, representations):
        branch = super().branches(representations)["match"]
        return {"match": Representation(branch.user * self.scale, branch.item)}


class Flat(Sound):
    """Gives all items the same score."""

    def branches(self, representations):
        branch = super().branches(representations)["match"]
        return {"match": Representation(branch.user, 0 * branch.item + 1)}


class Changing(Sound):
    """Changes its tables while it scores."""

    @property
    def outcome(self):
        def score(logits):
            logits.branches["match"].item.mul_(0.5)
            return logits["match"]

        return replace(super().outcome, score=score)


class NeedsFeatures(Sound):
    """Reads a modality that may be missing, and then stops with an error of Python's."""

    def towers(self):
        assert self.context.modalities
        return super().towers()


def check(kind: type, test: str, **declared: object) -> None:
    """Runs one test of the suite on a class."""
    suite = type("Suite", (DecoderContract,), {"decoder": f"{__name__}:{kind.__name__}", **declared})()
    model, graph = suite.model(centre_items=False)
    frozen = model.freeze(graph)
    values = {"frozen": frozen, "reference": "mean"}
    method = getattr(suite, test)
    method(**{name: values[name] for name in inspect.signature(method).parameters})


FAULTS = [
    (Uneven, "test_a_branch_is_a_pair_of_tables_of_one_width", None),
    (Idle, "test_gradients_of_the_objectives_reach_every_parameter", "idle is not trained"),
    (Stored, "test_a_reference_item_passes_through_the_same_branches", "one reference item"),
    (Relative, "test_an_item_has_the_same_branches_whatever_the_other_items_are", "items_are_independent"),
    (Unidentified, "test_every_variant_is_identified_on_the_declared_graph", None),
    (Broadcast, "test_each_loss_is_a_finite_number_for_each_pair", "a loss for each pair"),
    (Unlikely, "test_each_loss_is_a_finite_number_for_each_pair", None),
    (Doubled, "test_each_loss_is_a_finite_number_for_each_pair", "no two objectives share it"),
    (Unseeded, "test_the_seed_decides_the_initial_weights", None),
    (Forgetful, "test_a_state_dict_holds_the_whole_model", None),
    (Flat, "test_the_scores_of_a_user_differ_between_items", None),
    (Changing, "test_scoring_twice_gives_the_same_bits_and_changes_nothing", None),
    (NeedsFeatures, "test_data_without_modalities_is_enough_or_refused", None),
]


@pytest.mark.parametrize(("kind", "test", "message"), FAULTS, ids=[kind.__name__ for kind, _, _ in FAULTS])
def test_a_fault_is_found_and_its_absence_too(kind: type, test: str, message: str | None) -> None:
    with pytest.raises((AssertionError, GraphrecError), match=message):
        check(kind, test)
    check(Sound, test)


def test_what_is_so_by_design_is_declared_and_then_no_fault() -> None:
    test = "test_an_item_has_the_same_branches_whatever_the_other_items_are"
    check(Relative, test, items_are_independent=False)
    with pytest.raises(AssertionError, match="a mediated branch"):
        check(RelativeAndMediated, test, items_are_independent=False)
