"""What every estimand must do: prove what its score means, and score without side effects.

A class joins in three lines:

class TestMyEstimand(EstimandContract):
    estimand = "my_module:MyEstimand"
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from graphrec.causal import CausalGraph, Estimand, Logits, Node, Outcome, estimands, label, parse_estimand
from graphrec.errors import IdentificationError, RecipeError
from graphrec.recommender import FrozenModel
from graphrec.testing.contract import Contract
from graphrec.testing.small_graph import NUM_ITEMS, NUM_USERS
from graphrec.testing.small_model import EVERYONE, small_model

BLOCK = (4, 9)
"""Users and items of the random logits."""
HIDDEN = "HIDDEN"
"""A variable that no decoder declares."""


class EstimandContract(Contract):
    """Every test scores random logits, or a small untrained model, of one decoder, in double precision.

    What a class declares is tested, too: a hidden confounder makes this one's score mean something else.

    >>> class TestMine(EstimandContract):
    ...     estimand = "total_indirect_effect"
    ...     survives_hidden_confounder = True
    >>> contract = TestMine()
    >>> contract.test_a_hidden_common_cause_of_treatment_and_outcome_is_noticed(contract.model().outcome)
    Traceback (most recent call last):
    AssertionError: noticed=True, unlike survives_hidden_confounder says...
    """

    estimand: ClassVar[str]
    """Its registered name, or its import path."""
    options: ClassVar[dict[str, Any]] = {}
    decoder: ClassVar[str] = "causalrec"
    """A decoder that the estimand fits. That of CausalRec has mediated branches, that of HCR has factors."""
    survives_hidden_confounder: ClassVar[bool] = False
    """True where it stays identified although something hidden causes both treatment and outcome, as front-door does.
    Otherwise it must refuse such a graph, or name the hidden variable in a caveat."""

    def make(self) -> Estimand:
        return estimands.get(self.estimand)(**self.options)

    def model(self) -> FrozenModel:
        """A small untrained model of `decoder`."""
        # Without centring a branch of an item does not depend on the other items, so a reference item means something.
        model, graph = small_model(self.decoder, centre_items=False)
        return model.freeze(graph)

    @pytest.fixture
    def frozen(self) -> FrozenModel:
        return self.model()

    @pytest.fixture
    def outcome(self, frozen: FrozenModel) -> Outcome:
        return frozen.outcome

    @pytest.fixture
    def factual(self, frozen: FrozenModel) -> dict[str, Tensor]:
        """`[b, I]` for each branch."""
        return random_logits(frozen, BLOCK, seed=1)

    @pytest.fixture
    def reference(self, frozen: FrozenModel) -> dict[str, Tensor]:
        """`[b, 1]` for each branch."""
        return random_logits(frozen, (BLOCK[0], 1), seed=2)

    def test_it_is_identified_on_the_graph_of_its_decoder(self, outcome: Outcome) -> None:
        estimand = self.make()
        assert estimand.fits(outcome), f"name a decoder that it fits in `decoder`; {self.decoder} lacks what it reads"
        proof = estimand.identify(outcome)
        assert proof.criterion and proof.formula

    def test_a_hidden_common_cause_of_treatment_and_outcome_is_noticed(self, outcome: Outcome) -> None:
        graph = outcome.graph
        nodes = {**graph.nodes, HIDDEN: Node("a common cause that is not logged", observed=False)}
        edges = [*graph.edges, (HIDDEN, graph.treatment), (HIDDEN, graph.outcome)]
        confounded = replace(outcome, graph=replace(graph, nodes=nodes, edges=edges))
        try:
            caveats = self.make().identify(confounded).caveats
        except IdentificationError:
            noticed = True
        else:
            noticed = any(HIDDEN in caveat for caveat in caveats)
        assert noticed != self.survives_hidden_confounder, f"{noticed=}, unlike survives_hidden_confounder says"

    def test_a_decoder_that_lacks_what_the_score_reads_is_refused(self) -> None:
        """By a typed error, where `fits` is False: the user then reads which decoder to choose."""
        nodes = {"U": Node("user"), "I": Node("item"), "Y": Node("click")}
        graph = CausalGraph(nodes, [("U", "Y"), ("I", "Y")], "I", "Y", mediators=(), conditioned=("U",))
        bare = Outcome(score=lambda logits: logits["bare"], log=False, graph=graph)
        if not self.make().fits(bare):
            with pytest.raises(RecipeError):
                self.make().identify(bare)

    def test_scoring_twice_gives_the_same_bits_and_changes_no_logit(
        self, outcome: Outcome, factual: dict[str, Tensor], reference: dict[str, Tensor]
    ) -> None:
        before = [{name: logit.clone() for name, logit in world.items()} for world in (factual, reference)]
        scores = self.make().score(outcome, factual, reference).clone()
        assert torch.equal(self.make().score(outcome, factual, reference), scores), "equal calls, other scores"
        for world, copies in zip((factual, reference), before):
            for name, logit in world.items():
                assert torch.equal(logit, copies[name]), f"scoring changed the logits of the branch `{name}`"

    def test_a_block_gives_what_its_users_and_pairs_give(
        self, outcome: Outcome, factual: dict[str, Tensor], reference: dict[str, Tensor]
    ) -> None:
        scores = self.make().score(outcome, factual, reference)
        assert scores.shape == BLOCK
        user = self.make().score(outcome, _row(factual, 2), _row(reference, 2))
        torch.testing.assert_close(user, scores[2:3], rtol=1e-12, atol=0, msg="one user alone has other scores")
        pairs = {name: logit[:, 5] for name, logit in factual.items()}
        under_reference = {name: logit[:, 0] for name, logit in reference.items()}
        alone = self.make().score(outcome, pairs, under_reference)
        torch.testing.assert_close(alone, scores[:, 5], rtol=1e-12, atol=0, msg="pairs `[B]` have other scores")

    def test_a_reference_is_read_exactly_where_it_is_asked_for(
        self, outcome: Outcome, factual: dict[str, Tensor], reference: dict[str, Tensor]
    ) -> None:
        estimand = self.make()
        scores = estimand.score(outcome, factual, reference)
        if not estimand.needs_reference:
            assert torch.equal(estimand.score(outcome, factual, None), scores), "reads it, needs_reference is False"
            return
        other = {name: logit + 1.0 for name, logit in reference.items()}
        changed = estimand.score(outcome, factual, other)
        assert not torch.equal(changed, scores), "needs_reference is True, but another reference changes no score"

    def test_a_reference_that_all_items_share_may_have_one_column(
        self, outcome: Outcome, factual: dict[str, Tensor], reference: dict[str, Tensor]
    ) -> None:
        wide = {name: logit.expand(BLOCK).clone() for name, logit in reference.items()}
        scores = self.make().score(outcome, factual, reference)
        torch.testing.assert_close(self.make().score(outcome, factual, wide), scores, rtol=1e-12, atol=0)

    @pytest.mark.parametrize("scale", [1.0, 100.0])
    def test_logits_of_any_size_give_finite_scores_that_differ_between_items(
        self, frozen: FrozenModel, scale: float
    ) -> None:
        """In the single precision in which runs are scored. At 100 a sigmoid, or its complement, underflows to 0."""
        factual, reference = (
            {name: scale * logit.float() for name, logit in random_logits(frozen, shape, seed).items()}
            for shape, seed in ((BLOCK, 1), ((BLOCK[0], 1), 2))
        )
        scores = self.make().score(frozen.outcome, factual, reference)
        assert scores.isfinite().all()
        assert (scores.max(dim=1).values > scores.min(dim=1).values).all(), "a user's items all have the same score"

    def test_it_scores_every_item_for_every_user(self, frozen: FrozenModel) -> None:
        scores = frozen.scorer(self.make())(EVERYONE)
        assert scores.shape == (NUM_USERS, NUM_ITEMS)
        assert scores.isfinite().all()

    def test_its_label_names_it_again(self) -> None:
        """As a command, a table or a file of results writes it, and reads it back."""
        assert parse_estimand(label(self.make())) == [self.make()]

    def test_options_are_checked_and_do_not_change(self) -> None:
        with pytest.raises(ValidationError):
            estimands.get(self.estimand)(**{**self.options, "no_such_option": 1})
        estimand = self.make()
        for option in type(estimand).model_fields:
            with pytest.raises(ValidationError):
                setattr(estimand, option, getattr(estimand, option))


def random_logits(frozen: FrozenModel, shape: tuple[int, int], seed: int) -> dict[str, Tensor]:
    """Logits of the given shape for each branch of a model.

    >>> model, graph = small_model("vbpr")
    >>> logits = random_logits(model.freeze(graph), (2, 3), seed=1)
    >>> {name: logit.shape for name, logit in logits.items()}
    {'match': torch.Size([2, 3]), 'notice': torch.Size([2, 3])}
    """
    generator = torch.Generator().manual_seed(seed)
    return {name: 2 * torch.randn(shape, generator=generator, dtype=torch.float64) for name in frozen.branches}


def _row(logits: Logits, row: int) -> dict[str, Tensor]:
    return {name: logit[row : row + 1] for name, logit in logits.items()}
