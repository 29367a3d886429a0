"""LGMRec: the contract, and its equations computed again in dense matrices."""

from __future__ import annotations

from types import SimpleNamespace
from typing import ClassVar

import pytest
import torch
from support.dense_equations import (
    built,
    content,
    info_nce,
    interactions,
    nodes,
    projected,
    raw,
    rows_to_unit_length,
    symmetric,
)
from torch import Tensor

from graphrec.backbones import Backbone, Pairs
from graphrec.graph.build import InteractionGraph
from graphrec.testing import BackboneContract
from graphrec.testing.small_graph import MISSING, MODALITIES, NUM_ITEMS, NUM_USERS, small_graph


class TestLGMRec(BackboneContract):
    backbone = "lgmrec"


class TestClothing(BackboneContract):
    backbone = "lgmrec"
    settings: ClassVar = {"hyperedges": 8, "hyper_layers": 2, "hyper_dropout": 0.8, "alpha": 0.2}


def test_defaults_are_those_published_for_baby() -> None:
    config = TestLGMRec().config(embedding_size=64)
    assert config == type(config)()
    assert (config.layers, config.modality_layers, config.hyperedges, config.hyper_layers) == (2, 2, 4, 1)
    assert (config.alpha, config.hyper_dropout, config.temperature, config.contrast_weight) == (0.3, 0.5, 0.2, 0.2)


def equations(
    model: Backbone, tables: dict[str, Tensor], graph: InteractionGraph, layers: int, hyper_layers: int
) -> dict[str, Tensor]:
    """Every output `[U + I, d]` in evaluation, and each modality's global part under `hyper/NAME`."""
    weights = dict(model.named_parameters())
    clicks, c = interactions(graph), content(graph, tables["id"], 2)
    step = symmetric(clicks)
    actual, views, globals_ = {"id": c}, [], []
    for m in graph.modalities:
        features = projected(model, tables, graph, m)
        present = (torch.arange(NUM_ITEMS) != MISSING[m]).double()
        means = (clicks @ features) / (clicks @ present).clamp(min=1).unsqueeze(1)
        view = torch.linalg.matrix_power(step, layers) @ torch.cat([means, features])
        views.append(rows_to_unit_length(view))
        actual[m] = c + views[-1]
        logits = (features if m == "title" else raw(graph, m)) @ weights[f"hyperedges.{m}"]
        of_items, of_users = (logits / 0.2).softmax(1) * present.unsqueeze(1), (clicks @ logits / 0.2).softmax(1)
        items = c[NUM_USERS:]
        for _ in range(hyper_layers):
            users, items = of_users @ of_items.T @ items, of_items @ of_items.T @ items
        actual[f"hyper/{m}"] = torch.cat([users, items])
        globals_.append(actual[f"hyper/{m}"])
    actual["fused"] = c + sum(views) + 0.3 * rows_to_unit_length(sum(globals_))
    return actual


@pytest.mark.parametrize("modalities", [MODALITIES, ("visual", "title"), ("acoustic",)])
@pytest.mark.parametrize("steps", [1, 2])
def test_the_outputs_are_the_published_equations(modalities: tuple[str, ...], steps: int) -> None:
    graph = small_graph(modalities)
    outputs = ("id", *modalities, "fused")
    model, tables = built("lgmrec", graph, outputs, modality_layers=steps, hyper_layers=steps)
    actual, expected = model(graph, tables), equations(model, tables, graph, steps, steps)
    for name in outputs:
        torch.testing.assert_close(nodes(actual[name]), expected[name], rtol=1e-9, atol=1e-11)


