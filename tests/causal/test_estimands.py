from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import logsigmoid

from graphrec.causal import (
    EffectOfMediator,
    EffectOnMediator,
    Estimand,
    FrontDoor,
    Observational,
    Outcome,
    TotalIndirectEffect,
    constant_logits,
    estimands,
)
from graphrec.errors import IdentificationError, RecipeError


def logits(seed: int, names: str, shape=(4, 9), scale=2.0, dtype=torch.float64):
    """Factual [b, I] and reference [b, 1] logits."""
    make = torch.Generator().manual_seed(seed)
    factual = {name: scale * torch.randn(shape, generator=make, dtype=dtype) for name in names.split()}
    reference = {name: scale * torch.randn(shape[0], 1, generator=make, dtype=dtype) for name in names.split()}
    return factual, reference


@pytest.fixture
def causalrec_outcome(causalrec):
    names = ("match", "match_visual", "notice")
    return Outcome(
        score=lambda z: sum(logsigmoid(z[name]) for name in names),
        log=True,
        mediated=("match", "match_visual"),
        graph=causalrec(),
    )


@pytest.fixture
def vbpr_outcome(causalrec):
    graph = causalrec(("U", "Y"), ("I", "Y"))
    return Outcome(score=lambda z: z["match"] + z["notice"], log=False, mediated=("match",), graph=graph)


@pytest.fixture(params=[True, False], ids=["log", "raw"])
def hcr_outcome(request, hcr):
    """HCR's like score f h1 h2, in log space or as a plain product."""
    names = {"mediator": "f", "effect": "h1", "confounded": "h2"}
    if request.param:
        factors = {role: lambda z, name=name: logsigmoid(z[name]) for role, name in names.items()}
        return Outcome(score=lambda z: sum(f(z) for f in factors.values()), log=True, factors=factors, graph=hcr())
    factors = {role: lambda z, name=name: torch.sigmoid(z[name]) for role, name in names.items()}
    score = lambda z: factors["mediator"](z) * factors["effect"](z) * factors["confounded"](z)  # noqa: E731
    return Outcome(score=score, log=False, factors=factors, graph=hcr())


CAUSALREC = "match match_visual notice"
HCR = "f h1 h2"


def ranking(scores):
    return scores.argsort(dim=-1, descending=True, stable=True).tolist()


@pytest.mark.parametrize("scale", [2.0, 1e4])
def test_strength_zero_is_the_observational_score_bit_for_bit(causalrec_outcome, scale):
    factual, reference = logits(0, CAUSALREC, scale=scale, dtype=torch.float32)
    untouched = TotalIndirectEffect(strength=0)
    assert not untouched.needs_reference
    expected = Observational().score(causalrec_outcome, factual)
    assert torch.equal(untouched.score(causalrec_outcome, factual), expected)
    assert torch.equal(untouched.score(causalrec_outcome, factual, reference), expected)


def test_vbpr_indirect_effect_is_the_match_up_to_a_constant_per_user(vbpr_outcome):
    factual, reference = logits(1, "match notice")
    scores = TotalIndirectEffect().score(vbpr_outcome, factual, reference)
    assert torch.allclose(scores, factual["match"] - reference["match"], atol=1e-12)
    blind = {**factual, "notice": torch.randn_like(factual["notice"])}
    assert ranking(TotalIndirectEffect().score(vbpr_outcome, blind, reference)) == ranking(factual["match"])


@pytest.mark.parametrize("strength", [0.2, 0.8, 1.0, 1.2])
def test_causalrec_equation_28(causalrec_outcome, strength):
    factual, reference = logits(2, CAUSALREC)
    match, visual, notice = (torch.sigmoid(factual[name]) for name in CAUSALREC.split())
    constant = torch.sigmoid(reference["match"]) * torch.sigmoid(reference["match_visual"])
    expected = notice * (match * visual - strength * constant)
    estimand = TotalIndirectEffect(strength=strength)
    assert torch.allclose(estimand.effect(causalrec_outcome, factual, reference), expected, atol=1e-14)
    scores = estimand.score(causalrec_outcome, factual, reference)
    assert ranking(scores) == ranking(expected)
    assert torch.equal(scores.sign(), expected.sign())


def test_the_transform_is_invertible_to_the_effect(causalrec_outcome):
    factual, reference = logits(3, CAUSALREC)
    estimand = TotalIndirectEffect(strength=0.7)
    scores = estimand.score(causalrec_outcome, factual, reference)
    size = torch.where(scores.abs() > 1, scores.abs() - 1, 1 - 1 / scores.abs())
    expected = estimand.effect(causalrec_outcome, factual, reference)
    assert torch.allclose(scores.sign() * size.exp(), expected, rtol=1e-10)


