"""HCR: the two towers' branches, the front-door score, and its variants on one trained model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from graphrec.backbones import Representation
from graphrec.causal import EffectOfMediator, EffectOnMediator, FrontDoor, Observational
from graphrec.decoders import BlockLogits, Context, Objective, decoders
from graphrec.recommender import FrozenModel
from graphrec.testing import DecoderContract
from graphrec.testing.small_model import CONTEXT, EVERYONE, first_batches, small_model
from graphrec.training.objective import loss_of


class TestHCR(DecoderContract):
    decoder = "hcr"
    items_are_independent = False


class TestHCRInPlainForm(DecoderContract):
    decoder = "hcr"
    settings: ClassVar = {"from_mean_item": False}


class TestHCRAsProbabilities(DecoderContract):
    decoder = "hcr"
    settings: ClassVar = {"loss": "bce"}
    items_are_independent = False


class TestHCRGivenTheClick(DecoderContract):
    decoder = "hcr"
    settings: ClassVar = {"loss": "bce", "like_negatives": "clicked", "link": "softplus"}
    items_are_independent = False


class TestHCRWithAuxiliaryLosses(DecoderContract):
    decoder = "hcr"
    settings: ClassVar = {
        "auxiliary_exposure": 0.5,
        "auxiliary_effect": 1.0,
        "link": "raw",
        "beta_on": "click",
    }
    items_are_independent = False


class TestHCRNS(DecoderContract):
    decoder = "hcr"
    settings: ClassVar = {"share_embeddings": False, "like_graph": "like"}
    items_are_independent = False


def parts(settings: dict[str, Any] | None = None) -> tuple[FrozenModel, dict[str, Tensor]]:
    """A frozen model, and f, h1, h2 `[U, I]` computed from its representations by the formulas."""
    model, graph = small_model("hcr", settings)
    frozen = model.freeze(graph)

    def logits(tower: str, *names: str) -> Tensor:
        tables = [frozen.representations[tower][name] for name in names]
        user, item = (torch.stack([getattr(table, side) for table in tables]).mean(0) for side in ("user", "item"))
        return user @ item.T

    def core(table: Tensor) -> Tensor:
        centred = (settings or {}).get("from_mean_item", True)
        return table - table.mean(1, keepdim=True) if centred else table

    every, seen, content = ("visual", "title", "acoustic"), ("visual", "title"), ("acoustic",)
    return frozen, {
        "f": core(logits("click", *every)) * torch.sigmoid(logits("click", *seen)),
        "h1": core(logits("like", *every)),
        "h2": torch.sigmoid(logits("like", *seen)) * torch.sigmoid(logits("like", *content)),
    }


LINKS: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "softplus": torch.nn.functional.softplus,
}


@pytest.mark.parametrize("link", ["sigmoid", "softplus"])
@pytest.mark.parametrize("from_mean_item", [False, True])
def test_the_four_variants_are_products_of_the_same_three_factors(link: str, from_mean_item: bool) -> None:
    frozen, factors = parts({"link": link, "from_mean_item": from_mean_item})
    f, h1, h2 = LINKS[link](factors["f"]), LINKS[link](factors["h1"]), factors["h2"]
    expected = {"HCR": f * h1, "HCR-T": f * h1 * h2, "HCR-S1": f, "HCR-S2": h1}
    variants = frozen.decoder.variants()
    assert list(variants) == ["HCR", "HCR-T", "HCR-S1", "HCR-S2"]
    for name, estimand in variants.items():
        torch.testing.assert_close(frozen.scorer(estimand)(EVERYONE).exp(), expected[name])


def test_raw_products_are_those_of_the_inner_products() -> None:
    frozen, factors = parts({"link": "raw"})
    expected = {
        FrontDoor(): factors["f"] * factors["h1"],
        Observational(): factors["f"] * factors["h1"] * factors["h2"],
        EffectOnMediator(): factors["f"],
        EffectOfMediator(): factors["h1"],
    }
    for estimand, table in expected.items():
        torch.testing.assert_close(frozen.scorer(estimand)(EVERYONE), table)


@pytest.mark.parametrize("link", ["sigmoid", "softplus"])
def test_logits_far_below_zero_still_have_different_scores(link: str) -> None:
    outcome = decoders.get("hcr")(decoders.get("hcr").Config(link=link), CONTEXT).outcome
    match = torch.tensor([-1e4, -200.0, -100.0, -80.5, -79.5, -20.0, 0.0, 1e4])
    scores = EffectOfMediator().score(outcome, {"like_match": match})
    assert scores.isfinite().all()
    assert (scores[:-1].diff() > 0).all()
    exact = EffectOfMediator().score(outcome, {"like_match": match.double()})
    torch.testing.assert_close(scores.double(), exact, rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("link", ["sigmoid", "raw", "softplus"])
def test_the_front_door_score_does_not_see_h2(link: str) -> None:
    frozen, _ = parts({"link": link})
    generator = torch.Generator().manual_seed(0)
    scale = 0.2 + 5 * torch.rand(len(EVERYONE), 1, generator=generator, dtype=torch.float64)
    rescaled = {
        name: Representation(branch.user * scale, branch.item) if name in ("like_exposure", "like_content") else branch
        for name, branch in frozen.branches.items()
    }
    other = replace(frozen, branches=rescaled)
    for estimand in (FrontDoor(), EffectOnMediator(), EffectOfMediator()):
        assert torch.equal(frozen.scorer(estimand)(EVERYONE), other.scorer(estimand)(EVERYONE))
    observed = (model.scorer(Observational())(EVERYONE) for model in (frozen, other))
    assert not torch.equal(*observed)


def test_likes_are_trained_on_h1_times_h2_and_clicks_on_f() -> None:
    model, graph = small_model("hcr", {"beta": 3.0})
    _, factors = parts({"beta": 3.0})
    scores = {"click": factors["f"], "like": factors["h1"] * factors["h2"]}
    objectives = {objective.name: objective for objective in model.decoder.objectives()}
    assert {name: objective.weight for name, objective in objectives.items()} == {"click": 1.0, "like": 3.0}
    for (name, objective), batch in zip(objectives.items(), first_batches(model, graph)):
        table = scores[name]
        margin = table[batch.users, batch.items] - table[batch.users, batch.negatives]
        expected = -torch.log(torch.sigmoid(margin)).mean()
        torch.testing.assert_close(loss_of(objective, model(graph), batch).detach(), expected)


def objectives_of(**settings: Any) -> dict[str, Objective]:
    return {objective.name: objective for objective in small_model("hcr", settings)[0].decoder.objectives()}


def test_beta_weighs_the_task_that_it_is_on() -> None:
    terms = objectives_of(beta=3.0, beta_on="click")
    assert {name: objective.weight for name, objective in terms.items()} == {"click": 3.0, "like": 1.0}


@pytest.mark.parametrize("negatives", ["mixed", "clicked", "unclicked"])
@pytest.mark.parametrize("loss", ["bpr", "bce"])
def test_likes_have_the_negatives_that_are_asked_for_and_clicks_unclicked_items(loss: str, negatives: str) -> None:
    terms = objectives_of(loss=loss, like_negatives=negatives, auxiliary_effect=1.0)
    given_click = loss == "bce" and negatives == "clicked"
    assert (terms["like"].negatives, terms["like"].population) == (
        (None, "click") if given_click else (negatives, None)
    )
    assert terms["like by h1"].negatives == negatives
    assert terms["click"].negatives == "unclicked"


def test_the_auxiliary_losses_are_on_exposure_for_clicks_and_on_h1_for_likes() -> None:
    assert set(objectives_of()) == {"click", "like"}
    terms = objectives_of(auxiliary_exposure=0.5, auxiliary_effect=2.0)
    logits = {"click_exposure": torch.tensor([3.0]), "like_match": torch.tensor([4.0])}
    for name, label, weight, value in (("click by exposure", "click", 0.5, 3.0), ("like by h1", "like", 2.0, 4.0)):
        objective = terms[name]
        assert (objective.label, objective.loss, objective.weight, objective.score(logits).item()) == (
            label,
            "bpr",
            weight,
            value,
        )


def test_with_negatives_clicked_the_like_task_is_trained_on_clicks_alone() -> None:
    model, graph = small_model("hcr", {"loss": "bce", "like_negatives": "clicked"})
    _, factors = parts({"loss": "bce", "like_negatives": "clicked"})
    objective = model.decoder.objectives()[1]
    batch = first_batches(model, graph)[1]
    clicks, likes = (set(map(tuple, graph.pairs(role).tolist())) for role in ("click", "like"))
    drawn = list(zip(batch.users.tolist(), batch.items.tolist()))
    assert set(drawn) <= clicks
    assert batch.labels is not None
    assert batch.labels.liked.bool().tolist() == [pair in likes for pair in drawn]
    chance = (torch.sigmoid(factors["h1"]) * factors["h2"])[batch.users, batch.items]
    expected = torch.nn.functional.binary_cross_entropy(chance, batch.labels.liked.double())
    torch.testing.assert_close(loss_of(objective, model(graph), batch).detach(), expected)


def test_without_exposure_modalities_the_ids_stand_in() -> None:
    context = Context(exposure=(), content=("visual", "title", "acoustic"), embedding_size=4)
    model, graph = small_model("hcr", context=context)
    frozen = model.freeze(graph)
    ids = frozen.representations["click"]["id"]
    exposure = BlockLogits(frozen.branches, EVERYONE)["click_exposure"]
    torch.testing.assert_close(exposure, ids.user @ ids.item.T)


def test_towers_share_their_embeddings_by_default() -> None:
    shared, _ = small_model("hcr")
    separate, _ = small_model("hcr", {"share_embeddings": False})
    assert set(shared.tables) == {"shared"}
    assert set(separate.tables) == {"click", "like"}
