"""FREEDOM against its equations."""

from __future__ import annotations

import math
from typing import ClassVar

import pytest
import torch
from pydantic import ValidationError
from support.dense_equations import interactions, item_graph, lightgcn, mean_over_modalities, nodes, raw
from torch import Tensor

from graphrec.backbones import Pairs
from graphrec.backbones.freedom import FREEDOM, FREEDOMConfig
from graphrec.errors import UnknownNameError
from graphrec.graph.build import InteractionGraph
from graphrec.runs.recipe import Recipe
from graphrec.testing import BackboneContract
from graphrec.testing.small_graph import MISSING, MODALITIES, NUM_USERS, small_graph

WEIGHTS = {"visual": 0.2, "title": 0.7, "acoustic": 0.1}


class TestFREEDOM(BackboneContract):
    backbone = "freedom"
    settings: ClassVar = {"neighbours": 3, "weights": WEIGHTS, "drop": 0.5, "item_layers": 2}
    output_sets = (("id",), ("fused",), ("id", "fused"))
    modalities_propagate = False
    without_edge_dropout: ClassVar = {"drop": 0.0}
    planted_recall = 0.9


class TestTrainedFeatures(BackboneContract):
    backbone = "freedom"
    settings: ClassVar = {"neighbours": 3, "trainable_features": True}
    output_sets = (("id",), ("fused",), ("id", "fused"))
    modalities_propagate = False
    without_edge_dropout: ClassVar = {"drop": 0.0}
    planted_recall = 0.9


def alike(graph: InteractionGraph, weights: dict[str, float]) -> Tensor:
    """S `[I, I]`."""
    return mean_over_modalities({m: item_graph(graph, m, 3, equal=True) for m in weights}, weights)


def expected(graph: InteractionGraph, matrix: Tensor, ids: Tensor) -> Tensor:
    """`fused`, `[U + I, d]`, over the ones of `[U, I]`."""
    items = torch.linalg.matrix_power(alike(graph, WEIGHTS), 2) @ ids[NUM_USERS:]
    return lightgcn(matrix, ids, layers=2) + torch.cat([torch.zeros_like(ids[:NUM_USERS]), items])


def test_items_are_lightgcn_plus_the_ids_of_those_that_look_alike() -> None:
    graph = small_graph()
    model, tables = TestFREEDOM().build(graph, ("id", "fused"))
    ids, clicks, actual = tables["id"], interactions(graph), model(graph, tables)
    torch.testing.assert_close(nodes(actual["id"]), lightgcn(clicks, ids, 2), rtol=0, atol=1e-12)
    torch.testing.assert_close(nodes(actual["fused"]), expected(graph, clicks, ids), rtol=0, atol=1e-6)


def test_the_item_graphs_are_those_of_the_paper_where_no_feature_is_missing() -> None:
    step = alike(small_graph(), {"acoustic": 1.0})
    there = torch.arange(len(step)) != MISSING["acoustic"]
    assert set(step[there].ravel().numpy().round(12)) == {0, round(1 / 3, 12)}
    assert step.diag()[there].all()


def test_an_item_without_a_modality_that_counts_has_lightgcn_alone() -> None:
    graph, missing = small_graph(), MISSING["acoustic"]
    model = FREEDOM(FREEDOMConfig(embedding_size=3, weights={"acoustic": 2.0}), graph, "click", ("id", "fused"))
    actual = model.eval()(graph, {"id": torch.randn(NUM_USERS + graph.num_items, 3)})
    same = actual["fused"].item.eq(actual["id"].item).all(1)
    assert same.nonzero().flatten().tolist() == [missing]


def test_training_runs_on_the_epochs_pairs_and_scoring_on_all() -> None:
    graph = small_graph()
    model, tables = TestFREEDOM().build(graph, ("fused",))
    ids, clicks = tables["id"], interactions(graph)
    remaining = []
    for epoch in (1, 2):
        model.start_epoch(graph, torch.Generator().manual_seed(epoch))
        assert model.pruned is not None
        remaining.append(model.pruned.adjacency.matrix.tensor.to_dense()[:NUM_USERS, NUM_USERS:].double())
        assert remaining[-1].sum() == round(0.5 * float(clicks.sum())) and (remaining[-1] <= clicks).all()
        trained = nodes(model.train()(graph, tables)["fused"])
        torch.testing.assert_close(trained, expected(graph, remaining[-1], ids), rtol=0, atol=1e-6)
        scored = nodes(model.eval()(graph, tables)["fused"])
        torch.testing.assert_close(scored, expected(graph, clicks, ids), rtol=0, atol=1e-6)
    assert not torch.equal(*remaining)


def test_the_modality_loss_ranks_projected_features_for_the_users_where_both_items_have_them() -> None:
    graph = small_graph()
    model, tables = TestFREEDOM().build(graph, ("fused",))
    actual = model.train()(graph, tables)
    users, items, negatives = [0, 1, 2, 3, 4], [0, 3, 4, 5, 6], [5, 1, 2, 7, 8]
    (loss,) = model.auxiliaries()
    assert loss.weight == 1e-3
    weights = {m: tables["words_title"] if m == "title" else model.projections.maps[m] for m in MODALITIES}
    target = 0.0
    for m in MODALITIES:
        projected, user = raw(graph, m) @ weights[m].detach(), actual["fused"].user.detach()
        present = [(u, i, j) for u, i, j in zip(users, items, negatives) if MISSING[m] not in (i, j)]
        assert len(present) == 4
        differences = [float(user[u] @ (projected[j] - projected[i])) for u, i, j in present]
        target += sum(math.log1p(math.exp(number)) for number in differences) / len(present)
    pairs = Pairs(*(torch.tensor(number) for number in (users, items, negatives)))
    assert loss.loss(actual, pairs).item() == pytest.approx(target, abs=1e-9)


def test_without_its_weight_the_modality_loss_has_no_parameters() -> None:
    graph = small_graph()
    model = FREEDOM(FREEDOMConfig(modality_weight=0.0), graph, "click", ("fused",))
    assert not list(model.parameters()) and not model.auxiliaries()
    assert set(FREEDOM.tables(model.config, graph, ("fused",))) == {"id"}


def test_published_weights_are_for_picture_and_text_and_others_are_equal() -> None:
    graph = small_graph(("visual", "acoustic"))
    assert FREEDOM(FREEDOMConfig(), graph, "click", ("fused",)).weights == {"visual": 1.0, "acoustic": 1.0}
    item = graph.data["item"]
    item["textual"], item["textual_mask"] = item.pop("acoustic"), item.pop("acoustic_mask")
    published = InteractionGraph(graph.data, graph.feedback)
    assert FREEDOM(FREEDOMConfig(), published, "click", ("fused",)).weights == {"visual": 0.1, "textual": 0.9}


def test_weights_of_what_is_not_there_or_of_nothing_are_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"visaul.*visual"):
        FREEDOM(FREEDOMConfig(weights={"visaul": 1.0}), small_graph(), "click", ("fused",))
    for weights in ({"visual": -1.0}, {"visual": 0.0}, {}):
        with pytest.raises(ValidationError):
            FREEDOMConfig(weights=weights)


def test_a_recipe_holds_its_settings() -> None:
    backbone = {"name": "freedom", "weights": {"visual": 0.3}, "drop": 0.9}
    recipe = Recipe.from_dict({"data": {"path": "x"}, "backbone": backbone})
    assert recipe.backbone["weights"] == {"visual": 0.3} and recipe.backbone["drop"] == 0.9
