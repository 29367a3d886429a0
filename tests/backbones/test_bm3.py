"""BM3 against its equations, and trained by its auxiliary losses alone."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from support.dense_equations import content, raw
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from graphrec.backbones import Pairs, Representations
from graphrec.backbones.bm3 import BM3, BM3Config
from graphrec.graph.build import InteractionGraph
from graphrec.testing import BackboneContract
from graphrec.testing.planted import planted_split, popular_recall, trained_recall
from graphrec.testing.small_graph import LONE_ITEM, LONE_USER, MISSING, MODALITIES, NUM_USERS, small_graph

TARGETS = ("target/id", *(f"target/{m}" for m in MODALITIES))
"""The copies that are predicted: the paper stops the gradient there, and nowhere else."""


class TestBM3(BackboneContract):
    backbone = "bm3"
    output_sets = (("id",), ("fused",), ("id", "fused"))
    modalities_propagate = False
    node_parameters = ("predictor",)  # P maps every node of `fused`; no features reach it there
    targets = TARGETS
    planted_recall = 0.9


class TestTrainedFeatures(BackboneContract):
    backbone = "bm3"
    settings: ClassVar = {"trainable_features": True, "layers": 2, "dropout": 0.3}
    output_sets = (("id",), ("fused",), ("id", "fused"))
    modalities_propagate = False
    node_parameters = ("predictor",)  # P maps every node of `fused`; no features reach it there
    targets = TARGETS
    planted_recall = 0.9


USERS, ITEMS = [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 2]
PAIRS = Pairs(torch.tensor(USERS), torch.tensor(ITEMS), torch.tensor(ITEMS))


def built() -> tuple[BM3, dict[str, nn.Parameter], InteractionGraph, Representations]:
    """In training, with biases that are not zero; and what it then gives."""
    graph = small_graph()
    model, tables = TestBM3().build(graph, ("fused", "id"))
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    assert isinstance(model, BM3)
    torch.manual_seed(3)
    return model, tables, graph, model.train()(graph, tables)


def predicted(model: BM3, x: Tensor) -> Tensor:
    return x @ model.predictor.weight.T + model.predictor.bias


def distance(a: Tensor, b: Tensor) -> float:
    """The mean of 1 - cos over rows; to a row of zeros it is 1."""
    lengths = ((a**2).sum(1) * (b**2).sum(1)).sqrt()
    return float((1 - (a * b).sum(1) / torch.where(lengths > 0, lengths, 1.0)).mean().detach())


def online(tables: dict[str, nn.Parameter], graph: InteractionGraph) -> tuple[Tensor, Tensor]:
    """u and i."""
    nodes = content(graph, tables["id"], layers=1)
    return nodes[:NUM_USERS], nodes[NUM_USERS:] + tables["id"][NUM_USERS:]


def test_it_scores_by_what_the_predictor_makes_of_lightgcn_with_a_residual() -> None:
    model, tables, graph, _ = built()
    user, item = online(tables, graph)
    actual = model.eval()(graph, tables)
    assert set(actual) == {"fused", "id"}
    for ours, expected in (
        (actual["id"], (user, item)),
        (actual["fused"], (predicted(model, user), predicted(model, item))),
    ):
        torch.testing.assert_close(ours.user, expected[0], rtol=0, atol=1e-12)
        torch.testing.assert_close(ours.item, expected[1], rtol=0, atol=1e-12)


def test_targets_are_dropout_copies_without_gradient() -> None:
    _, _, _, actual = built()
    for name in ("id", *MODALITIES):
        for start, copy in (
            (actual[f"online/{name}"].user, actual[f"target/{name}"].user),
            (actual[f"online/{name}"].item, actual[f"target/{name}"].item),
        ):
            assert start.requires_grad and not copy.requires_grad
            remaining = copy.ne(0)
            assert remaining.any() and (~remaining & start.ne(0)).any()
            torch.testing.assert_close(copy[remaining], 2 * start[remaining])


def test_a_loss_teaches_the_online_side_alone() -> None:
    """Of two nodes without neighbours, whose u is half their ids and whose i one and a half times."""
    model, tables, _, actual = built()
    alone = Pairs(*(torch.tensor([row]) for row in (LONE_USER, LONE_ITEM, LONE_ITEM)))
    user, item = (tables["id"].detach()[[row]].requires_grad_() for row in (LONE_USER, NUM_USERS + LONE_ITEM))
    by_user = cosine_similarity(predicted(model, user / 2), actual["target/id"].item[[LONE_ITEM]])
    by_item = cosine_similarity(predicted(model, item * 1.5), actual["target/id"].user[[LONE_USER]])
    expected = torch.zeros_like(tables["id"])
    expected[[LONE_USER]], expected[[NUM_USERS + LONE_ITEM]] = torch.autograd.grad(
        -(by_user + by_item).sum(), (user, item)
    )
    assert expected[LONE_USER].any() and expected[NUM_USERS + LONE_ITEM].any()
    losses = {auxiliary.name: auxiliary.loss(actual, alone) for auxiliary in model.auxiliaries()}
    gradient, *_ = torch.autograd.grad(
        losses["reconstruction"], (tables["id"], model.predictor.weight), retain_graph=True
    )
    torch.testing.assert_close(gradient, expected)
    for name in ("alignment", "intra_modality"):  # its online side is h_m, its target is constant
        maps = (*model.projections.parameters(), model.predictor.weight, tables["words_title"])
        ids, *others = torch.autograd.grad(losses[name], (tables["id"], *maps), allow_unused=True, retain_graph=True)
        assert ids is None, f"{name} teaches the ids"
        assert all(gradient is not None and gradient.any() for gradient in others)


def test_the_losses_are_the_published_equations_over_the_items_that_have_the_modality() -> None:
    model, tables, graph, actual = built()
    user, item = online(tables, graph)
    target = actual["target/id"]
    expected = {
        "reconstruction": distance(predicted(model, user[USERS]), target.item[ITEMS])
        + distance(predicted(model, item[ITEMS]), target.user[USERS]),
        "alignment": 0.0,
        "intra_modality": 0.0,
    }
    for m in MODALITIES:
        weight = tables["words_title"] if m == "title" else model.projections.maps[m]
        projected = raw(graph, m) @ weight + model.projections.biases[m]
        present = [i for i in ITEMS if i != MISSING[m]]
        assert len(present) == len(ITEMS) - ITEMS.count(MISSING[m])
        guess = predicted(model, projected[present])
        expected["alignment"] += distance(guess, target.item[present])
        expected["intra_modality"] += distance(guess, actual[f"target/{m}"].item[present])
    losses = model.auxiliaries()
    assert {auxiliary.name: auxiliary.weight for auxiliary in losses} == {
        "reconstruction": 1,
        "alignment": 2,
        "intra_modality": 2,
    }
    for auxiliary in losses:
        assert auxiliary.loss(actual, PAIRS).item() == pytest.approx(expected[auxiliary.name], abs=1e-9), auxiliary.name


def test_a_batch_without_the_modality_costs_nothing_and_breaks_nothing() -> None:
    model, _, _, actual = built()
    missing = torch.tensor([MISSING["visual"]])
    view = {"online/visual": actual["online/visual"], "target/visual": actual["target/visual"]}
    rows = Pairs(missing, missing, missing)
    alone = model._distance(view["online/visual"].item[rows.items], view["target/visual"].item[rows.items])
    alone.backward()
    assert alone.item() == 0
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_without_its_weight_the_features_have_no_parameters() -> None:
    graph = small_graph()
    model = BM3(BM3Config(cl_weight=0.0), graph, "click", ("fused",))
    assert [auxiliary.name for auxiliary in model.auxiliaries()] == ["reconstruction"]
    assert {name for name, _ in model.named_parameters()} == {"predictor.weight", "predictor.bias"}
    assert set(BM3.tables(model.config, graph, ("fused",))) == {"id"}


def test_its_auxiliary_losses_alone_find_the_planted_likes() -> None:
    split = planted_split()
    alone = {"representation": "fused", "weight": 0.0, "behaviour": "like", "negatives": "unliked"}
    actual = trained_recall(split, "bpr", alone, backbone="bm3", epochs=15)
    assert actual > popular_recall(split) + 0.4
