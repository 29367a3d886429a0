from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from support.branch_logits import logits, ranking

from graphrec.causal import NaturalDirectEffect, Observational, Outcome, TotalEffect, TotalIndirectEffect
from graphrec.errors import IdentificationError

CAUSALREC = "match match_visual notice"


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
        reference = {name: torch.full((1, 1), value, dtype=dtype) for name in factual}
        assert TotalIndirectEffect(strength=strength).score(causalrec_outcome, factual, reference).isfinite().all()
        for estimand in (TotalEffect(), NaturalDirectEffect()):
            assert estimand.score(causalrec_outcome, factual, reference).isfinite().all()


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


@pytest.mark.parametrize("kind", ["causalrec_outcome", "vbpr_outcome"])
@pytest.mark.parametrize("width", [1, 9])
def test_the_total_effect_is_the_direct_and_the_indirect_together(kind, width, request):
    outcome = request.getfixturevalue(kind)
    factual, _ = logits(13, CAUSALREC)
    reference, _ = logits(14, CAUSALREC, shape=(4, width))
    total, direct, indirect = (
        kind().effect(outcome, factual, reference) for kind in (TotalEffect, NaturalDirectEffect, TotalIndirectEffect)
    )
    torch.testing.assert_close(total, direct + indirect, rtol=0, atol=1e-15)
    assert min(direct.abs().max(), indirect.abs().max()) > 1e-2


@pytest.mark.parametrize("estimand", [TotalEffect(), NaturalDirectEffect(), TotalIndirectEffect()])
@pytest.mark.parametrize("width", [1, 9])
def test_a_score_ranks_exactly_as_its_effect_in_log_space_and_out_of_it(causalrec_outcome, estimand, width):
    factual, _ = logits(15, CAUSALREC)
    reference, _ = logits(16, CAUSALREC, shape=(4, width))
    plain = replace(causalrec_outcome, score=lambda z: causalrec_outcome.score(z).exp(), log=False)
    effect = estimand.effect(causalrec_outcome, factual, reference)
    torch.testing.assert_close(estimand.effect(plain, factual, reference), effect, rtol=1e-12, atol=1e-15)
    for outcome in (causalrec_outcome, plain):
        scores = estimand.score(outcome, factual, reference)
        assert ranking(scores) == ranking(effect)
        assert torch.equal(scores.sign(), effect.sign())


def test_equations_of_the_direct_and_the_total_effect_of_causalrec(causalrec_outcome):
    factual, reference = logits(17, CAUSALREC)
    match, visual, notice = (torch.sigmoid(factual[name]) for name in CAUSALREC.split())
    match0, visual0, notice0 = (torch.sigmoid(reference[name]) for name in CAUSALREC.split())
    direct = NaturalDirectEffect().effect(causalrec_outcome, factual, reference)
    torch.testing.assert_close(direct, match0 * visual0 * (notice - notice0), rtol=0, atol=1e-14)
    total = TotalEffect().effect(causalrec_outcome, factual, reference)
    torch.testing.assert_close(total, match * visual * notice - match0 * visual0 * notice0, rtol=0, atol=1e-14)


def test_the_total_effect_ranks_as_observed_unless_each_item_has_its_own_reference(causalrec_outcome):
    factual, reference = logits(18, CAUSALREC)
    observed = ranking(Observational().score(causalrec_outcome, factual))
    assert ranking(TotalEffect().score(causalrec_outcome, factual, reference)) == observed
    per_item, _ = logits(19, CAUSALREC)
    assert ranking(TotalEffect().score(causalrec_outcome, factual, per_item)) != observed


@pytest.mark.parametrize("scale", [2.0, 20.0])
@pytest.mark.parametrize("estimand", [TotalEffect(), NaturalDirectEffect(), TotalIndirectEffect(strength=0.7)])
def test_float32_scores_are_those_of_float64_where_the_two_worlds_are_apart(causalrec_outcome, estimand, scale):
    rough = [
        {name: value.float() for name, value in world.items()}
        for world in logits(20, CAUSALREC, shape=(8, 60), scale=scale)
    ]
    exact = [{name: value.double() for name, value in world.items()} for world in rough]
    world, other = estimand.worlds(causalrec_outcome, *exact)
    size = torch.maximum(world, other).abs()
    apart = ((world - other).abs() > 1e-1) & (size > 1e-1)
    assert apart.float().mean() > 0.6
    expected = estimand.score(causalrec_outcome, *exact)[apart]
    torch.testing.assert_close(estimand.score(causalrec_outcome, *rough)[apart].double(), expected, rtol=1e-5, atol=0)


def test_effects_identify_and_say_what_their_reference_is(causalrec_outcome, causalrec):
    for kind in (TotalEffect, NaturalDirectEffect, TotalIndirectEffect):
        assert kind().identify(causalrec_outcome).caveats == ()
        assert "no item" in kind(reference="constant").identify(causalrec_outcome).caveats[0]
        assert "its own i*" in kind(reference="category", category="kind").identify(causalrec_outcome).caveats[0]
        with pytest.raises(IdentificationError) as caught:
            kind().identify(causalrec_outcome.with_graph(causalrec(("H", "I"), ("H", "Y"), hidden=("H",))))
        assert caught.value.got == "I <- H -> Y"


@pytest.mark.parametrize("kind", [TotalEffect, NaturalDirectEffect, TotalIndirectEffect])
def test_an_option_that_its_reference_ignores_or_lacks_is_refused(kind):
    for wrong in (
        {"reference": "category"},
        {"category": "kind"},
        {"constant": 1.0},
        {"reference": "constant", "constant": float("inf")},
        {"reference": "median"},
    ):
        with pytest.raises(ValueError):
            kind(**wrong)
    assert kind(reference="constant").constant is None


def test_macr_subtracts_a_constant_from_the_match(causalrec):
    """MACR: (match - c) s(user) s(item)."""
    outcome = Outcome(
        score=lambda z: z["match"] * torch.sigmoid(z["user"]) * torch.sigmoid(z["item"]),
        log=False,
        mediated=("match",),
        graph=causalrec(),
    )
    factual, _ = logits(6, "match user item")
    scores = TotalIndirectEffect().score(outcome, factual, {"match": torch.full((4, 1), 30.0)})
    expected = (factual["match"] - 30) * torch.sigmoid(factual["user"]) * torch.sigmoid(factual["item"])
    assert torch.allclose(scores, expected)


@pytest.mark.parametrize("factual, reference", [((6,), (6, 1)), ((4, 9), (4, 3)), ((4, 9), (1, 1)), ((6,), (1,))])
def test_reference_logits_that_would_broadcast_across_pairs_are_refused(vbpr_outcome, factual, reference):
    world = {"match": torch.zeros(factual), "notice": torch.zeros(factual)}
    with pytest.raises(ValueError, match="match"):
        TotalIndirectEffect().score(vbpr_outcome, world, {"match": torch.zeros(reference)})
    with pytest.raises(ValueError, match="reference"):
        TotalIndirectEffect().score(vbpr_outcome, world)
