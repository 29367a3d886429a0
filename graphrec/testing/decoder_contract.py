"""What every decoder must do: make branches that training reaches and that scoring leaves as they are.

A class joins in three lines:

class TestMyDecoder(DecoderContract):
    decoder = "my_module:MyDecoder"
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
from graphrec.testing.contract import Contract
from graphrec.testing.small_graph import MODALITIES, NUM_ITEMS, NUM_USERS, small_graph
from graphrec.testing.small_model import EVERYONE, SIZES, batch_loss, first_batches, small_model, total_loss
from graphrec.training.objective import losses_of

# A class-scoped fixture would do the same, but pytest 10 drops those of instances and pytest 8 lacks those of classes.
_FROZEN: dict[type, FrozenModel] = {}


class DecoderContract(Contract):
    """Every test trains or scores the decoder on MMGCN over `small_graph`, in double precision.

    What a class declares is tested, too: this one refuses no data without item features.

    >>> class TestMine(DecoderContract):
    ...     decoder = "ct"
    ...     needs_modalities = True
    >>> TestMine().test_each_loss_is_a_finite_number_for_each_pair()
    >>> TestMine().test_data_without_modalities_is_enough_or_refused()
    Traceback (most recent call last):
    Failed: DID NOT RAISE ...
    """

    decoder: ClassVar[str]
    """Its registered name, or its import path."""
    settings: ClassVar[dict[str, Any]] = {}
    """Settings of the decoder by name; its defaults are used for all others."""
    modalities: ClassVar[tuple[str, ...]] = MODALITIES
    """The modalities of the graph."""
    needs_both_behaviours: ClassVar[bool] = False
    """True for one that learns from which clicks are liked."""
    needs_modalities: ClassVar[bool] = False
    """True for one that refuses data without item features."""
    items_are_independent: ClassVar[bool] = True
    """False where a branch measures an item against the others, so that a reference item means nothing."""

    def model(self, graph: InteractionGraph | None = None, **options: Any) -> tuple[Recommender, InteractionGraph]:
        """The decoder in a model, and its graph; `options` are those of `small_model`."""
        graph = small_graph(self.modalities) if graph is None else graph
        return small_model(self.decoder, self.settings, graph, **options)

    @pytest.fixture
    def frozen(self) -> FrozenModel:
        """Frozen once for all tests of the class, none of which changes it."""
        contract = type(self)
        if contract not in _FROZEN:
            # Centring would make every item depend on all others, whatever the decoder does.
            model, graph = self.model(centre_items=False)
            _FROZEN[contract] = model.freeze(graph)
        return _FROZEN[contract]

    def every_estimand(self, frozen: FrozenModel) -> list[Estimand]:
        """The decoder's variants, and all registered estimands that are identified for it."""
        supported = list(frozen.decoder.variants().values())
        for name in estimands:
            estimand = estimands.get(name)()
            try:
                estimand.identify(frozen.outcome)
            except GraphrecError:
                continue
            if estimand not in supported:
                supported.append(estimand)
        return supported

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
            assert branch.item.shape == (1, frozen.branches[name].item.shape[1]), "one reference item, one row"
            assert torch.equal(branch.user, frozen.branches[name].user)

    def test_an_item_has_the_same_branches_whatever_the_other_items_are(self, frozen: FrozenModel) -> None:
        some = torch.tensor([4, 1])
        fewer = frozen.decoder.branches(
            {
                tower: {name: Representation(pair.user, pair.item[some]) for name, pair in outputs.items()}
                for tower, outputs in frozen.representations.items()
            }
        )
        # Not to the bit: a matrix product of two rows may round in another order than one of eleven.
        same = {
            name: torch.allclose(fewer[name].item, branch.item[some], rtol=1e-9, atol=1e-11)
            for name, branch in frozen.branches.items()
        }
        assert all(same.values()) == self.items_are_independent, f"{same}, unlike items_are_independent says"
        if not self.items_are_independent:
            assert not frozen.outcome.mediated, "a mediated branch must mean something for a reference item"

    def test_every_variant_is_identified_on_the_declared_graph(self, frozen: FrozenModel) -> None:
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

    def test_each_loss_is_a_finite_number_for_each_pair(self) -> None:
        model, graph = self.model()
        branches = model(graph)
        names = [objective.name for objective in model.decoder.objectives()]
        assert len(set(names)) == len(names), "the name keys the random streams, so no two objectives share it"
        for objective, batch in zip(model.decoder.objectives(), first_batches(model, graph)):
            loss = batch_loss(objective, model, graph, batch)
            assert loss.shape == () and loss.isfinite() and loss > 0
            # [B] next to [B, 1] would broadcast to [B, B], and the mean would hide it.
            assert losses_of(objective, branches, batch).shape == batch.users.shape, "a loss for each pair, [B]"
            if objective.loss == "bce":
                score = objective.score(PairLogits(branches, batch.users, batch.items, batch.stages))
                assert (score <= 0).all(), "bce needs a log-probability"

    def test_scoring_twice_gives_the_same_bits_and_changes_nothing(self, frozen: FrozenModel) -> None:
        before = {
            (name, side): getattr(branch, side).clone()
            for name, branch in frozen.branches.items()
            for side in ("user", "item")
        }
        for estimand in self.every_estimand(frozen):
            scorer = frozen.scorer(estimand)
            scores = scorer(EVERYONE)
            copy = scores.clone()
            scores.fill_(0.0)  # who keeps the tensor that it returned would now return zeros
            assert torch.equal(scorer(EVERYONE), copy)
            assert torch.equal(frozen.scorer(estimand)(EVERYONE), copy)
        for (name, side), table in before.items():
            assert torch.equal(getattr(frozen.branches[name], side), table), f"scoring changed the branch {name}"

    def test_a_block_gives_what_its_users_give_alone(self) -> None:
        model, graph = self.model(dtype=torch.float32)
        frozen = model.freeze(graph)
        for estimand in self.every_estimand(frozen):
            scorer = frozen.scorer(estimand)
            block = scorer(EVERYONE)
            alone = torch.cat([scorer(EVERYONE[user : user + 1]) for user in range(NUM_USERS)])
            assert block.shape == (NUM_USERS, NUM_ITEMS) and block.isfinite().all()
            torch.testing.assert_close(alone, block, rtol=1e-5, atol=1e-6)
            # The ranking is the same wherever two scores differ by more than rounding.
            ranked, order = block.sort(dim=1)
            distinct = ranked.diff(dim=1) > 1e-5
            assert distinct.float().mean() > 0.5
            assert (alone.gather(1, order).diff(dim=1)[distinct] > 0).all()

    def test_the_scores_of_a_user_differ_between_items(self, frozen: FrozenModel) -> None:
        for estimand in self.every_estimand(frozen):
            scores = frozen.scorer(estimand)(EVERYONE)
            assert (scores.max(1).values > scores.min(1).values).all(), estimand

    def test_the_seed_decides_the_initial_weights(self) -> None:
        (first, graph), (second, _), (other, _) = self.model(), self.model(), self.model(seed=1)
        assert _equal(first, second)
        assert not _equal(first, other)
        assert torch.equal(total_loss(first, graph), total_loss(second, graph))

    def test_one_kind_of_feedback_is_enough_or_refused(self) -> None:
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
    def test_exposure_or_content_modalities_alone_are_enough(self, context: Context) -> None:
        model, graph = self.model(context=context)
        total_loss(model, graph).backward()
        assert all(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())

    def test_data_without_modalities_is_enough_or_refused(self) -> None:
        bare = small_graph(modalities=())
        context = Context(exposure=(), content=(), **SIZES)
        if self.needs_modalities:
            with pytest.raises(GraphrecError, match="modality"):
                self.model(bare, context=context)
        else:
            model, graph = self.model(bare, context=context)
            assert total_loss(model, graph).isfinite()

    def test_a_state_dict_holds_the_whole_model(self) -> None:
        (model, graph), (other, _) = self.model(), self.model(seed=1)
        other.load_state_dict(model.state_dict())
        first, second = model.freeze(graph), other.freeze(graph)
        for name in first.branches:
            assert torch.equal(first.branches[name].user, second.branches[name].user)
            assert torch.equal(first.branches[name].item, second.branches[name].item)


def _equal(first: Recommender, second: Recommender) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values()))
