"""What every decoder must do; a class joins in three lines:

class TestMyDecoder(DecoderContract):
    decoder = "my_module:MyDecoder"
    settings: ClassVar = {"weight": 2.0}
"""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch

from graphrec.backbones import Representation
from graphrec.causal import Estimand, estimands
from graphrec.decoders import BlockLogits, Context, PairLogits
from graphrec.errors import GraphrecError, RecipeError
from graphrec.graph.build import InteractionGraph
from graphrec.recommender import FrozenModel, Recommender
from graphrec.testing.small_graph import MODALITIES, NUM_ITEMS, NUM_USERS, small_graph
from graphrec.testing.small_model import EVERYONE, SIZES, batch_loss, first_batches, small_model, total_loss

# A class-scoped fixture would do the same, but pytest 10 drops those of instances and pytest 8 lacks those of classes.
_FROZEN: dict[type, FrozenModel] = {}


class DecoderContract:
    """Every test trains or scores the decoder on MMGCN over `small_graph`, in double precision."""

    decoder: ClassVar[str]
    """Its registered name, or its import path."""
    settings: ClassVar[dict[str, Any]] = {}
    modalities: ClassVar[tuple[str, ...]] = MODALITIES
    """What the graph holds."""
    needs_both_behaviours: ClassVar[bool] = False
    """True for one that learns from which clicks are liked."""
    needs_modalities: ClassVar[bool] = False
    items_are_independent: ClassVar[bool] = True
    """False where a branch measures an item against the others; a reference item means nothing then."""

    def model(self, graph: InteractionGraph | None = None, **more: Any) -> tuple[Recommender, InteractionGraph]:
        graph = small_graph(self.modalities) if graph is None else graph
        return small_model(self.decoder, self.settings, graph, **more)

    @pytest.fixture
    def frozen(self) -> FrozenModel:
        """Frozen once for all tests of the class, none of which changes it."""
        contract = type(self)
        if contract not in _FROZEN:
            model, graph = self.model(centre_items=False)
            _FROZEN[contract] = model.freeze(graph)
        return _FROZEN[contract]

    def every_estimand(self, frozen: FrozenModel) -> list[Estimand]:
        """The decoder's own, and all others that it supports."""
        chosen = list(frozen.decoder.variants().values())
        for name in estimands:
            estimand = estimands.get(name)()
            try:
                estimand.identify(frozen.outcome)
            except GraphrecError:
                continue
            if estimand not in chosen:
                chosen.append(estimand)
        return chosen

    def test_a_branch_is_a_pair_of_tables_of_one_width(self, frozen: FrozenModel) -> None:
        assert frozen.branches
        for branch in frozen.branches.values():
            assert branch.user.shape[0] == NUM_USERS and branch.item.shape[0] == NUM_ITEMS
            assert branch.user.shape[1] == branch.item.shape[1]

    def test_pair_logits_are_entries_of_block_logits(self, frozen: FrozenModel) -> None:
        users, items = torch.tensor([0, 3, 3]), torch.tensor([2, 2, 9])
        pairs, block = PairLogits(frozen.branches, users, items), BlockLogits(frozen.branches, EVERYONE)
        for name in frozen.branches:
            assert pairs[name].shape == (3,) and block[name].shape == (NUM_USERS, NUM_ITEMS)
            torch.testing.assert_close(pairs[name], block[name][users, items])

    @pytest.mark.parametrize("reference", ["mean", "zero"])
    def test_a_reference_item_passes_through_the_same_branches(self, frozen: FrozenModel, reference: str) -> None:
        intervened = frozen.reference_branches(reference)
        assert intervened.keys() == frozen.branches.keys()
        for name, branch in intervened.items():
            assert branch.item.shape == (1, frozen.branches[name].item.shape[1])
            assert torch.equal(branch.user, frozen.branches[name].user)

    def test_an_item_has_the_same_branches_whatever_stands_beside_it(self, frozen: FrozenModel) -> None:
        some = torch.tensor([4, 1])
        fewer = frozen.decoder.branches(
            {
                tower: {name: Representation(one.user, one.item[some]) for name, one in outputs.items()}
                for tower, outputs in frozen.representations.items()
            }
        )
        # Not to the bit: a matrix product of two rows may round in another order than one of eleven.
        same = {
            name: torch.allclose(fewer[name].item, branch.item[some], rtol=1e-9, atol=1e-11)
            for name, branch in frozen.branches.items()
        }
        assert all(same.values()) == self.items_are_independent, same
        if not self.items_are_independent:
            assert not frozen.outcome.mediated

    def test_every_published_variant_is_identified_on_the_declared_graph(self, frozen: FrozenModel) -> None:
        variants = frozen.decoder.variants()
        assert variants
        for estimand in variants.values():
            proof = estimand.identify(frozen.outcome)
            assert proof.criterion and proof.formula

    def test_gradients_of_the_objectives_reach_every_parameter(self) -> None:
        model, graph = self.model()
        total_loss(model, graph).backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, f"{name} is not trained"
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().max() > 0, f"{name} is not trained"

    def test_each_loss_is_one_finite_number_and_a_probability_where_it_claims_one(self) -> None:
        model, graph = self.model()
        branches = model(graph)
        names = [objective.name for objective in model.decoder.objectives()]
        assert len(set(names)) == len(names), "the name keys the random streams"
        for objective, batch in zip(model.decoder.objectives(), first_batches(model, graph)):
            loss = batch_loss(objective, model, graph, batch)
            assert loss.shape == () and loss.isfinite() and loss > 0
            if callable(objective.loss):
                logits = PairLogits(branches, batch.users, batch.items, batch.stages)
                assert batch.labels is not None
                assert objective.loss(logits, batch.labels).shape == batch.users.shape
                continue
            score = objective.score(PairLogits(branches, batch.users, batch.items, batch.stages))
            assert score.shape == batch.users.shape, "[B] beside [B, 1] would broadcast"
            if objective.loss == "bce":
                assert (score <= 0).all(), "bce wants a log-probability"

    def test_scoring_twice_gives_the_same_bits_and_changes_nothing(self, frozen: FrozenModel) -> None:
        before = {
            (name, side): getattr(branch, side).clone()
            for name, branch in frozen.branches.items()
            for side in ("user", "item")
        }
        for estimand in self.every_estimand(frozen):
            scorer = frozen.scorer(estimand)
            first = scorer(EVERYONE)
            first_bits = first.clone()
            first.fill_(0.0)
            assert torch.equal(scorer(EVERYONE), first_bits)
            assert torch.equal(frozen.scorer(estimand)(EVERYONE), first_bits)
        for (name, side), table in before.items():
            assert torch.equal(getattr(frozen.branches[name], side), table)

    def test_a_block_gives_what_its_users_give_singly(self) -> None:
        model, graph = self.model(dtype=torch.float32)
        frozen = model.freeze(graph)
        for estimand in self.every_estimand(frozen):
            scorer = frozen.scorer(estimand)
            block = scorer(EVERYONE)
            single = torch.cat([scorer(EVERYONE[user : user + 1]) for user in range(NUM_USERS)])
            assert block.shape == (NUM_USERS, NUM_ITEMS) and block.isfinite().all()
            torch.testing.assert_close(single, block, rtol=1e-5, atol=1e-6)
            ranked, order = block.sort(dim=1)
            apart = ranked.diff(dim=1) > 1e-5
            assert apart.float().mean() > 0.5
            assert (single.gather(1, order).diff(dim=1)[apart] > 0).all()

    def test_the_scores_tell_items_apart(self, frozen: FrozenModel) -> None:
        for estimand in self.every_estimand(frozen):
            scores = frozen.scorer(estimand)(EVERYONE)
            assert (scores.max(1).values > scores.min(1).values).all(), estimand

    def test_the_seed_decides_the_start(self) -> None:
        (one, graph), (two, _), (other, _) = self.model(), self.model(), self.model(seed=1)
        assert _equal(one, two)
        assert not _equal(one, other)
        assert torch.equal(total_loss(one, graph), total_loss(two, graph))

    def test_one_kind_of_feedback_is_enough_or_it_says_why_not(self) -> None:
        if self.needs_both_behaviours:
            with pytest.raises(RecipeError, match="every click is"):
                self.model(small_graph(self.modalities, like_is_click=True))
            return
        model, graph = self.model(small_graph(self.modalities, like_is_click=True))
        loss = total_loss(model, graph)
        assert loss.isfinite()
        loss.backward()
        model.freeze(graph).scorer(next(iter(model.decoder.variants().values())))(EVERYONE)

    @pytest.mark.parametrize(
        "context",
        [
            Context(exposure=(), content=("visual", "title", "acoustic"), **SIZES),
            Context(exposure=("visual", "title", "acoustic"), content=(), **SIZES),
        ],
    )
    def test_modalities_of_one_role_alone_are_enough(self, context: Context) -> None:
        model, graph = self.model(context=context)
        total_loss(model, graph).backward()
        assert all(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())

    def test_without_modalities_it_works_or_says_why_not(self) -> None:
        bare = small_graph(modalities=())
        context = Context(exposure=(), content=(), **SIZES)
        if self.needs_modalities:
            with pytest.raises(GraphrecError, match="modality"):
                self.model(bare, context=context)
        else:
            model, graph = self.model(bare, context=context)
            assert total_loss(model, graph).isfinite()

    def test_a_state_dict_carries_the_whole_model(self) -> None:
        (model, graph), (twin, _) = self.model(), self.model(seed=1)
        twin.load_state_dict(model.state_dict())
        one, two = model.freeze(graph), twin.freeze(graph)
        for name in one.branches:
            assert torch.equal(one.branches[name].user, two.branches[name].user)
            assert torch.equal(one.branches[name].item, two.branches[name].item)


def _equal(one: Recommender, other: Recommender) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values()))
