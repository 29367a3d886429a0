"""HCR-A: the two halves of the like are apart, and the front-door sum is taken."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from graphrec.causal import EffectOfMediator, FrontDoor, Observational
from graphrec.decoders import BlockLogits, PairLogits
from graphrec.testing import DecoderContract
from graphrec.testing.small_graph import NUM_USERS
from graphrec.testing.small_model import EVERYONE, first_batches, small_model
from graphrec.training.objective import loss_of


class TestHCRAdditive(DecoderContract):
    decoder = "hcr_additive"
    items_are_independent = False


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
    actual = frozen.scorer(EffectOfMediator())(EVERYONE).exp()
    assert (actual - exact).abs().max() < 0.01, "quantiles approximate the eleven items"
    with_clicks = frozen.scorer(FrontDoor())(EVERYONE)
    torch.testing.assert_close(with_clicks.exp(), torch.sigmoid(logits["click"]) * actual)


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


def test_whose_gate_is_whose_moves_the_observational_score_and_not_the_front_door_one() -> None:
    """A confounder is a difference between items' gates, over which the front door averages for every item alike."""
    model, graph = small_model("hcr_additive")
    frozen = model.freeze(graph)
    before = dict(BlockLogits(frozen.branches, EVERYONE).items())
    before["like_gate"] = 5 * before["like_gate"]
    swapped = before | {"like_gate": before["like_gate"].flip(1)}
    outcome = frozen.outcome
    torch.testing.assert_close(FrontDoor().score(outcome, swapped), FrontDoor().score(outcome, before))
    assert not torch.allclose(Observational().score(outcome, swapped), Observational().score(outcome, before))


def test_pairs_alone_do_not_tell_the_sum_over_all_items() -> None:
    model, graph = small_model("hcr_additive")
    frozen = model.freeze(graph)
    pairs = PairLogits(frozen.branches, torch.tensor([0, 3]), torch.tensor([2, 9]))
    with pytest.raises(ValueError, match="all items"):
        FrontDoor().score(frozen.outcome, pairs)