def test_the_contrast_tells_a_nodes_global_parts_from_those_of_all_others() -> None:
    graph = small_graph()
    model, tables = built("lgmrec", graph, ("fused",), hyper_dropout=0.0)
    actual = model.train()(graph, tables)
    pairs = Pairs(torch.tensor([0, 2, 3]), torch.tensor([3, 5, 4]), torch.tensor([5, 5, 6]))
    (contrast,) = model.auxiliaries()
    expected = 0.0
    for left, other in (("visual", "title"), ("visual", "acoustic"), ("title", "acoustic")):
        mine, theirs = actual[f"hyper/{left}"], actual[f"hyper/{other}"]
        has = torch.arange(NUM_ITEMS) != MISSING[other]
        expected += info_nce(mine.user[pairs.users], theirs.user[pairs.users], 0.2, theirs.user)
        expected += info_nce(mine.item[pairs.items], theirs.item[pairs.items], 0.2, theirs.item[has])
    assert float(contrast.loss(actual, pairs).detach()) == pytest.approx(expected / 3)


def test_the_contrasts_gradient_is_that_of_the_global_parts_at_full_width(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = small_graph()
    model, tables = built("lgmrec", graph, ("fused",), hyperedges=1)  # three modalities span less than the width
    tables["id"].requires_grad_()
    pairs = Pairs(torch.tensor([0, 2, 3]), torch.tensor([3, 5, 4]), torch.tensor([5, 5, 6]))

    def gradients() -> tuple[int, tuple[Tensor, ...]]:
        torch.manual_seed(0)
        actual = model.train()(graph, tables)
        (contrast,) = model.auxiliaries()
        inputs = (tables["id"], *model.hyperedges.values())
        return actual["hyper/visual"].user.shape[1], torch.autograd.grad(contrast.loss(actual, pairs), inputs)

    narrow, actual = gradients()
    monkeypatch.setattr(torch.linalg, "qr", lambda x: SimpleNamespace(Q=torch.eye(len(x)).to(x)))
    width, expected = gradients()
    assert narrow == 3 < width and actual[0].ne(0).any()
    torch.testing.assert_close(actual, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("modalities", "outputs"), [(("visual",), ("fused",)), (MODALITIES, ("visual", "title"))])
def test_with_one_global_part_or_none_there_is_no_contrast(
    modalities: tuple[str, ...], outputs: tuple[str, ...]
) -> None:
    model, _ = built("lgmrec", small_graph(modalities), outputs)
    assert model.auxiliaries() == []


def test_noise_is_drawn_in_training_alone() -> None:
    graph = small_graph()
    model, tables = built("lgmrec", graph, ("fused",), hyper_dropout=0.0)
    calm = nodes(model(graph, tables)["fused"])
    torch.manual_seed(0)
    noisy = [nodes(model.train()(graph, tables)["fused"]) for _ in range(2)]
    assert not torch.equal(*noisy) and not torch.equal(noisy[0], calm)
    assert torch.equal(calm, nodes(model.eval()(graph, tables)["fused"]))


def test_training_adds_its_noise_to_the_logits_before_the_temperature_and_scales_up_what_it_keeps() -> None:
    logits = torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    drawn = {}
    for dropout in (0.0, 0.75):
        model, _ = built("lgmrec", small_graph(), ("fused",), hyper_dropout=dropout, temperature=0.5)
        torch.manual_seed(1)
        drawn[dropout] = model.train()._membership(logits)
    torch.manual_seed(1)
    noise = -torch.empty_like(logits).exponential_().log()
    torch.testing.assert_close(drawn[0.0], ((logits + noise) / 0.5).softmax(1))
    remaining = drawn[0.75].ne(0)
    assert remaining.any() and not remaining.all()
    torch.testing.assert_close(drawn[0.75][remaining], 4 * drawn[0.0][remaining])


def test_an_item_without_the_modality_belongs_to_none_of_its_hyperedges() -> None:
    graph = small_graph()
    model, tables = built("lgmrec", graph, ("fused",))
    actual = model.train()(graph, tables)
    for m, item in MISSING.items():
        rows = actual[f"hyper/{m}"].item.ne(0).any(1)
        assert not rows[item] and rows[torch.arange(NUM_ITEMS) != item].any()
