"""DeepStyle: the visual features minus those of the category."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import pytest
import torch
from support.on_mf import mean_row, mf_model, with_shuffled_features

from graphrec.causal import Observational
from graphrec.decoders import BlockLogits
from graphrec.errors import RecipeError, UnknownNameError
from graphrec.testing import DecoderContract
from graphrec.testing.small_graph import KIND, MODALITIES, NUM_ITEMS, NUM_KINDS, WITHOUT_KIND, small_graph
from graphrec.testing.small_model import CONTEXT, EVERYONE, small_model


class TestDeepStyle(DecoderContract):
    decoder = "deepstyle"
    modalities: ClassVar = (*MODALITIES, KIND)
    needs_modalities = True


def categories() -> list[int]:
    return [item % NUM_KINDS if item != WITHOUT_KIND else -1 for item in range(NUM_ITEMS)]


def test_the_score_is_eq_6() -> None:
    model, graph = mf_model("deepstyle")
    tables = model.tables["shared"]
    item = tables["item"]
    for name, weight in (("visual", model.towers["main"].maps["visual"]), ("title", tables["words_title"])):
        item = item + graph.project(name, weight) * graph.mask(name).unsqueeze(1)
    vectors = torch.cat([model.decoder.categories.weight, torch.zeros(1, 4)])  # the last is of no category
    scores = model.freeze(graph).scorer(Observational())(EVERYONE)
    torch.testing.assert_close(scores, (tables["user"] @ (item - vectors[categories()]).T).detach())


def test_items_of_one_category_share_its_vector_and_the_reference_has_their_mean() -> None:
    model, graph = mf_model("deepstyle")
    assert model.decoder.category_of.tolist() == categories()
    frozen = model.freeze(graph)
    for name, branch in frozen.reference_branches("mean").items():
        torch.testing.assert_close(branch.item, mean_row(frozen.branches[name].item, graph).unsqueeze(0))


def test_with_ci_it_is_eq_15_and_ignores_features_and_categories() -> None:
    model, graph = mf_model("deepstyle")
    tables = model.tables["shared"]
    expected = (tables["user"] @ (tables["item"] - mean_row(tables["item"], graph)).T).detach()
    estimand = model.decoder.variants()["DeepStyle with CI"]
    for view in (graph, with_shuffled_features(graph, "visual")):
        scores = model.freeze(view).scorer(estimand)(EVERYONE)
        torch.testing.assert_close(scores, expected)
        assert torch.equal(scores.argsort(dim=1), expected.argsort(dim=1))


def test_the_category_is_no_visual_feature() -> None:
    context = replace(CONTEXT, exposure=(KIND, "visual"))
    model, graph = mf_model("deepstyle", context=context)
    assert model.decoder.visual == ("visual",)
    alone = replace(CONTEXT, exposure=(KIND,), content=("visual",))
    assert mf_model("deepstyle", context=alone)[0].decoder.visual == ("visual",)
    with pytest.raises(RecipeError, match="besides kind"):
        mf_model("deepstyle", graph=graph, context=replace(CONTEXT, exposure=(), content=(KIND,)))


def test_the_category_is_named_where_it_is_not_clear() -> None:
    two = replace(CONTEXT, categorical=("brand", KIND), widths={**CONTEXT.widths, "brand": 9})
    with pytest.raises(RecipeError, match="got: brand, kind"):
        mf_model("deepstyle", context=two)
    model, graph = mf_model("deepstyle", {"category": KIND}, context=two)
    assert BlockLogits(model.freeze(graph).branches, EVERYONE)["notice"].isfinite().all()
    with pytest.raises(UnknownNameError, match="did you mean `kind`"):
        mf_model("deepstyle", {"category": "kinds"}, context=two)
    with pytest.raises(RecipeError, match="no categorical modality"):
        mf_model("deepstyle", context=replace(CONTEXT, categorical=()))


def test_a_bag_of_several_words_is_no_category() -> None:
    claimed = replace(CONTEXT, categorical=("title",))
    with pytest.raises(RecipeError, match="`title` is no category"):
        small_model("deepstyle", graph=small_graph(), context=claimed)
