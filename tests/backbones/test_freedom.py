"""FREEDOM against its equations, dense and in float64."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
import torch
from contracts.backbone_contract import BackboneContract
from item_equations import features, lightgcn, mean_over_modalities, nearest_graph, normalised
from pydantic import ValidationError
from small_graph import MISSING, MODALITIES, NUM_USERS, small_graph

from graphrec.backbones import Pairs, Representation
from graphrec.backbones.freedom import FREEDOM, FREEDOMConfig
from graphrec.errors import UnknownNameError
from graphrec.graph.build import InteractionGraph
from graphrec.recipe import Recipe

WEIGHTS = {"visual": 0.2, "title": 0.7, "acoustic": 0.1}


class TestFREEDOM(BackboneContract):
    name = "freedom"
    settings: ClassVar = {"neighbours": 3, "weights": WEIGHTS, "drop": 0.5, "item_layers": 2}
    choices = (("id",), ("fused",), ("id", "fused"))
    modalities_travel = False
    planted_recall = 0.9


class TestTrainedFeatures(BackboneContract):
    name = "freedom"
    settings: ClassVar = {"neighbours": 3, "trainable_features": True}
    choices = (("id",), ("fused",), ("id", "fused"))
    modalities_travel = False
    planted_recall = 0.9


def item_graph(graph: InteractionGraph, weights: dict[str, float]) -> np.ndarray:
    graphs = {m: normalised(nearest_graph(*features(graph, m), 3, equal=True)) for m in weights}
    return mean_over_modalities(graphs, weights)


def expected(graph: InteractionGraph, pairs: np.ndarray, ids: np.ndarray, weights: dict[str, float]) -> np.ndarray:
    """`fused`, `[U + I, d]`."""
    step = item_graph(graph, weights)
    found = lightgcn(pairs, ids, NUM_USERS, layers=2)
    found[NUM_USERS:] += step @ step @ ids[NUM_USERS:]
    return found


def whole(one: Representation) -> np.ndarray:
    return torch.cat([one.user, one.item]).detach().numpy()


def test_items_are_lightgcn_plus_the_ids_of_those_that_look_alike() -> None:
    graph = small_graph()
    model, tables = TestFREEDOM().build(graph, ("id", "fused"))
    ids, pairs, found = tables["id"].detach().numpy(), graph.pairs("click").numpy(), model(graph, tables)
    np.testing.assert_allclose(whole(found["id"]), lightgcn(pairs, ids, NUM_USERS, 2), rtol=0, atol=1e-12)
    np.testing.assert_allclose(whole(found["fused"]), expected(graph, pairs, ids, WEIGHTS), rtol=0, atol=1e-6)


def test_the_item_graphs_are_those_of_the_paper_where_no_feature_is_missing() -> None:
    step = item_graph(small_graph(), {"acoustic": 1.0})
    there = np.arange(len(step)) != MISSING["acoustic"]
    assert set(step[there].ravel().round(12)) == {0, round(1 / 3, 12)}
    assert np.diag(step)[there].all()


def test_an_item_without_a_modality_that_counts_has_lightgcn_alone() -> None:
    graph, missing = small_graph(), MISSING["acoustic"]
    model = FREEDOM(FREEDOMConfig(embedding_size=3, weights={"acoustic": 2.0}), graph, "click", ("id", "fused"))
    found = model.eval()(graph, {"id": torch.randn(NUM_USERS + graph.num_items, 3)})
    same = found["fused"].item.eq(found["id"].item).all(1)
    assert same.nonzero().flatten().tolist() == [missing]


def test_training_runs_on_the_epochs_pairs_and_scoring_on_all() -> None:
    graph = small_graph()
    model, tables = TestFREEDOM().build(graph, ("fused",))
    ids, pairs = tables["id"].detach().numpy(), graph.pairs("click").numpy()
    kept = []
    for epoch in (1, 2):
        model.start_epoch(graph, torch.Generator().manual_seed(epoch))
        assert model.pruned is not None
        edges = model.pruned.adjacency.forward_matrix.to_dense()[:NUM_USERS, NUM_USERS:].nonzero().numpy()
        kept.append({tuple(pair) for pair in edges.tolist()})
        assert len(edges) == round(0.5 * len(pairs)) and kept[-1] <= {tuple(pair) for pair in pairs.tolist()}
        trained = whole(model.train()(graph, tables)["fused"])
        np.testing.assert_allclose(trained, expected(graph, edges, ids, WEIGHTS), rtol=0, atol=1e-6)
        scored = whole(model.eval()(graph, tables)["fused"])
        np.testing.assert_allclose(scored, expected(graph, pairs, ids, WEIGHTS), rtol=0, atol=1e-6)
    assert kept[0] != kept[1]


def test_the_modality_loss_ranks_projected_features_for_the_users_where_both_items_have_them() -> None:
    graph = small_graph()
    model, tables = TestFREEDOM().build(graph, ("fused",))
    found = model.train()(graph, tables)
    users, items, negatives = [0, 1, 2, 3, 4], [0, 3, 4, 5, 6], [5, 1, 2, 7, 8]
    (loss,) = model.auxiliaries()
    assert loss.weight == 1e-3
    weights = {m: tables["words_title"] if m == "title" else model.projections.maps[m] for m in MODALITIES}
    wanted = 0.0
    for m in MODALITIES:
        looks = features(graph, m)[0] @ weights[m].detach().numpy()
        user = found["fused"].user.detach().numpy()
        known = [(u, i, j) for u, i, j in zip(users, items, negatives) if MISSING[m] not in (i, j)]
        assert len(known) == 4
        wanted += np.mean([np.log1p(np.exp(user[u] @ (looks[j] - looks[i]))) for u, i, j in known])
    pairs = Pairs(*(torch.tensor(one) for one in (users, items, negatives)))
    assert loss.loss(found, pairs).item() == pytest.approx(wanted, abs=1e-9)


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
