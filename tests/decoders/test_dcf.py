"""DCF: likes adjusted for the substitute confounder that the exposure model found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import Tensor

from graphrec.causal import CausalGraph, Observational
from graphrec.decoders import Labels, decoders
from graphrec.decoders.poisson_factorisation import fit_poisson_factorisation
from graphrec.graph.build import InteractionGraph
from graphrec.recommender import Recommender
from graphrec.testing import DecoderContract
from graphrec.testing.small_graph import NUM_ITEMS, NUM_USERS, small_graph
from graphrec.testing.small_model import CONTEXT, EVERYONE, first_batches, small_model
from graphrec.training.objective import loss_of


class TestDCF(DecoderContract):
    decoder = "dcf"


class TestDCFAsThePaper(DecoderContract):
    decoder = "dcf"
    settings: ClassVar = {"loss": "squared", "gamma": "global", "width": 3, "graph": "click"}


def model_with_gamma(**settings: Any) -> tuple[Recommender, InteractionGraph, Tensor, Tensor]:
    """A model whose coefficients are not zero, and its match and substitute `[U, I]`."""
    model, graph = small_model("dcf", {"width": 2, **settings})
    gamma = model.get_parameter("decoder.gamma")
    with torch.no_grad():
        gamma.copy_(torch.linspace(0.5, 1.5, gamma.numel()).view(-1, 1))
    fused = model.representations(graph)["main"]["fused"]
    actual = fit_poisson_factorisation(graph.pairs("click"), NUM_USERS, NUM_ITEMS, width=2, seed=0)
    return model, graph, (fused.user @ fused.item.T).detach(), gamma.detach() * (actual.user @ actual.item.T)


@pytest.mark.parametrize(("gamma", "size"), [("user", NUM_USERS), ("global", 1)])
def test_the_score_is_the_match_and_the_weighted_substitute(gamma: str, size: int) -> None:
    model, graph, match, substitute = model_with_gamma(gamma=gamma)
    assert model.get_parameter("decoder.gamma").numel() == size
    scores = model.freeze(graph).scorer(Observational())(EVERYONE)
    torch.testing.assert_close(scores, match + substitute)


def test_likes_are_trained_by_bpr_against_the_unliked() -> None:
    model, graph, match, substitute = model_with_gamma()
    (objective,), (batch,) = model.decoder.objectives(), first_batches(model, graph)
    table = match + substitute
    margin = table[batch.users, batch.items] - table[batch.users, batch.negatives]
    torch.testing.assert_close(loss_of(objective, model(graph), batch).detach(), F.softplus(-margin).mean())
    likes = set(map(tuple, graph.pairs("like").tolist()))
    assert batch.negatives is not None
    assert set(zip(batch.users.tolist(), batch.items.tolist())) <= likes
    assert not set(zip(batch.users.tolist(), batch.negatives.tolist())) & likes


def test_the_papers_likelihood_is_squared_error_over_the_clicks() -> None:
    model, graph, match, substitute = model_with_gamma(loss="squared")
    with torch.no_grad():
        model.get_parameter("decoder.b0").fill_(0.3)
    (objective,), (batch,) = model.decoder.objectives(), first_batches(model, graph)
    clicks, likes = (set(map(tuple, graph.pairs(role).tolist())) for role in ("click", "like"))
    drawn = list(zip(batch.users.tolist(), batch.items.tolist()))
    assert set(drawn) <= clicks and not set(drawn) <= likes
    errors = [float(pair in likes) - float((match + substitute)[pair]) - 0.3 for pair in drawn]
    expected = torch.tensor(errors, dtype=torch.float64).square().mean()
    torch.testing.assert_close(loss_of(objective, model(graph), batch).detach(), expected)
    frozen = model.freeze(graph)
    torch.testing.assert_close(frozen.scorer(Observational())(EVERYONE), match + substitute + 0.3)


def test_the_substitute_is_saved_with_the_weights_and_never_trained() -> None:
    model, graph, *_ = model_with_gamma()
    state = model.state_dict()
    assert {"decoder.pi", "decoder.lambda_"} <= set(state)
    assert not {"decoder.pi", "decoder.lambda_"} & {name for name, _ in model.named_parameters()}
    before = state["decoder.pi"].clone()
    (objective,), (batch,) = model.decoder.objectives(), first_batches(model, graph)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    gamma = model.get_parameter("decoder.gamma").detach().clone()
    loss_of(objective, model(graph), batch).backward()
    optimiser.step()
    assert torch.equal(model.state_dict()["decoder.pi"], before)
    assert not torch.equal(model.get_parameter("decoder.gamma"), gamma)


def test_it_starts_without_adjustment() -> None:
    model, graph = small_model("dcf")
    fused = model.representations(graph)["main"]["fused"]
    scores = model.freeze(graph).scorer(Observational())(EVERYONE)
    torch.testing.assert_close(scores, (fused.user @ fused.item.T).detach())


def test_the_exposure_model_reads_clicks_and_no_likes() -> None:
    models = [small_model("dcf", graph=small_graph(like_is_click=same))[0] for same in (False, True)]
    assert torch.equal(*(model.state_dict()["decoder.pi"] for model in models))
    more = small_model("dcf", graph=small_graph(extra_clicks=((6, 3),)))[0]
    assert not torch.equal(more.state_dict()["decoder.pi"], models[0].state_dict()["decoder.pi"])


def test_no_back_door_is_open_through_the_multi_cause_confounder() -> None:
    outcome = decoders.get("dcf")(decoders.get("dcf").Config(), CONTEXT).outcome
    proof = Observational().identify(outcome)
    assert not proof.caveats and proof.formula.startswith("P(L | do(I), U, A) =")
    assert any(path.startswith("I <- A <- W -> L") for path in proof.blocked)
    assert "nothing hidden causes both I and L, save through A" in proof.untestable


def test_a_single_cause_confounder_of_the_item_stays_open() -> None:
    outcome = decoders.get("dcf")(decoders.get("dcf").Config(), CONTEXT).outcome
    graph = outcome.graph.to_dict()
    graph["nodes"]["V"] = {"meaning": "HCR's hidden cause", "observed": False, "deterministic": False}
    graph["edges"] += [["V", "I"], ["V", "L"]]
    proof = Observational().identify(replace(outcome, graph=CausalGraph.from_dict(graph)))
    assert any("I <- V -> L" in caveat for caveat in proof.caveats)


@pytest.mark.parametrize("wrong", [{"width": 0}, {"gamma": "item"}, {"shape": 0.0}, {"rate": -1.0}, {"loss": "bce"}])
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        decoders.get("dcf").Config(**wrong)


def test_extreme_logits_stay_finite_and_single_precision_agrees() -> None:
    model, _ = small_model("dcf", {"loss": "squared"})
    (objective,) = model.decoder.objectives()
    assert callable(objective.loss)
    extreme = torch.tensor([-1e4, -3.0, 0.2, 1e4], dtype=torch.float64)
    logits = {"match": extreme, "substitute": torch.tensor([-1e4, 0.5, 0.1, 1e4], dtype=torch.float64)}
    labels = Labels(torch.ones(4), torch.tensor([0.0, 1.0, 0.0, 1.0]))
    double = objective.loss(logits, labels)
    single = objective.loss({name: logit.float() for name, logit in logits.items()}, labels)
    assert double.isfinite().all()
    torch.testing.assert_close(single.double(), double, rtol=1e-5, atol=0)
