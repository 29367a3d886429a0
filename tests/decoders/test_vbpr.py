"""VBPR: match and notice add up; counterfactual inference removes the visual features."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from support.on_mf import mean_row, mf_model, with_shuffled_features

from graphrec.causal import Observational, TotalIndirectEffect
from graphrec.testing import DecoderContract
from graphrec.testing.small_model import EVERYONE


class TestVBPR(DecoderContract):
    decoder = "vbpr"
    needs_modalities = True


class TestVBPRWithVisualBias(DecoderContract):
    decoder = "vbpr"
    settings: ClassVar = {"visual_bias": True}
    needs_modalities = True


def test_the_score_is_eq_5_with_a_sum_over_modalities() -> None:
    model, graph = mf_model("vbpr")
    tables = model.tables["shared"]
    expected = model.decoder.bias + tables["user"] @ tables["item"].T
    for name, weight in (("visual", model.towers["main"].maps["visual"]), ("title", tables["words_title"])):
        visual = graph.project(name, weight) * graph.mask(name).unsqueeze(1)
        expected = expected + tables[f"preference_{name}"] @ visual.T
    torch.testing.assert_close(model.freeze(graph).scorer(Observational())(EVERYONE), expected.detach())


def test_the_visual_bias_raises_an_item_for_all_users_by_a_linear_map_of_its_visual_features() -> None:
    (plain, graph), (biased, _) = mf_model("vbpr"), mf_model("vbpr", {"visual_bias": True})
    with torch.no_grad():
        more = biased.freeze(graph).scorer(Observational())(EVERYONE)
        main = biased.representations(graph)["main"]
        visual = torch.cat([main[name].item for name in ("visual", "title")], dim=1)
        expected = visual @ biased.decoder.common_taste[0]
        biased.decoder.common_taste.zero_()
        less = biased.freeze(graph).scorer(Observational())(EVERYONE)
    torch.testing.assert_close(more - less, expected.expand_as(more))
    torch.testing.assert_close(less, plain.freeze(graph).scorer(Observational())(EVERYONE))


@pytest.mark.parametrize("reference", ["mean", "zero"])
def test_with_ci_it_is_eq_14(reference: str) -> None:
    model, graph = mf_model("vbpr")
    tables = model.tables["shared"]
    bias, item = model.decoder.bias.detach(), tables["item"].detach()
    if reference == "mean":
        bias, item = bias - mean_row(bias, graph), item - mean_row(item, graph)
    scores = model.freeze(graph).scorer(TotalIndirectEffect(reference=reference))(EVERYONE)
    torch.testing.assert_close(scores, bias + tables["user"].detach() @ item.T)


def test_with_ci_the_ranking_does_not_look_at_features() -> None:
    model, graph = mf_model("vbpr")
    estimand = model.decoder.variants()["VBPR with CI"]
    plain, shuffled = model.freeze(graph), model.freeze(with_shuffled_features(graph, "visual"))
    assert torch.equal(
        plain.scorer(estimand)(EVERYONE).argsort(dim=1), shuffled.scorer(estimand)(EVERYONE).argsort(dim=1)
    )
    assert not torch.equal(
        plain.scorer(Observational())(EVERYONE).argsort(dim=1),
        shuffled.scorer(Observational())(EVERYONE).argsort(dim=1),
    )
