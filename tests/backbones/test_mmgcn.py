"""MMGCN: the contract in its three settings, and its equations computed again by other means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from graphrec.backbones.mmgcn import MMGCN, MMGCNConfig
from graphrec.graph.build import InteractionGraph
from graphrec.testing import BackboneContract
from graphrec.testing.small_graph import MISSING, NUM_USERS, small_graph

LAYERS = (".layers.",)
"""Each modality's layers run on the ids as well; its projection and its words act on the features alone."""


class TestPaper(BackboneContract):
    backbone = "mmgcn"
    settings: ClassVar = {"setting": "paper"}
    node_parameters = LAYERS


class TestOfficial(BackboneContract):
    backbone = "mmgcn"
    settings: ClassVar = {"setting": "official"}
    node_parameters = LAYERS


class TestCR(BackboneContract):
    backbone = "mmgcn"
    settings: ClassVar = {"setting": "cr"}
    node_parameters = LAYERS


def leaky(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.01 * x)


def rows_to_unit_length(x: np.ndarray) -> np.ndarray:
    return x / np.maximum(np.sqrt((x**2).sum(1, keepdims=True)), 1e-12)


def neighbours(graph: InteractionGraph, role: str, self_loops: bool) -> list[list[int]]:
    lists: list[list[int]] = [[node] if self_loops else [] for node in range(graph.num_users + graph.num_items)]
    for user, item in graph.pairs(role).tolist():
        lists[user].append(graph.num_users + item)
        lists[graph.num_users + item].append(user)
    return lists


def equations(
    config: MMGCNConfig,
    weights: dict[str, np.ndarray],
    tables: dict[str, np.ndarray],
    graph: InteractionGraph,
    m: str,
) -> np.ndarray:
    """One modality's representation `[U + I, d]`, node by node from the published equations."""
    ids = tables["id"]
    if m == "id":
        h = rows_to_unit_length(ids)
    else:
        features = graph.features(m).to_dense().double().numpy()
        if m == "title":
            features = features @ tables["words_title"]
        if f"stacks.{m}.projection.weight" in weights:
            features = features @ weights[f"stacks.{m}.projection.weight"].T + weights[f"stacks.{m}.projection.bias"]
        features[MISSING[m]] = 0.0
        h = rows_to_unit_length(np.concatenate([tables[f"preference_{m}"], features]))
    near = neighbours(graph, "click", config.self_loops)
    for layer in range(config.layers):
        w = {
            key.removeprefix(f"stacks.{m}.layers.{layer}."): value
            for key, value in weights.items()
            if key.startswith(f"stacks.{m}.layers.{layer}.")
        }
        message = np.zeros_like(h)
        for node, others in enumerate(near):
            if others:
                message[node] = np.mean([w["message.weight"] @ h[other] for other in others], axis=0)
        if config.convolution_bias:
            message += w["message_bias"]
        if config.normalize:
            message = rows_to_unit_length(message)
        message = leaky(message)
        own = leaky(h @ w["own.weight"].T + w["own.bias"]) + ids
        if config.combine == "concat":
            h = leaky(np.concatenate([message, own], axis=1) @ w["combine.weight"].T + w["combine.bias"])
        else:
            h = leaky(message @ w["combine.weight"].T + w["combine.bias"] + own)
    return h


def built(setting: str, outputs: tuple[str, ...], **more) -> tuple[MMGCN, dict[str, nn.Parameter], InteractionGraph]:
    graph = small_graph()
    config = MMGCNConfig(setting=setting, embedding_size=4, **more)
    torch.manual_seed(2)
    tables = {
        name: nn.Parameter(torch.randn(shape, dtype=torch.float64))
        for name, shape in MMGCN.tables(config, graph, outputs).items()
    }
    model = MMGCN(config, graph, "click", outputs).double()
    for parameter in model.parameters():  # biases start at zero, where they prove nothing
        nn.init.normal_(parameter, std=0.5)
    return model, tables, graph


def numbers(tensors: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy() for name, value in tensors.items()}


@pytest.mark.parametrize("setting", ["paper", "official", "cr"])
def test_the_layers_are_the_published_equations(setting: str) -> None:
    modalities = ("visual", "title", "acoustic")
    model, tables, graph = built(setting, ("id", *modalities, "fused"))
    actual = model(graph, tables)
    expected = {
        m: equations(model.config, numbers(model.state_dict()), numbers(tables), graph, m) for m in ("id", *modalities)
    }
    expected["fused"] = np.mean([expected[m] for m in modalities], axis=0)
    for name, table in expected.items():
        ours = torch.cat([actual[name].user, actual[name].item]).detach().numpy()
        np.testing.assert_allclose(ours, table, rtol=0, atol=1e-10)


@pytest.mark.parametrize("setting", ["paper", "official", "cr"])
def test_an_item_without_the_modality_starts_at_zero_and_not_at_the_bias(setting: str) -> None:
    for m, item in MISSING.items():
        model, tables, graph = built(setting, (m,))
        started: list[Tensor] = []
        model.get_submodule(f"stacks.{m}.layers.0").register_forward_pre_hook(
            lambda module, args, remaining=started: remaining.append(args[0])
        )
        model(graph, tables)
        rows = started[0][NUM_USERS:]
        assert rows[item].eq(0).all()
        assert rows[torch.arange(len(rows)) != item].ne(0).any(1).all()


def test_settings_are_the_three_published_ones() -> None:
    paper, official, cr = (MMGCNConfig(setting=name) for name in ("paper", "official", "cr"))
    assert (paper.layers, official.layers, cr.layers) == (2, 3, 2)
    assert (paper.combine, official.combine, cr.combine) == ("elementwise", "concat", "elementwise")
    assert (paper.projection, official.projection, cr.projection) == (None, {"visual": 256}, 128)
    assert [setting.self_loops for setting in (paper, official, cr)] == [False, False, True]
    assert MMGCNConfig() == cr


def test_a_field_that_is_set_overrules_the_setting() -> None:
    config = MMGCNConfig(setting="official", layers=1, combine="elementwise")
    assert (config.layers, config.combine, config.projection) == (1, "elementwise", {"visual": 256})
    graph = small_graph()
    for layers in (1, 4):
        model = MMGCN(MMGCNConfig(setting="official", layers=layers), graph, "click", ("id",))
        assert len(list(model.get_submodule("stacks.id.layers").children())) == layers


def test_a_word_in_place_of_a_switch_is_refused_or_understood() -> None:
    assert MMGCNConfig(normalize="False").normalize is False
    with pytest.raises(ValidationError):
        MMGCNConfig(combine="False")


@pytest.mark.parametrize("setting", [["cr"], {}, "paperr"])
def test_what_names_no_setting_is_refused(setting: object) -> None:
    with pytest.raises(ValidationError, match="setting"):
        MMGCNConfig(setting=setting)


def test_the_official_setting_projects_the_pictures_only() -> None:
    model, tables, _ = built("official", ("visual", "acoustic", "title"))
    assert tables["preference_visual"].shape[1] == 256
    assert tables["preference_acoustic"].shape[1] == 4
    assert {m for m in model.stacks if isinstance(model.stacks[m].projection, nn.Linear)} == {"visual"}
