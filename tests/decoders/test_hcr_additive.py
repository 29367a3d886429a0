"""HCR-A: the two halves of the like are apart, and the front-door sum is taken."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from contracts.decoder_contract import EVERYONE, DecoderContract, first_batches, small_model
from small_graph import NUM_USERS

from graphrec.causal import EffectOfMediator, FrontDoor, Observational
from graphrec.decoders import BlockLogits
from graphrec.decoders.hcr_additive import QUANTILES
from graphrec.training.objective import loss_of


class TestHCRAdditive(DecoderContract):
    name = "hcr_additive"
    items_stand_alone = False


def test_the_gate_is_one_number_an_item_and_the_match_sums_to_zero_over_users() -> None:
    model, graph = small_model("hcr_additive")
    logits = BlockLogits(model.freeze(graph).branches, EVERYONE)
    assert torch.equal(logits["like_gate"], logits["like_gate"][:1].expand(NUM_USERS, -1))
    assert logits["like_gate"][0].std() > 0
    torch.testing.assert_close(logits["like_match"].sum(0), torch.zeros(graph.num_items, dtype=torch.float64))


def test_the_front_door_sum_is_the_mean_over_items_of_their_gates() -> None:
    model, graph = small_model("hcr_additive")
    with torch.no_grad():
        model.decoder.gate.weight.mul_(10)
    frozen = model.freeze(graph)
    logits = BlockLogits(frozen.branches, EVERYONE)
    match, gates = logits["like_match"], logits["like_gate"][0]
    exact = torch.sigmoid(match[:, :, None] + gates).mean(-1)
    found = frozen.scorer(EffectOfMediator())(EVERYONE).exp()
    assert (found - exact).abs().max() < 0.01, "quantiles stand for the eleven items"
    with_clicks = frozen.scorer(FrontDoor())(EVERYONE)
    torch.testing.assert_close(with_clicks.exp(), torch.sigmoid(logits["click"]) * found)


def test_the_observational_score_is_click_times_like_with_the_items_own_gate() -> None:
    model, graph = small_model("hcr_additive")
    frozen = model.freeze(graph)
    logits = BlockLogits(frozen.branches, EVERYONE)
    expected = torch.sigmoid(logits["click"]) * torch.sigmoid(logits["like_match"] + logits["like_gate"])
    torch.testing.assert_close(frozen.scorer(Observational())(EVERYONE).exp(), expected)


def test_the_like_is_learned_on_clicks_alone() -> None:
    model, graph = small_model("hcr_additive")
    branches = model(graph)
    _, like = model.decoder.objectives()
    batch = first_batches(model, graph)[1]
    assert batch.labels is not None and batch.labels.clicked.eq(1).all()
    logit = (branches["like_match"].user @ branches["like_match"].item.T + branches["like_gate"].item[:, 0])[
        batch.users, batch.items
    ]
    expected = F.binary_cross_entropy_with_logits(logit, batch.labels.liked.double())
    torch.testing.assert_close(loss_of(like, branches, batch), expected)


@pytest.mark.parametrize("size", [1e4, -1e4])
def test_huge_logits_are_scored_without_a_nan(size: float) -> None:
    model, graph = small_model("hcr_additive", dtype=torch.float32)
    frozen = model.freeze(graph)
    logits = {name: torch.full((3, 5), size) + torch.arange(5.0) * (name == "like_match") for name in frozen.branches}
    for estimand in frozen.decoder.variants().values():
        assert estimand.score(frozen.outcome, logits).isfinite().all()


def test_a_shift_of_all_gates_shifts_no_ranking_by_observation_alone() -> None:
    """A confounder is a difference between items' gates: it moves the observational ranking, and the front-door
    ranking of no user, as all items are averaged over for every item alike."""
    model, graph = small_model("hcr_additive")
    frozen = model.freeze(graph)
    swapped = dict(BlockLogits(frozen.branches, EVERYONE).items())
    swapped["like_gate"] = 5 * swapped["like_gate"].flip(1)
    before = dict(BlockLogits(frozen.branches, EVERYONE).items()) | {"like_gate": swapped["like_gate"].flip(1)}
    outcome = frozen.outcome
    torch.testing.assert_close(FrontDoor().score(outcome, swapped), FrontDoor().score(outcome, before))
    assert not torch.allclose(Observational().score(outcome, swapped), Observational().score(outcome, before))
    assert QUANTILES >= 32
