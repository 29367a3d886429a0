"""The formula of multiply-adds that each backbone states agrees with a count of those it makes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from torch_geometric.data import HeteroData

from graphrec.backbones import FUSED, BackboneConfig, backbones
from graphrec.backbones.base import Pairs
from graphrec.graph.build import InteractionGraph
from graphrec.graph.sorted_edges import SortedEdges

USERS, ITEMS, D = 70, 90, 96
SETTINGS: dict[str, dict[str, Any]] = {"freedom": {"drop": 0.0}, "mf": {"layers": 0}}
"""FREEDOM's formula is that of the whole graph, as in evaluation."""
TOLERANCE = 0.1
"""Formulas leave out self loops and what is done once a node, an item or an edge instead of once an entry of a row."""
aten = torch.ops.aten


MODALITIES = ("visual", "acoustic", "textual", "title")


def dense_graph(modalities: int = 2) -> InteractionGraph:
    """Most users have most items, the modalities are equally wide, and every click is a like."""
    generator = torch.Generator().manual_seed(0)
    data = HeteroData()
    data["user"].num_nodes, data["item"].num_nodes = USERS, ITEMS
    for name in MODALITIES[:modalities]:
        data["item"][name] = torch.randn(ITEMS, D, generator=generator)
        data["item"][f"{name}_mask"] = torch.ones(ITEMS, dtype=torch.bool)
    edges = (torch.rand(USERS, ITEMS, generator=generator) < 0.8).nonzero().T
    for name in ("click", "like"):
        data["user", name, "item"].edge_index = edges
    return InteractionGraph(data, {"click": ("click",), "like": ("like",)})


def value(formula: str, **symbols: float) -> float:
    """A formula such as `2 L (E w + N w^2), w = d / (L + 1); a remark` in numbers."""
    first, *definitions = formula.split(";")[0].split(",")
    for text in definitions:
        name, _, definition = text.partition("=")
        symbols[name.strip()] = value(definition, **symbols)
    product = re.sub(r"(?<=[\w)])\s+(?=[\w(])", " * ", first.strip()).replace("^", "**")
    return float(eval(product, {"__builtins__": {}}, symbols))


def counted(name: str, config: BackboneConfig, graph: InteractionGraph, monkeypatch: pytest.MonkeyPatch) -> float:
    """Multiply-adds of one forward pass in training: of matrices, of sparse matrices, of messages edge by edge."""
    kind = backbones.get(name)
    torch.manual_seed(0)
    backbone = kind(config, graph, "click", (FUSED,)).train()
    tables = {key: torch.randn(shape) for key, shape in kind.tables(config, graph, (FUSED,)).items()}
    backbone.start_epoch(graph, torch.Generator().manual_seed(0))
    backbone(graph, tables)  # what is made once is made
    sums = {"sparse": 0, "multiplied": 0, "summed": 0}
    multiply_rows = SortedEdges._dot_products

    def dot_products(edges: SortedEdges, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        sums["sparse"] += len(edges.source) * x.shape[1]
        return multiply_rows(edges, x, y)

    def bag(table: Sequence[int], index: Sequence[int], *more: Any) -> Sequence[int]:
        weights, of_a_matrix = more[4], more[5:6] == (True,)  # else two rows are added, for a product to follow
        return (*index, table[-1]) if weights or of_a_matrix else (0,)

    def messages(what: str, of: Callable[..., Sequence[int]]) -> Callable[..., int]:
        def count(*shapes: Any, out_shape: Any, **more: Any) -> int:
            shape = of(*shapes, out_shape)
            if math.prod(shape[:-1]) > 2 * (USERS + ITEMS):  # an edge or a neighbour each, not a node
                sums[what] += math.prod(shape)
            return 0

        return count

    operations = {aten.mul: messages("multiplied", lambda *shapes: shapes[-1])}
    operations |= {
        operation: messages("summed", lambda into, dim, index, *_: index)
        for operation in (aten.scatter_add_, aten.scatter_add)
    }
    operations |= {
        operation: messages("sparse", bag) for operation in (aten._embedding_bag, aten._embedding_bag_forward_only)
    }
    monkeypatch.setattr(SortedEdges, "_dot_products", dot_products)
    with FlopCounterMode(display=False, custom_mapping=operations) as products, torch.no_grad():
        backbone(graph, tables)
    # A message's product and its sum are one multiply-add.
    return products.get_total_flops() / 2 + sums["sparse"] + max(sums["multiplied"], sums["summed"])


@pytest.mark.parametrize(("size", "layers", "modalities"), [(16, 1, 2), (64, 3, 2), (32, 2, 4)])
@pytest.mark.parametrize("name", sorted(backbones))
def test_the_stated_cost_is_what_is_counted(
    name: str, size: int, layers: int, modalities: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = dense_graph(modalities)
    settings = {"embedding_size": size, "layers": layers} | SETTINGS.get(name, {})
    config = backbones.get(name).Config(**settings)
    expected = value(
        backbones.get(name).cost,
        E=len(graph.pairs("click")),
        N=USERS + ITEMS,
        U=USERS,
        I=ITEMS,
        M=len(graph.modalities),
        D=D,
        P=getattr(config, "projection", 0),
        d=size,
        L=layers,
        K=getattr(config, "neighbours", 0),
    )
    actual = counted(name, config, graph, monkeypatch)
    assert actual == pytest.approx(expected, rel=TOLERANCE)


OF_LOSSES = [name for name in sorted(backbones) if " B" in backbones.get(name).more_cost]
"""Backbones whose auxiliary losses cost more than a few numbers per row of the batch."""


@pytest.mark.parametrize("modalities", [2, 3, 4])
@pytest.mark.parametrize("name", OF_LOSSES)
def test_the_stated_cost_of_its_losses_is_what_is_counted(name: str, modalities: int) -> None:
    graph, size, hyperedges = dense_graph(modalities), 64, 8
    settings = {"embedding_size": size} | ({"hyperedges": hyperedges} if name == "lgmrec" else {})
    kind = backbones.get(name)
    backbone = kind(kind.Config(**settings), graph, "click", (FUSED,)).train()
    tables = {key: torch.randn(shape) for key, shape in kind.tables(backbone.config, graph, (FUSED,)).items()}
    backbone.start_epoch(graph, torch.Generator().manual_seed(0))
    with torch.no_grad():
        actual = backbone(graph, tables)
        users, items = torch.arange(USERS), torch.arange(USERS)  # each once: a contrast reads distinct rows
        with FlopCounterMode(display=False) as products:
            for auxiliary in backbone.auxiliaries():
                auxiliary.loss(actual, Pairs(users, items, items))
    formula = kind.more_cost.replace(" times B N for each hyperedge, for the contrast", " B N H")
    stated = value(
        formula.replace(" for the contrast", "").replace(" for its losses", ""),
        B=USERS, N=USERS + ITEMS, M=modalities, d=size, H=hyperedges,
    )  # fmt: skip
    assert products.get_total_flops() / 2 == pytest.approx(stated, rel=TOLERANCE)
