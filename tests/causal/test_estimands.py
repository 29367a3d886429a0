from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.branch_logits import logits, ranking

from graphrec.causal import (
    BackDoor,
    EffectOfMediator,
    EffectOnMediator,
    Estimand,
    FrontDoor,
    Node,
    Observational,
    Outcome,
    TotalIndirectEffect,
    estimands,
)
from graphrec.errors import IdentificationError, RecipeError

CAUSALREC = "match match_visual notice"
HCR = "f h1 h2"
PDA = "interest now later"


def test_front_door_times_h2_is_hcr_t(hcr_outcome):
    factual, _ = logits(7, HCR)
    front = FrontDoor().score(hcr_outcome, factual)
    h2 = hcr_outcome.factors["confounded"](factual)
    total = front + h2 if hcr_outcome.log else front * h2
    assert torch.allclose(total, Observational().score(hcr_outcome, factual))


def test_front_door_ranking_ignores_the_confounded_factor(hcr_outcome):
    factual, _ = logits(8, HCR)
    other = {**factual, "h2": factual["h2"] * torch.rand(4, 1) - 3}
    assert torch.equal(FrontDoor().score(hcr_outcome, factual), FrontDoor().score(hcr_outcome, other))
    assert ranking(Observational().score(hcr_outcome, factual)) != ranking(Observational().score(hcr_outcome, other))


def test_the_halves_multiply_to_the_front_door(hcr_outcome):
    factual, _ = logits(9, HCR)
    on, of = EffectOnMediator().score(hcr_outcome, factual), EffectOfMediator().score(hcr_outcome, factual)
    assert torch.equal(FrontDoor().score(hcr_outcome, factual), on + of if hcr_outcome.log else on * of)
    assert torch.equal(on, hcr_outcome.factors["mediator"](factual))
    assert torch.equal(of, hcr_outcome.factors["effect"](factual))


def test_every_estimand_identifies_on_its_papers_graph(hcr_outcome, causalrec_outcome):
    assert FrontDoor().identify(hcr_outcome).criterion == "front-door"
    stated = replace(hcr_outcome, form=("the like splits",))
    assert FrontDoor().identify(stated).assumptions == (
        *FrontDoor().identify(hcr_outcome).assumptions,
        "the like splits",
    )
    assert EffectOnMediator().identify(hcr_outcome).formula.startswith("P(Z, C | do(I), U)")
    assert EffectOfMediator().identify(hcr_outcome).formula.startswith("P(L | do(Z, C), U)")
    assert Observational().identify(hcr_outcome).caveats
    assert TotalIndirectEffect().identify(causalrec_outcome).caveats == ()
    assert "0.4" in TotalIndirectEffect(strength=0.4).identify(causalrec_outcome).caveats[0]


def test_a_graph_that_breaks_the_criterion_is_refused(hcr_outcome, hcr):
    broken = Outcome(score=hcr_outcome.score, log=hcr_outcome.log, factors=hcr_outcome.factors, graph=hcr(("I", "L")))
    with pytest.raises(IdentificationError, match="I -> L"):
        FrontDoor().identify(broken)


def test_an_estimand_says_what_the_decoder_lacks(causalrec_outcome, hcr_outcome):
    factual, reference = logits(10, CAUSALREC)
    for act in (FrontDoor().identify, lambda outcome: FrontDoor().score(outcome, factual)):
        with pytest.raises(RecipeError, match="factors: mediator, effect") as caught:
            act(causalrec_outcome)
        assert "natural_direct_effect, observational, total_effect, total_indirect_effect" in str(caught.value)
    tie = TotalIndirectEffect()
    for act in (tie.identify, lambda outcome: tie.score(outcome, factual, reference)):
        with pytest.raises(RecipeError, match="mediated branches") as caught:
            act(hcr_outcome)
        assert "effect_of_mediator, effect_on_mediator, front_door, observational" in str(caught.value)


@pytest.mark.parametrize("name", list(estimands))
def test_scoring_is_pure_and_a_block_gives_what_its_rows_and_pairs_give(
    name, causalrec_outcome, hcr_outcome, pda_outcome
):
    estimand = estimands.get(name)()
    outcome, names = (causalrec_outcome, CAUSALREC) if estimand.needs_reference else (hcr_outcome, HCR)
    if name == "back_door":
        outcome, names = pda_outcome, PDA
    factual, reference = logits(11, names)
    before = [{key: value.clone() for key, value in world.items()} for world in (factual, reference)]
    first = estimand.score(outcome, factual, reference)
    assert torch.equal(first, estimand.score(outcome, factual, reference))
    for world, copy in zip((factual, reference), before):
        assert all(torch.equal(world[key], copy[key]) for key in copy)
    assert first.shape == (4, 9)
    row = [{key: value[2:3] for key, value in world.items()} for world in (factual, reference)]
    assert torch.allclose(estimand.score(outcome, *row), first[2:3], rtol=1e-12)
    pairs = {key: value[:, 5] for key, value in factual.items()}
    at_reference = {key: value[:, 0] for key, value in reference.items()}
    assert torch.allclose(estimand.score(outcome, pairs, at_reference), first[:, 5], rtol=1e-12)


