"""LATTICE against its equations, dense and in float64, and its learned graph without any dense one."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from contracts.backbone_contract import BackboneContract
from item_equations import features, lightgcn, mean_over_modalities, nearest_graph, normalised
from planted import planted_graph
from small_graph import MODALITIES, NUM_USERS, small_graph
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from graphrec.backbones import Representation
from graphrec.backbones.lattice import LATTICE, LATTICEConfig
from graphrec.graph.build import InteractionGraph


class TestLATTICE(BackboneContract):
    name = "lattice"
    settings: ClassVar = {"neighbours": 3, "original": 0.6, "item_layers": 2}
    choices = (("id",), ("fused",), ("id", "fused"))
    modalities_travel = False
    planted_recall = 0.9


class TestAsReleased(BackboneContract):
    name = "lattice"
    settings: ClassVar = {"neighbours": 3, "interaction": "official", "trainable_features": True}
    choices = (("id",), ("fused",), ("id", "fused"))
    modalities_travel = False
    planted_recall = 0.9


def built() -> tuple[LATTICE, dict[str, Tensor], InteractionGraph]:
    """With a mix and biases that are not zero, where they would prove nothing."""
    graph = small_graph()
    model, tables = TestLATTICE().build(graph, ("id", "fused"))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    assert isinstance(model, LATTICE)
    return model, dict(tables), graph


def whole(one: Representation) -> np.ndarray:
    return torch.cat([one.user, one.item]).detach().numpy()


def looks(model: LATTICE, tables: dict[str, Tensor], graph: InteractionGraph, m: str) -> np.ndarray:
    """h_m, `[I, d]`."""
    weight = tables["words_title"] if m == "title" else model.projections.maps[m]
    return (features(graph, m)[0] @ weight.detach().numpy()) + model.projections.biases[m].detach().numpy()


def item_graph(model: LATTICE, tables: dict[str, Tensor], graph: InteractionGraph) -> np.ndarray:
    """S."""
    shares = np.exp(model.mix.detach().numpy())
    alpha = dict(zip(MODALITIES, shares / shares.sum()))
    original = {m: normalised(nearest_graph(*features(graph, m), 3, equal=False)) for m in MODALITIES}
    learned = [
        alpha[m] * nearest_graph(looks(model, tables, graph, m), features(graph, m)[1], 3, equal=False)
        for m in MODALITIES
    ]
    return 0.6 * mean_over_modalities(original, alpha) + 0.4 * normalised(np.sum(learned, axis=0))


def test_items_are_lightgcn_plus_the_direction_of_the_ids_of_those_that_look_alike() -> None:
    model, tables, graph = built()
    ids = tables["id"].detach().numpy()
    collaborative = lightgcn(graph.pairs("click").numpy(), ids, NUM_USERS, layers=2)
    step = item_graph(model, tables, graph)
    alike = step @ step @ ids[NUM_USERS:]
    found = model(graph, tables)
    np.testing.assert_allclose(whole(found["id"]), collaborative, rtol=0, atol=1e-12)
    collaborative[NUM_USERS:] += alike / np.sqrt((alike**2).sum(1, keepdims=True))
    np.testing.assert_allclose(whole(found["fused"]), collaborative, rtol=0, atol=1e-6)


def test_the_released_code_scales_the_interaction_graph_by_rows_with_self_loops() -> None:
    graph = small_graph()
    model, tables = TestAsReleased().build(graph, ("id",))
    pairs, ids = graph.pairs("click").numpy(), tables["id"].detach().numpy()
    adjacency = np.eye(len(ids))
    adjacency[pairs[:, 0], NUM_USERS + pairs[:, 1]] = adjacency[NUM_USERS + pairs[:, 1], pairs[:, 0]] = 1
    step = adjacency / adjacency.sum(1, keepdims=True)
    wanted = (ids + step @ ids + step @ step @ ids) / 3
    np.testing.assert_allclose(whole(model(graph, tables)["id"]), wanted, rtol=0, atol=1e-12)


def test_neighbours_are_searched_once_an_epoch_and_anew_for_scoring() -> None:
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
        found = func(*args, **(kwargs or {}))
        made = found if isinstance(found, (tuple, list)) else [found]
        self.numbers = max([self.numbers, *(one.numel() for one in made if isinstance(one, Tensor))])
        return found


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
