"""The relational convolution against its equations."""

from __future__ import annotations

import pytest
import torch
from support.convolution_equations import assert_equal_to
from support.dense_equations import adjacency
from torch import Tensor

from graphrec.graph.build import InteractionGraph
from graphrec.testing import BackboneContract
from graphrec.testing.small_graph import LONE_ITEM, LONE_USER, NUM_USERS, small_graph


class TestRelational(BackboneContract):
    backbone = "relational"
    modalities_propagate = False
    separates_feedback_roles = False
    output_sets = (("id",), ("fused",), ("id", "fused"))


@pytest.mark.parametrize("like_is_click", [False, True])
def test_each_relation_and_direction_has_separate_maps(like_is_click: bool) -> None:
    graph = small_graph(like_is_click=like_is_click)
    model, tables = TestRelational().build(graph, ("id", "fused"))
    relations = ("click",) if like_is_click else ("click", "like")
    assert len(model.layers[0].convolutions.convs) == 2 * len(relations)

    def convolve(number: int, x: Tensor) -> Tensor:
        maps = model.layers[number].convolutions.convs
        users, items = x[:NUM_USERS], x[NUM_USERS:]
        actual = {"user": torch.zeros_like(users), "item": torch.zeros_like(items)}
        for relation in relations:
            ones = adjacency(graph, relation)[:NUM_USERS, NUM_USERS:]
            for kind, own, other, near in (("user", users, items, ones), ("item", items, users, ones.T)):
                mean = near @ other / near.sum(1, keepdim=True).clamp(min=1)
                edge = ("user", relation, "item") if kind == "item" else ("item", f"rev_{relation}", "user")
                weights = maps[edge]
                actual[kind] += mean @ weights.lin_l.weight.T + weights.lin_l.bias + own @ weights.lin_r.weight.T
        return torch.cat([actual["user"], actual["item"]])

    assert_equal_to(model, tables, graph, convolve)


def test_either_tower_propagates_over_both_behaviours() -> None:
    def row(role: str, graph: InteractionGraph) -> Tensor:
        model, tables = TestRelational().build(small_graph(), ("id",), role=role)
        return model(graph, tables)["id"].user[LONE_USER]

    plain, clicked = small_graph(), small_graph(extra_clicks=((LONE_USER, LONE_ITEM),))
    for role in ("click", "like"):
        assert not torch.equal(row(role, plain), row(role, clicked))
    assert torch.equal(row("click", clicked), row("like", clicked))
