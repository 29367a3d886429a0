"""NGCF against its equations."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from pydantic import ValidationError
from support.dense_equations import interactions, nodes, rows_to_unit_length, symmetric

from graphrec.backbones.ngcf import NGCFConfig
from graphrec.errors import RecipeError
from graphrec.testing import BackboneContract
from graphrec.testing.small_graph import small_graph
from graphrec.validation import validated


class TestConcat(BackboneContract):
    backbone = "ngcf"
    settings: ClassVar = {"layers": 1}  # of three columns one for the ids, two for the layer
    modalities_propagate = False
    output_sets = (("id",), ("fused",), ("id", "fused"))


class TestMean(TestConcat):
    settings: ClassVar = {"combine": "mean", "layers": 2}


class Wide(TestConcat):
    __test__ = False
    settings: ClassVar = {"embedding_size": 10}


class WideMean(TestConcat):
    __test__ = False
    settings: ClassVar = {"embedding_size": 10, "combine": "mean"}


@pytest.mark.parametrize("case", [Wide, WideMean])
def test_it_is_equation_7_with_normalised_layers_side_by_side_or_averaged(case: type[BackboneContract]) -> None:
    graph = small_graph()
    model, tables = case().build(graph, ("id",))
    laplacian = symmetric(interactions(graph))
    identity = torch.eye(len(laplacian), dtype=torch.float64)
    x = tables["id"]
    parts = [x]
    for layer in model.layers:
        first, second = layer.neighbours.weight.T, layer.affinity.weight.T
        x = (laplacian + identity) @ x @ first + (laplacian @ x * x) @ second
        x = torch.where(x > 0, x, 0.2 * x)
        parts.append(rows_to_unit_length(x))
    expected = torch.cat(parts, dim=1) if case is Wide else sum(parts) / 4
    torch.testing.assert_close(nodes(model(graph, tables)["id"]), expected, rtol=0, atol=1e-9)


def test_the_columns_are_shared_out_evenly_and_the_layers_take_what_is_left() -> None:
    graph = small_graph()
    for size, ids, layers in ((64, 16, [16, 16, 16]), (10, 2, [3, 2, 3]), (7, 1, [2, 2, 2])):
        case = type("Case", (TestConcat,), {"settings": {"embedding_size": size}})()
        model, tables = case.build(graph, ("id",))
        assert tables["id"].shape[1] == ids
        assert [layer.affinity.out_features for layer in model.layers] == layers
        assert model(graph, tables)["id"].user.shape[1] == size


def test_messages_are_dropped_in_training_only_and_not_from_the_ids() -> None:
    graph = small_graph()
    model, tables = Wide().build(graph, ("id",))
    calm = model(graph, tables)["id"].user
    with torch.random.fork_rng():
        torch.manual_seed(0)
        noisy = model.train()(graph, tables)["id"].user
    assert torch.equal(calm[:, :2], noisy[:, :2]) and not torch.equal(calm[:, 2:], noisy[:, 2:])
    assert noisy[:, 2:].eq(0).any() and not calm.eq(0).any()
    sure = type("Sure", (Wide,), {"settings": {"embedding_size": 10, "message_dropout": 0.0}})()
    model, tables = sure.build(graph, ("id",))
    assert torch.equal(model.train()(graph, tables)["id"].user, calm)


def test_too_few_columns_to_share_out_are_refused_with_what_would_do() -> None:
    with pytest.raises(ValidationError, match="at least layers \\+ 1 = 5"):
        NGCFConfig(embedding_size=4, layers=4)
    with pytest.raises(RecipeError, match=r"backbone\.combine(.|\n)*mean, or an embedding_size of at least"):
        validated(NGCFConfig, {"embedding_size": 4, "layers": 4}, "recipe", prefix="backbone.")
    assert NGCFConfig(embedding_size=4, layers=4, combine="mean").combine == "mean"
    assert NGCFConfig().layers == 3