def test_ranking_survives_where_the_probabilities_underflow(causalrec_outcome):
    """N is 1e-4343 and less: the effects are 0 as floats, yet their order is known."""
    notice = torch.tensor([[-1e4, -2e4, -1e4, -2e4, 1e4, 1e4]])
    match = torch.tensor([[1e4, 1e4, -1e4, -1e4, 1e4, -1e4]])
    factual = {"match": match, "match_visual": torch.full_like(match, 1e4), "notice": notice}
    reference = {"match": torch.zeros(1, 1), "match_visual": torch.zeros(1, 1)}
    estimand = TotalIndirectEffect()
    scores = estimand.score(causalrec_outcome, factual, reference)
    assert (estimand.effect(causalrec_outcome, factual, reference)[0, :4] == 0).all()
    assert scores.isfinite().all()
    assert ranking(scores) == [[4, 0, 1, 3, 2, 5]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("strength", [0.3, 1.0, 1.2])
def test_no_logit_within_1e4_gives_nan(causalrec_outcome, dtype, strength):
    grid = torch.tensor([-1e4, -100.0, 0.0, 100.0, 1e4], dtype=dtype)
    columns = torch.cartesian_prod(grid, grid, grid)
    factual = {name: columns[None, :, k] for k, name in enumerate(CAUSALREC.split())}
    for value in grid.tolist():
        reference = constant_logits(factual, ("match", "match_visual"), value)
        assert TotalIndirectEffect(strength=strength).score(causalrec_outcome, factual, reference).isfinite().all()


@pytest.mark.parametrize("scale", [2.0, 10.0, 40.0])
def test_float32_ranks_as_float64_wherever_the_logarithms_tell_items_apart(causalrec_outcome, scale):
    factual, reference = logits(4, CAUSALREC, shape=(8, 60), scale=scale)
    single = [{name: value.float() for name, value in world.items()} for world in (factual, reference)]
    estimand = TotalIndirectEffect(strength=0.9)
    double = estimand.score(causalrec_outcome, factual, reference)
    order = double.argsort(dim=-1)
    sorted_single = estimand.score(causalrec_outcome, *single).gather(1, order)
    apart = double.gather(1, order).diff(dim=-1) > 1e-4 * double.gather(1, order)[:, 1:].abs()
    assert apart.float().mean() > 0.7
    assert (sorted_single.diff(dim=-1)[apart] > 0).all()


def test_an_item_at_its_reference_has_no_effect(causalrec_outcome):
    factual, _ = logits(5, CAUSALREC)
    scores = TotalIndirectEffect().score(causalrec_outcome, factual, factual)
    assert torch.equal(scores, torch.zeros_like(scores))


def test_macr_subtracts_a_constant_from_the_match(causalrec):
    """MACR: (match - c) s(user) s(item)."""
    outcome = Outcome(
        score=lambda z: z["match"] * torch.sigmoid(z["user"]) * torch.sigmoid(z["item"]),
        log=False,
        mediated=("match",),
        graph=causalrec(),
    )
    factual, _ = logits(6, "match user item")
    scores = TotalIndirectEffect().score(outcome, factual, constant_logits(factual, ("match",), 30.0))
    expected = (factual["match"] - 30) * torch.sigmoid(factual["user"]) * torch.sigmoid(factual["item"])
    assert torch.allclose(scores, expected)


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
    assert any("h1(u, m) h2(u, i)" in line for line in FrontDoor().identify(hcr_outcome).assumptions)
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
        with pytest.raises(RecipeError, match="factors: mediator, effect"):
            act(causalrec_outcome)
    tie = TotalIndirectEffect()
    for act in (tie.identify, lambda outcome: tie.score(outcome, factual, reference)):
        with pytest.raises(RecipeError, match="mediated branches"):
            act(hcr_outcome)


@pytest.mark.parametrize("factual, reference", [((6,), (6, 1)), ((4, 9), (4, 3)), ((4, 9), (1, 1)), ((6,), (1,))])
def test_reference_logits_that_would_broadcast_across_pairs_are_refused(vbpr_outcome, factual, reference):
    world = {"match": torch.zeros(factual), "notice": torch.zeros(factual)}
    with pytest.raises(ValueError, match="match"):
        TotalIndirectEffect().score(vbpr_outcome, world, {"match": torch.zeros(reference)})
    with pytest.raises(ValueError, match="reference"):
        TotalIndirectEffect().score(vbpr_outcome, world)


@pytest.mark.parametrize("name", list(estimands))
def test_scoring_is_pure_and_a_block_gives_what_its_rows_and_pairs_give(name, causalrec_outcome, hcr_outcome):
    estimand = estimands.get(name)()
    outcome, names = (causalrec_outcome, CAUSALREC) if estimand.needs_reference else (hcr_outcome, HCR)
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


def test_estimands_are_frozen_values_with_checked_options():
    assert TotalIndirectEffect(strength=0.4) == TotalIndirectEffect(strength=0.4)
    assert set(estimands) >= {"observational", "front_door", "effect_on_mediator", "effect_of_mediator"}
    with pytest.raises(ValueError, match="frozen"):
        TotalIndirectEffect().strength = 2.0
    for wrong in ({"strength": -0.1}, {"strength": np.nan}, {"strenght": 1.0}):
        with pytest.raises(ValueError):
            TotalIndirectEffect(**wrong)
    assert all(issubclass(estimands.get(name), Estimand) for name in estimands)
