"""LATTICE against its equations, and its learned graph without any dense one."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from support.dense_equations import (
    adjacency,
    content,
    item_graph,
    mean_over_modalities,
    nearest_graph,
    nodes,
    normalised,
    raw,
    rows_to_unit_length,
)
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from graphrec.backbones.lattice import LATTICE, LATTICEConfig
from graphrec.graph.build import InteractionGraph
from graphrec.testing import BackboneContract
from graphrec.testing.planted import planted_graph
from graphrec.testing.small_graph import MODALITIES, NUM_USERS, small_graph


class TestLATTICE(BackboneContract):
    backbone = "lattice"
    settings: ClassVar = {"neighbours": 3, "original": 0.6, "item_layers": 2}
    output_sets = (("id",), ("fused",), ("id", "fused"))
    modalities_propagate = False
    planted_recall = 0.9


class TestAsReleased(BackboneContract):
    backbone = "lattice"
    settings: ClassVar = {"neighbours": 3, "interaction": "official", "trainable_features": True}
    output_sets = (("id",), ("fused",), ("id", "fused"))
    modalities_propagate = False
    planted_recall = 0.9


def built() -> tuple[LATTICE, dict[str, Tensor], InteractionGraph]:
    """With a mix and biases that are not zero, where they would prove nothing."""
    graph = small_graph()
    model, tables = TestLATTICE().build(graph, ("id", "fused"))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    assert isinstance(model, LATTICE)
    return model, dict(tables), graph


def alike(model: LATTICE, tables: dict[str, Tensor], graph: InteractionGraph) -> Tensor:
    """S `[I, I]`."""
    shares = model.mix.detach().exp()
    alpha = dict(zip(MODALITIES, (shares / shares.sum()).tolist()))
    learned = torch.zeros(graph.num_items, graph.num_items, dtype=torch.float64)
    for m in MODALITIES:
        weight = tables["words_title"] if m == "title" else model.projections.maps[m]
        projected = raw(graph, m) @ weight + model.projections.biases[m]
        learned += alpha[m] * nearest_graph(projected.detach(), m, 3, equal=False)
    original = {m: item_graph(graph, m, 3) for m in MODALITIES}
    return 0.6 * mean_over_modalities(original, alpha) + 0.4 * normalised(learned)


def test_items_are_lightgcn_plus_the_direction_of_the_ids_of_those_that_look_alike() -> None:
    model, tables, graph = built()
    ids = tables["id"].detach()
    collaborative = content(graph, ids, layers=2)
    items = torch.linalg.matrix_power(alike(model, tables, graph), 2) @ ids[NUM_USERS:]
    actual = model(graph, tables)
    torch.testing.assert_close(nodes(actual["id"]), collaborative, rtol=0, atol=1e-12)
    collaborative[NUM_USERS:] += rows_to_unit_length(items)
    torch.testing.assert_close(nodes(actual["fused"]), collaborative, rtol=0, atol=1e-6)


def test_the_released_code_scales_the_interaction_graph_by_rows_with_self_loops() -> None:
    graph = small_graph()
    model, tables = TestAsReleased().build(graph, ("id",))
    ids = tables["id"]
    looped = adjacency(graph) + torch.eye(len(ids), dtype=torch.float64)
    step = looped / looped.sum(1, keepdim=True)
    expected = (ids + step @ ids + step @ step @ ids) / 3
    torch.testing.assert_close(nodes(model(graph, tables)["id"]), expected, rtol=0, atol=1e-12)


def test_neighbours_are_searched_once_an_epoch_and_again_for_scoring() -> None:
    model, tables, graph = built()
    model.train()
    model.start_epoch(graph, torch.Generator())
    model(graph, tables)
    first = {m: index.clone() for m, index in model.searched.items()}
    with torch.no_grad():
        for m in ("visual", "acoustic"):
            model.projections.maps[m].copy_(torch.randn_like(model.projections.maps[m]))
    stale = model(graph, tables)["fused"].item
    assert all(torch.equal(model.searched[m], first[m]) for m in MODALITIES)
    fresh = model.eval()(graph, tables)["fused"].item
    assert not torch.equal(stale, fresh)
    assert all(torch.equal(model.searched[m], first[m]) for m in MODALITIES)
    model.train()
    model.start_epoch(graph, torch.Generator())
    torch.testing.assert_close(model(graph, tables)["fused"].item, fresh)
    assert not torch.equal(model.searched["visual"], first["visual"])


def test_the_learned_graph_has_a_gradient_in_every_step() -> None:
    model, tables, graph = built()
    model.train()
    model.start_epoch(graph, torch.Generator())
    for _ in range(3):
        model.zero_grad()
        (model(graph, tables)["fused"].item * torch.arange(3.0)).sum().backward()
        for parameter in model.parameters():
            assert parameter.grad is not None and parameter.grad.abs().max() > 0


class _Largest(TorchDispatchMode):
    """Remembers how many numbers the largest tensor has that any operation made."""

    numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        actual = func(*args, **(kwargs or {}))
        made = actual if isinstance(actual, (tuple, list)) else [actual]
        self.numbers = max([self.numbers, *(tensor.numel() for tensor in made if isinstance(tensor, Tensor))])
        return actual


def test_no_step_makes_a_dense_item_item_matrix() -> None:
    graph = planted_graph()
    config = LATTICEConfig(embedding_size=2, neighbours=3)
    model = LATTICE(config, graph, "click", ("fused",))
    tables = {name: torch.randn(shape) for name, shape in LATTICE.tables(config, graph, ("fused",)).items()}
    model(graph, tables)  # searches in blocks, of which all these items fill one
    with _Largest() as watch:
        model(graph, tables)["fused"].item.sum().backward()
    assert graph.num_items * 3 * 2 <= watch.numbers < graph.num_items**2


@pytest.mark.parametrize("original", [-0.1, 1.0])
def test_a_share_that_leaves_nothing_to_learn_is_refused(original: float) -> None:
    with pytest.raises(ValueError, match="original"):
        LATTICEConfig(original=original)
