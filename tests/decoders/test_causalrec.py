"""CausalRec: match, visual match, notice; the direct effect of visual features removed at test time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest
import torch
import torch.nn.functional as F
from support.on_mf import mean_row, mf_model
from torch import Tensor

from graphrec.causal import Observational, TotalIndirectEffect
from graphrec.decoders import BlockLogits
from graphrec.recommender import FrozenModel
from graphrec.testing import DecoderContract
from graphrec.testing.small_graph import LONE_ITEM, small_graph
from graphrec.testing.small_model import CONTEXT, EVERYONE, first_batches, small_model
from graphrec.training.objective import loss_of


class TestCausalRec(DecoderContract):
    decoder = "causalrec"
    needs_modalities = True


class TestCausalRecAsTheAuthorsCode(DecoderContract):
    decoder = "causalrec"
    settings: ClassVar = {"fusion": "author", "behaviour": "like", "negatives": "unliked"}
    needs_modalities = True


class TestCausalRecByAddition(DecoderContract):
    decoder = "causalrec"
    settings: ClassVar = {"fusion": "add", "multitask": False}
    needs_modalities = True


class TestCausalRecInLogarithms(DecoderContract):
    decoder = "causalrec"
    settings: ClassVar = {"link": "log"}
    needs_modalities = True


class TestCausalRecWithANoticeForEachModality(DecoderContract):
    decoder = "causalrec"
    settings: ClassVar = {"notice_fusion": "product", "tanh_layers": 2, "item_bias": True}
    needs_modalities = True


def parts(centre: bool = False, **settings: Any) -> tuple[FrozenModel, dict[str, Tensor]]:
    """A frozen model, and its logits m, m', n `[U, I]`, m*, m'* `[U, 1]` written out from Eq. 19 to 21."""
    model, graph = small_model("causalrec", settings, centre_items=centre)
    frozen = model.freeze(graph)
    main = frozen.representations["main"]
    g_user = (main["id"].user + main["acoustic"].user) / 2
    g_item = (main["id"].item + main["acoustic"].item) / 2
    t = (main["visual"].user + main["title"].user) / 2
    phi = (main["visual"].item + main["title"].item) / 2
    weight, bias = (model.get_parameter(f"decoder.indirect.0.{name}").detach() for name in ("weight", "bias"))
    g_mean, phi_mean = (table[frozen.in_train].mean(0, keepdim=True) for table in (g_item, phi))
    return frozen, {
        "m": g_user @ g_item.T,
        "m'": g_user @ (g_item * torch.tanh(phi @ weight.T + bias)).T,
        "n": t @ phi.T,
        "m*": g_user @ g_mean.T,
        "m'*": g_user @ (g_mean * torch.tanh(phi_mean @ weight.T + bias)).T,
    }


def rank_equal(layer: Tensor, other: Tensor) -> bool:
    return torch.equal(layer.argsort(dim=1), other.argsort(dim=1))


def test_branch_logits_are_the_formulas() -> None:
    frozen, factors = parts()
    logits = BlockLogits(frozen.branches, EVERYONE)
    reference = BlockLogits(frozen.reference_branches("mean"), EVERYONE)
    for name, ours in {
        "m": logits["match"],
        "m'": logits["match_visual"],
        "n": logits["notice"],
        "m*": reference["match"],
        "m'*": reference["match_visual"],
    }.items():
        torch.testing.assert_close(ours, factors[name], rtol=0, atol=1e-12)


@pytest.mark.parametrize("centre", [False, True])
@pytest.mark.parametrize("strength", [0.2, 1.0, 1.2])
def test_eq_28_holds(strength: float, centre: bool) -> None:
    frozen, k = parts(centre)
    s = torch.sigmoid
    effect = s(k["n"]) * (s(k["m"]) * s(k["m'"]) - strength * s(k["m*"]) * s(k["m'*"]))
    estimand = TotalIndirectEffect(strength=strength)
    factual = BlockLogits(frozen.branches, EVERYONE)
    reference = BlockLogits(frozen.reference_branches("mean"), EVERYONE)
    torch.testing.assert_close(estimand.effect(frozen.outcome, factual, reference), effect, rtol=0, atol=1e-12)
    scores = frozen.scorer(estimand)(EVERYONE)
    assert rank_equal(scores, effect)
    assert torch.equal(scores > 0, effect > 0)


def test_the_reference_of_a_centred_model_is_indifference_where_every_item_is_trained() -> None:
    model, graph = small_model("causalrec", graph=small_graph(extra_clicks=((0, LONE_ITEM),)), centre_items=True)
    frozen = model.freeze(graph)
    reference = BlockLogits(frozen.reference_branches("mean"), EVERYONE)
    for name in ("match", "match_visual"):
        torch.testing.assert_close(reference[name], torch.zeros(len(EVERYONE), 1, dtype=torch.float64))


@pytest.mark.parametrize("fusion", ["paper", "author", "add"])
def test_strength_zero_ranks_as_without_counterfactual_inference(fusion: str) -> None:
    frozen, _ = parts(fusion=fusion)
    without = frozen.scorer(Observational())(EVERYONE)
    assert torch.equal(frozen.scorer(TotalIndirectEffect(strength=0))(EVERYONE), without)
    assert not rank_equal(frozen.scorer(TotalIndirectEffect(strength=1))(EVERYONE), without)


def test_the_three_fusions_are_what_they_say() -> None:
    s = torch.sigmoid
    for fusion in ("paper", "author", "add"):
        frozen, k = parts(fusion=fusion)
        scores = frozen.scorer(Observational())(EVERYONE)
        match = k["m"] + k["m'"]
        expected = {
            "paper": s(k["m"]) * s(k["m'"]) * s(k["n"]),
            "author": s(match + k["n"]) * s(match) * s(k["n"]),
            "add": (match + k["n"]).exp(),
        }[fusion]
        torch.testing.assert_close(scores.exp(), expected)


def test_by_addition_the_notice_drops_out_and_the_reference_does_not_matter() -> None:
    frozen, k = parts(fusion="add")
    for reference in ("mean", "zero"):
        scores = frozen.scorer(TotalIndirectEffect(reference=reference))(EVERYONE)
        shift = scores - (k["m"] + k["m'"])
        torch.testing.assert_close(shift, shift[:, :1].expand_as(shift))


def test_the_joint_loss_compares_products_and_the_others_logits() -> None:
    model, graph = small_model("causalrec", centre_items=False)
    _, k = parts()
    s = torch.sigmoid
    tables = {
        "joint": s(k["m"]) * s(k["m'"]) * s(k["n"]),
        "notice": k["n"],
        "match": k["m"] + k["m'"],
    }
    terms = dict(zip(tables, zip(model.decoder.objectives(), first_batches(model, graph))))
    for name, (objective, batch) in terms.items():
        assert objective.name == name
        margin = tables[name][batch.users, batch.items] - tables[name][batch.users, batch.negatives]
        expected = F.softplus(-margin).mean()
        torch.testing.assert_close(loss_of(objective, model(graph), batch).detach(), expected)


VARIANTS = {"A": ("add", False), "AML": ("add", True), "M": ("paper", False), "MML": ("paper", True)}


@pytest.mark.parametrize("suffix", VARIANTS)
def test_the_papers_variants_are_two_options(suffix: str) -> None:
    fusion, multitask = VARIANTS[suffix]
    model, graph = small_model("causalrec", {"fusion": fusion, "multitask": multitask}, centre_items=False)
    _, k = parts(fusion=fusion)
    s = torch.sigmoid
    joint = {"paper": s(k["m"]) * s(k["m'"]) * s(k["n"]), "add": k["m"] + k["m'"] + k["n"]}[fusion]
    tables = [joint, k["n"], k["m"] + k["m'"]] if suffix.endswith("ML") else [joint]
    objectives = model.decoder.objectives()
    assert len(objectives) == len(tables)
    for objective, batch, table in zip(objectives, first_batches(model, graph), tables):
        margin = table[batch.users, batch.items] - table[batch.users, batch.negatives]
        torch.testing.assert_close(loss_of(objective, model(graph), batch).detach(), F.softplus(-margin).mean())


@pytest.mark.parametrize("layers", [0, 1, 2])
def test_tanh_layers_bound_the_visual_features(layers: int) -> None:
    model, graph = mf_model("causalrec", {"tanh_layers": layers})
    main = model.representations(graph)["main"]
    visual = (main["visual"].item + main["title"].item) / 2
    for n in range(layers):
        layer = model.decoder.indirect[2 * n]
        visual = torch.tanh(visual @ layer.weight.T + layer.bias)
    g = (main["id"].item + main["acoustic"].item) / 2
    torch.testing.assert_close(model(graph)["match_visual"].item, g * visual)
    assert sum(isinstance(part, torch.nn.Linear) for part in model.decoder.indirect) == layers


def test_a_product_of_notices_has_one_for_each_modality() -> None:
    settings = {"notice_fusion": "product"}
    for fusion in ("paper", "author", "add"):
        model, graph = mf_model("causalrec", {**settings, "fusion": fusion})
        frozen = model.freeze(graph)
        main, logits = frozen.representations["main"], BlockLogits(frozen.branches, EVERYONE)
        each = [main[name].user @ main[name].item.T for name in ("visual", "title")]
        s, m, n = torch.sigmoid, logits["match"] + logits["match_visual"], sum(each)
        gates = s(each[0]) * s(each[1])
        expected = {
            "paper": s(logits["match"]) * s(logits["match_visual"]) * gates,
            "author": s(m + n) * s(m) * gates,
            "add": (m + n).exp(),
        }[fusion]
        torch.testing.assert_close(frozen.scorer(Observational())(EVERYONE).exp(), expected)
        assert fusion == "add" or "s(notice_visual) * s(notice_title)" in frozen.decoder.formula
    layer = replace(CONTEXT, exposure=("visual",))
    (mean, graph), (product, _) = (mf_model("causalrec", more, context=layer) for more in ({}, settings))
    estimand = TotalIndirectEffect()
    assert torch.equal(mean.freeze(graph).scorer(estimand)(EVERYONE), product.freeze(graph).scorer(estimand)(EVERYONE))


def test_an_item_bias_raises_the_match_alone() -> None:
    (plain, graph), (biased, _) = mf_model("causalrec"), mf_model("causalrec", {"item_bias": True})
    less, more = (BlockLogits(model.freeze(graph).branches, EVERYONE) for model in (plain, biased))
    torch.testing.assert_close(more["match"] - less["match"], biased.decoder.bias.detach().expand(len(EVERYONE), -1))
    for name in ("match_visual", "notice"):
        assert torch.equal(more[name], less[name])
    reference = BlockLogits(biased.freeze(graph).reference_branches("mean"), EVERYONE)["match"]
    without = BlockLogits(plain.freeze(graph).reference_branches("mean"), EVERYONE)["match"]
    torch.testing.assert_close(reference - without, mean_row(biased.decoder.bias, graph).expand(len(EVERYONE), 1))