def test_back_door_ranks_by_the_conditional_factor_and_the_forecast_multiplies(pda_outcome):
    factual, _ = logits(12, PDA)
    average = BackDoor().score(pda_outcome, factual)
    assert torch.equal(average, pda_outcome.factors["conditional"](factual))
    forecast = pda_outcome.factors["forecast"](factual)
    both = average + forecast if pda_outcome.log else average * forecast
    assert torch.equal(BackDoor(level="forecast").score(pda_outcome, factual), both)
    other = {**factual, "now": torch.randn_like(factual["now"])}
    assert torch.equal(BackDoor().score(pda_outcome, other), average), "today's popularity is summed out"
    assert not torch.equal(Observational().score(pda_outcome, other), Observational().score(pda_outcome, factual))


def test_back_door_speaks_of_the_declared_set_and_of_how_the_outcome_splits(pda_outcome):
    average = BackDoor().identify(pda_outcome)
    assert average.formula == "P(C | do(I), U) = sum_{Z} P(C | I, Z, U) P(Z | U)"
    assert average.adjustment == ("Z", "U")
    assert average.assumptions[-1] == "P(C | U, I, Z) is a positive factor of U, I times a positive factor of Z"
    forecast = BackDoor(level="forecast").identify(pda_outcome)
    assert forecast.formula == "P(C | do(I), do(Z), U) = P(C | I, Z, U)"
    assert "the forecast of Z comes true" in forecast.untestable


def test_back_door_does_not_look_for_another_set_than_the_factor_stands_for(pda_outcome):
    undeclared = replace(pda_outcome, graph=replace(pda_outcome.graph, adjustment=()))
    with pytest.raises(IdentificationError, match="declares an adjustment set"):
        BackDoor().identify(undeclared)
    nodes = {**pda_outcome.graph.nodes, "H": Node("hidden", observed=False)}
    worse = replace(pda_outcome.graph, nodes=nodes, edges=[*pda_outcome.graph.edges, ("H", "I"), ("H", "C")])
    with pytest.raises(IdentificationError) as caught:
        BackDoor().identify(pda_outcome.with_graph(worse))
    assert caught.value.got == "I <- H -> C"


def test_a_hidden_cause_of_the_confounder_breaks_the_forecast_and_not_the_average(pda_outcome):
    graph = pda_outcome.graph
    nodes = {**graph.nodes, "H": Node("a fashion", observed=False)}
    upstream = pda_outcome.with_graph(replace(graph, nodes=nodes, edges=[*graph.edges, ("H", "Z"), ("H", "I")]))
    assert BackDoor().identify(upstream) and BackDoor(level="forecast").identify(upstream)
    fashion = pda_outcome.with_graph(replace(graph, nodes=nodes, edges=[*graph.edges, ("H", "Z"), ("H", "C")]))
    assert BackDoor().identify(fashion)
    with pytest.raises(IdentificationError) as caught:
        BackDoor(level="forecast").identify(fashion)
    assert caught.value.got == "Z <- H -> C"


def test_an_outcome_moves_to_another_graph_only_if_its_roles_stay(hcr_outcome, hcr):
    wider = hcr(("V", "U"))
    assert hcr_outcome.with_graph(wider).graph == wider and hcr_outcome.with_graph(None) is hcr_outcome
    with pytest.raises(RecipeError, match="role `mediators`") as caught:
        hcr_outcome.with_graph(replace(wider, mediators=("C",)))
    assert (caught.value.expected, caught.value.got) == ("Z, C", "C")


def test_estimands_are_frozen_values_with_checked_options():
    assert TotalIndirectEffect(strength=0.4) == TotalIndirectEffect(strength=0.4)
    assert set(estimands) >= {"observational", "front_door", "effect_on_mediator", "effect_of_mediator"}
    assert {"back_door", "total_effect", "natural_direct_effect", "total_indirect_effect"} < set(estimands)
    with pytest.raises(ValueError, match="frozen"):
        TotalIndirectEffect().strength = 2.0
    for wrong in ({"strength": -0.1}, {"strength": np.nan}, {"strenght": 1.0}):
        with pytest.raises(ValueError):
            TotalIndirectEffect(**wrong)
    assert all(issubclass(estimands.get(name), Estimand) for name in estimands)
