"""Decoders on matrix factorisation against independent implementations of their papers' equations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from fidelity import make
from fidelity.equations import FEATURES, ITEMS, STEP_SIZE, USERS, WIDTH
from fidelity.stored_tensors import assert_equal, stored, tensors_of
from torch import Tensor
from torch_geometric.data import HeteroData

from graphrec.backbones.mf import MFConfig
from graphrec.causal import TotalIndirectEffect
from graphrec.decoders import BlockLogits, Context, decoders
from graphrec.graph.build import InteractionGraph
from graphrec.recommender import Recommender
from graphrec.training.adversary import attacked
from graphrec.training.objective import Batch, loss_of


@dataclass(frozen=True)
class Case:
    """How a stored method is set up here: decoder, settings, and what each of the paper's symbols is called."""

    decoder: str
    symbols: dict[str, str]
    settings: dict[str, Any] = field(default_factory=dict)
    strength: float = 1.0


IDS = {"gamma_user": "tables.shared.user", "gamma_item": "tables.shared.item"}
LOOKS = {"E": "towers.main.maps.visual"}
TASTE = {"theta_user": "tables.shared.preference_visual"}
BIAS = {"beta_item": "decoder.bias"}
CASES = {
    "vbpr": Case("vbpr", IDS | LOOKS | TASTE | BIAS),
    "amr": Case("amr", IDS | LOOKS),
    "causalrec": Case("causalrec", IDS | LOOKS | TASTE, {"tanh_layers": 0}, strength=0.8),
    "causalrec_author": Case(
        "causalrec",
        IDS | LOOKS | TASTE | BIAS | {"W": "decoder.indirect.0.weight", "b": "decoder.indirect.0.bias"},
        {"fusion": "author", "item_bias": True},
        strength=0.8,
    ),
}


@pytest.fixture(autouse=True)
def _double_precision() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def graph_of(inputs: dict[str, Tensor]) -> InteractionGraph:
    data = HeteroData()
    data["user"].num_nodes, data["item"].num_nodes = USERS, ITEMS
    data["item"]["visual"], data["item"]["visual_mask"] = inputs["features"], torch.ones(ITEMS, dtype=torch.bool)
    data["user", "click", "item"].edge_index = torch.stack([inputs["users"], inputs["positives"]])
    return InteractionGraph(data, {"click": ("click",), "like": ("click",)})


def model_of(case: Case, graph: InteractionGraph, values: dict[str, Tensor]) -> Recommender:
    """The case's decoder on `mf` with the stored weights; both sides must have the same parameters."""
    context = Context(("visual",), (), WIDTH, num_users=USERS, num_items=ITEMS, widths={"visual": FEATURES})
    config = MFConfig(embedding_size=WIDTH, centre_items=False)
    model = Recommender("mf", config, case.decoder, decoders.get(case.decoder).Config(**case.settings), graph, context)
    assert values.keys() == case.symbols.keys()
    with torch.no_grad():
        for symbol, name in case.symbols.items():
            model.get_parameter(name).copy_(values[symbol])
    return model


@pytest.mark.parametrize("name", make.METHODS)
def test_what_is_stored_is_what_the_equations_give(name: str) -> None:
    now, then = make.METHODS[name].tensors(), stored(name)
    assert now.keys() == then.keys()
    for key, value in now.items():
        np.testing.assert_allclose(value, then[key], rtol=0, atol=1e-12, err_msg=key)


@pytest.mark.parametrize("name", CASES)
def test_scores_are_those_of_the_equations(name: str) -> None:
    case, tensors = CASES[name], stored(name)
    graph = graph_of(tensors_of(tensors, "input"))
    frozen = model_of(case, graph, tensors_of(tensors, "weight")).freeze(graph)
    everyone, inputs = torch.arange(USERS), tensors_of(tensors, "result")
    factual = BlockLogits(frozen.branches, everyone)
    reference = BlockLogits(frozen.reference_branches("mean"), everyone)
    score = frozen.outcome.score(factual)
    assert_equal(score.exp() if frozen.outcome.log else score, inputs["score"])
    estimand = TotalIndirectEffect(strength=case.strength)
    assert_equal(estimand.effect(frozen.outcome, factual, reference), inputs["effect"])


@pytest.mark.parametrize("name", CASES)
def test_the_loss_and_a_step_of_gradient_descent_are_those_of_the_equations(name: str) -> None:
    case, tensors = CASES[name], stored(name)
    inputs, expected = tensors_of(tensors, "input"), tensors_of(tensors, "result")
    graph = graph_of(inputs)
    model = model_of(case, graph, tensors_of(tensors, "weight"))
    batch = Batch(inputs["users"], inputs["positives"], inputs["negatives"])
    model(graph)
    loss = torch.zeros(())
    for objective in model.decoder.objectives():
        seen = graph if objective.attack is None else attacked(model, graph, objective, batch)
        if objective.attack is not None:
            assert_equal(seen.features("visual") - graph.features("visual"), expected["delta"])
        loss = loss + objective.weight * loss_of(objective, model(seen), batch)
    assert_equal(loss, expected["loss"])
    loss.backward()
    torch.optim.SGD(model.parameters(), lr=STEP_SIZE).step()
    for symbol, value in tensors_of(tensors, "stepped").items():
        assert_equal(model.get_parameter(case.symbols[symbol]), value)
