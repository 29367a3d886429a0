"""MACR: match times item times user, less a constant match."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from graphrec.causal import Observational, TotalIndirectEffect
from graphrec.decoders import decoders
from graphrec.recommender import FrozenModel
from graphrec.testing import DecoderContract
from graphrec.testing.small_graph import LONE_ITEM, NUM_ITEMS
from graphrec.testing.small_model import CONTEXT, EVERYONE, first_batches, small_model
from graphrec.training.objective import loss_of


class TestMACR(DecoderContract):
    decoder = "macr"


class TestMACROnLikes(DecoderContract):
    decoder = "macr"
    settings: ClassVar = {"behaviour": "like", "negatives": "unliked", "alpha": 0.1, "beta": 0.2}


def parts(**settings: Any) -> tuple[FrozenModel, Tensor, Tensor, Tensor]:
    """A frozen model, its match `[U, I]`, item `[1, I]` and user `[U, 1]` logits from its representations."""
    model, graph = small_model("macr", settings)
    frozen = model.freeze(graph)
    fused = frozen.representations["main"]["fused"]
    weights = {name: value.detach() for name, value in model.decoder.named_parameters()}
    item = fused.item @ weights["item_module.weight"][0] + weights["item_module.bias"]
    user = fused.user @ weights["user_module.weight"][0] + weights["user_module.bias"]
    return frozen, fused.user @ fused.item.T, item.unsqueeze(0), user.unsqueeze(1)


@pytest.mark.parametrize("c", [-2.0, 0.0, 0.7, 40.0])
def test_a_constant_match_is_taken_away(c: float) -> None:
    frozen, match, item, user = parts()
    gates = torch.sigmoid(item) * torch.sigmoid(user)
    scores = frozen.scorer(TotalIndirectEffect(reference="constant", constant=c))(EVERYONE)
    torch.testing.assert_close(scores, (match - c) * gates)


def test_by_default_the_constant_is_the_mean_match() -> None:
    frozen, match, item, user = parts()
    method, without = frozen.decoder.variants().values()
    c = match[:, [number for number in range(NUM_ITEMS) if number != LONE_ITEM]].mean()
    gates = torch.sigmoid(item) * torch.sigmoid(user)
    torch.testing.assert_close(frozen.scorer(method)(EVERYONE), (match - c) * gates)
    torch.testing.assert_close(frozen.scorer(without)(EVERYONE), match * gates)


def test_a_large_constant_ranks_the_unpopular_first() -> None:
    frozen, _, item, _ = parts()
    scores = frozen.scorer(TotalIndirectEffect(reference="constant", constant=1e6))(EVERYONE)
    assert torch.equal(scores.argsort(1), (-item).expand_as(scores).argsort(1))


def test_the_three_losses_are_cross_entropies() -> None:
    model, graph = small_model("macr", {"alpha": 0.1, "beta": 0.2})
    _, match, item, user = parts()
    chance = {
        "joint": torch.sigmoid(match * torch.sigmoid(item) * torch.sigmoid(user)),
        "item": torch.sigmoid(item).expand_as(match),
        "user": torch.sigmoid(user).expand_as(match),
    }
    objectives = model.decoder.objectives()
    assert {objective.name: objective.weight for objective in objectives} == {"joint": 1.0, "item": 0.1, "user": 0.2}
    for objective, batch in zip(objectives, first_batches(model, graph)):
        assert batch.labels is not None
        expected = F.binary_cross_entropy(
            chance[objective.name][batch.users, batch.items], batch.labels.clicked.double()
        )
        torch.testing.assert_close(loss_of(objective, model(graph), batch).detach(), expected)


def test_without_counterfactual_inference_is_the_constant_zero() -> None:
    frozen, *_ = parts()
    zero = frozen.scorer(TotalIndirectEffect(reference="constant", constant=0.0))(EVERYONE)
    assert torch.equal(zero, frozen.scorer(Observational())(EVERYONE))


def test_extreme_logits_stay_finite_and_single_precision_agrees() -> None:
    decoder = decoders.get("macr")(decoders.get("macr").Config(), CONTEXT)
    extreme = torch.tensor([-1e4, -3.0, 0.2, 1e4], dtype=torch.float64)
    logits = dict(zip(("match", "item", "user"), torch.cartesian_prod(extreme, extreme, extreme).T))
    for score in (decoder.outcome.score, *(objective.score for objective in decoder.objectives())):
        double = score(logits)
        single = score({name: logit.float() for name, logit in logits.items()})
        assert double.isfinite().all()
        torch.testing.assert_close(single.double(), double, rtol=1e-5, atol=1e-30)


def test_a_user_whose_gate_is_shut_still_gets_a_ranking() -> None:
    frozen, match, item, _ = parts()
    with torch.no_grad():
        frozen.branches["user"].user.fill_(-1e4)
    scores = frozen.scorer(Observational())(EVERYONE)
    assert torch.equal(scores.argsort(1), (match * torch.sigmoid(item)).argsort(1))
