"""DVBPR: visual features alone, as vectors or as images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from support.on_mf import mf_model
from torch.nn import functional as F

from graphrec.causal import Observational, TotalIndirectEffect
from graphrec.decoders import Context
from graphrec.errors import RecipeError, UnknownNameError
from graphrec.graph.build import InteractionGraph
from graphrec.testing import DecoderContract
from graphrec.testing.small_graph import small_graph
from graphrec.testing.small_model import CONTEXT, EVERYONE, first_batches, total_loss

SHAPE = (2, 4, 5)
IMAGES: dict[str, Any] = {"image_modality": "visual", "image_shape": SHAPE}


class TestDVBPR(DecoderContract):
    decoder = "dvbpr"
    needs_modalities = True


def pictures() -> tuple[InteractionGraph, Context]:
    """The small graph with random images as visual features."""
    graph = small_graph()
    pixels = torch.randn(graph.num_items, 40, generator=torch.Generator().manual_seed(0))
    graph.data["item"]["visual"] = pixels * graph.mask("visual").unsqueeze(1)
    return graph, replace(CONTEXT, widths={**CONTEXT.widths, "visual": 40})


def test_the_score_is_eq_8_and_no_item_has_an_embedding() -> None:
    model, graph = mf_model("dvbpr")
    tables = model.tables["shared"]
    assert set(tables) == {"preference_visual", "preference_title", "words_title"}
    expected = torch.zeros(())
    for name, weight in (("visual", model.towers["main"].maps["visual"]), ("title", tables["words_title"])):
        visual = graph.project(name, weight) * graph.mask(name).unsqueeze(1)
        expected = expected + tables[f"preference_{name}"] @ visual.T
    torch.testing.assert_close(model.freeze(graph).scorer(Observational())(EVERYONE), expected.detach())


def test_there_is_no_counterfactual_variant_as_there_is_no_match() -> None:
    model, graph = mf_model("dvbpr")
    assert list(model.decoder.variants()) == ["DVBPR"]
    with pytest.raises(RecipeError, match="does not fit this decoder"):
        model.freeze(graph).scorer(TotalIndirectEffect())


def test_pictures_pass_the_network_and_then_the_backbones_map() -> None:
    graph, context = pictures()
    model, _ = mf_model("dvbpr", IMAGES, graph, context=context)
    first, two = (layer for layer in model.decoder.network if isinstance(layer, torch.nn.Conv2d))
    x = graph.features("visual").double().reshape(-1, *SHAPE)
    x = F.max_pool2d(F.conv2d(x, first.weight, first.bias, padding=1).relu(), 2, ceil_mode=True)
    x = F.adaptive_avg_pool2d(F.conv2d(x, two.weight, two.bias, padding=1).relu(), 2).flatten(1)
    visual = x @ model.towers["main"].maps["visual"] * graph.mask("visual").unsqueeze(1)
    scores = model.freeze(graph).scorer(Observational())(EVERYONE)
    torch.testing.assert_close(scores, (model.tables["shared"]["preference_visual"] @ visual.T).detach())


def test_the_network_is_trained_and_learns() -> None:
    graph, context = pictures()
    model, _ = mf_model("dvbpr", IMAGES, graph, context=context)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        loss = total_loss(model, graph)
        loss.backward()
        assert all(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    assert len(first_batches(model, graph)) == 1


def test_a_picture_of_one_pixel_is_a_picture() -> None:
    graph, context = pictures()
    model, _ = mf_model("dvbpr", {**IMAGES, "image_shape": (40, 1, 1)}, graph, context=context)
    assert total_loss(model, graph).isfinite()


def test_images_of_the_wrong_kind_are_refused() -> None:
    graph, context = pictures()
    with pytest.raises(RecipeError, match=r"(?s)40 numbers an item.*3 x 4 x 5 = 60"):
        mf_model("dvbpr", {**IMAGES, "image_shape": (3, 4, 5)}, graph, context=context)
    with pytest.raises(UnknownNameError, match="did you mean `visual`"):
        mf_model("dvbpr", {**IMAGES, "image_modality": "visuals"}, graph, context=context)
    with pytest.raises(RecipeError, match="a bag of words"):
        mf_model("dvbpr", {"image_modality": "title", "image_shape": (1, 2, 3)}, graph, context=context)
    with pytest.raises(ValidationError, match="come together"):
        mf_model("dvbpr", {"image_modality": "visual"}, graph, context=context)
