"""The suite for estimands finds what is wrong: each class below has one fault, and the test made for it fails."""

from __future__ import annotations

import inspect

import pytest
import torch
from pydantic import ConfigDict

from graphrec.causal import Estimand, Identification, natural_direct_effect
from graphrec.errors import RecipeError
from graphrec.testing import EstimandContract
from graphrec.testing.estimand_contract import BLOCK, random_logits


class Sound(Estimand):
    """Without a fault: ranks by Y(M_i*, N_i), the mediated branches at the reference."""

    strength: float = 1.0

    @property
    def needs_reference(self):
        return True

    def fits(self, outcome):
        return bool(outcome.mediated)

    def identify(self, outcome):
        if not self.fits(outcome):
            raise RecipeError("does not fit", expected="mediated branches", got="none")
        return natural_direct_effect(outcome.graph, outcome.graph.mediators)

    def score(self, outcome, factual, reference=None):
        return outcome.score({**factual, **{name: reference[name] for name in outcome.mediated}})


class Credulous(Sound):
    """Claims an effect on any graph."""

    def identify(self, outcome):
        return Identification("faith", "P(Y | do(I)) = P(Y | I)", (), (), (), ())


class Unproven(Sound):
    """Gives no formula."""

    def identify(self, outcome):
        return Identification("", "", (), (), (), ())


class Nameless(Sound):
    """Stops with an error of Python's on a decoder that lacks mediated branches."""

    def identify(self, outcome):
        if not outcome.mediated:
            raise ZeroDivisionError
        return super().identify(outcome)


class InPlace(Sound):
    """Changes the logits that it was given."""

    def score(self, outcome, factual, reference=None):
        for name in outcome.mediated:
            factual[name].sub_(reference[name])
        return outcome.score(factual)


class Random(Sound):
    """Breaks ties by chance."""

    def score(self, outcome, factual, reference=None):
        scores = super().score(outcome, factual, reference)
        return scores + 1e-6 * torch.rand(scores.shape)


class Crowded(Sound):
    """Measures a user against the others of the block, which is not the same block in each run."""

    def score(self, outcome, factual, reference=None):
        scores = super().score(outcome, factual, reference)
        return scores - scores.mean(0)


class Deaf(Sound):
    """Asks for a reference and does not read it."""

    def score(self, outcome, factual, reference=None):
        return outcome.score(factual)


class Secretive(Sound):
    """Reads a reference and does not ask for it."""

    @property
    def needs_reference(self):
        return False

    def score(self, outcome, factual, reference=None):
        return outcome.score(factual) if reference is None else super().score(outcome, factual, reference)


class Narrow(Sound):
    """Takes the reference for one column, where each item may have its own."""

    def score(self, outcome, factual, reference=None):
        first = {name: logit if logit.dim() == 1 else logit[:, :1] for name, logit in reference.items()}
        scores = super().score(outcome, factual, first)
        return scores + (0.0 if reference["match"].shape[-1] == 1 else 1.0)


class Underflowing(Sound):
    """Leaves the logarithm, in which the scores of a confident model are all 0."""

    def score(self, outcome, factual, reference=None):
        return super().score(outcome, factual, reference).exp()


class Lax(Sound):
    """Takes a mistyped option for one of its own."""

    model_config = ConfigDict(extra="allow")


class Changeable(Sound):
    """Can be changed after it was written into a table."""

    model_config = ConfigDict(frozen=False)


def check(kind: type, test: str, **declared: object) -> None:
    """Runs one test of the suite on a class, in all its cases."""
    suite = type("Suite", (EstimandContract,), {"estimand": f"{__name__}:{kind.__name__}", **declared})()
    frozen = suite.model()
    values = {
        "frozen": frozen,
        "outcome": frozen.outcome,
        "factual": random_logits(frozen, BLOCK, seed=1),
        "reference": random_logits(frozen, (BLOCK[0], 1), seed=2),
    }
    method = getattr(suite, test)
    names = inspect.signature(method).parameters
    for scale in (1.0, 100.0) if "scale" in names else (1.0,):
        method(**{name: {**values, "scale": scale}[name] for name in names})


FAULTS = [
    (Unproven, "test_it_is_identified_on_the_graph_of_its_decoder", None),
    (Credulous, "test_a_hidden_common_cause_of_treatment_and_outcome_is_noticed", "survives_hidden_confounder"),
    (Credulous, "test_a_decoder_that_lacks_what_the_score_reads_is_refused", "DID NOT RAISE"),
    (Nameless, "test_a_decoder_that_lacks_what_the_score_reads_is_refused", None),
    (InPlace, "test_scoring_twice_gives_the_same_bits_and_changes_no_logit", None),
    (Random, "test_scoring_twice_gives_the_same_bits_and_changes_no_logit", "other scores"),
    (Crowded, "test_a_block_gives_what_its_users_and_pairs_give", "one user alone"),
    (Deaf, "test_a_reference_is_read_exactly_where_it_is_asked_for", "changes no score"),
    (Secretive, "test_a_reference_is_read_exactly_where_it_is_asked_for", "needs_reference is False"),
    (Narrow, "test_a_reference_that_all_items_share_may_have_one_column", None),
    (Underflowing, "test_logits_of_any_size_give_finite_scores_that_differ_between_items", "the same score"),
    (Lax, "test_options_are_checked_and_do_not_change", "DID NOT RAISE"),
    (Changeable, "test_options_are_checked_and_do_not_change", "DID NOT RAISE"),
]


@pytest.mark.parametrize(
    ("kind", "test", "message"), FAULTS, ids=[f"{kind.__name__}-{test}" for kind, test, _ in FAULTS]
)
def test_a_fault_is_found_and_its_absence_too(kind: type, test: str, message: str | None) -> None:
    with pytest.raises((AssertionError, ZeroDivisionError, pytest.fail.Exception), match=message):
        check(kind, test)
    check(Sound, test)


def test_a_decoder_that_it_does_not_fit_is_named() -> None:
    with pytest.raises(AssertionError, match="name a decoder that it fits"):
        check(Sound, "test_it_is_identified_on_the_graph_of_its_decoder", decoder="ct")
