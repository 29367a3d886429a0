"""SMORE: the contract, and its equations computed again, the Fourier transform as a sum of cosines and sines."""

from __future__ import annotations

import math
from typing import ClassVar

import pytest
import torch
from support.dense_equations import built, content, info_nce, interactions, item_graph, nodes, projected, symmetric
from torch import Tensor

from graphrec.backbones import Backbone, Pairs
from graphrec.errors import UnknownNameError
from graphrec.graph.build import InteractionGraph
from graphrec.testing import BackboneContract
from graphrec.testing.small_graph import MISSING, MODALITIES, NUM_ITEMS, NUM_USERS, small_graph


class TestSMORE(BackboneContract):
    backbone = "smore"
    settings: ClassVar = {"neighbours": {"visual": 3, "title": 4, "acoustic": 2}, "dropout": 0.1}
    modalities_propagate = False


COUNTS = TestSMORE.settings["neighbours"]


def test_defaults_are_published_ones() -> None:
    config = TestSMORE().config(neighbours=10, dropout=0.0, embedding_size=64)
    assert config == type(config)()
    assert (config.layers, config.item_layers, config.contrast_weight, config.temperature) == (3, 1, 0.01, 0.2)


def spectrum(x: Tensor) -> Tensor:
    """`[N, d]` complex, the whole transform of each row, entry by entry."""
    d = x.shape[1]
    turns = torch.outer(torch.arange(d), torch.arange(d)).double() * 2 * math.pi / d
    return torch.complex(x @ turns.cos(), -(x @ turns.sin())) / math.sqrt(d)


def filtered(transformed: Tensor, half: Tensor) -> Tensor:
    """`[N, d]` real: the filter is given for half of the frequencies, the other half mirrors it."""
    d = transformed.shape[1]
    coefficients = torch.complex(half[:, 0], half[:, 1])
    coefficients = torch.where((2 * torch.arange(len(half))) % d == 0, coefficients.real + 0j, coefficients)
    whole = torch.stack([coefficients[k] if k < len(half) else coefficients[d - k].conj() for k in range(d)])
    turns = torch.outer(torch.arange(d), torch.arange(d)).double() * 2 * math.pi / d
    return ((transformed * whole) @ torch.complex(turns.cos(), turns.sin())).real / math.sqrt(d)


def equations(model: Backbone, tables: dict[str, Tensor], graph: InteractionGraph) -> dict[str, Tensor]:
    """Every output `[U + I, d]`, and the side."""
    w = dict(model.named_parameters())
    ids, c = tables["id"], content(graph, tables["id"], 3)
    r = symmetric(interactions(graph))[:NUM_USERS, NUM_USERS:]
    graphs = {m: item_graph(graph, m, COUNTS[m]) for m in graph.modalities}
    spectra = {m: spectrum(projected(model, tables, graph, m)) for m in graphs}
    product = torch.ones(NUM_ITEMS, 4, dtype=torch.complex128)
    for m, values in spectra.items():
        for item in range(NUM_ITEMS):
            if item != MISSING[m]:
                product[item] = product[item] * values[item]

    def linear(layer: str, x: Tensor) -> Tensor:
        return x @ w[f"{layer}.weight"].T + w.get(f"{layer}.bias", torch.zeros(()))

    def view(kind: str, transformed: Tensor, matrix: Tensor) -> Tensor:
        denoised = filtered(transformed, w[f"filters.{kind}"])
        items = matrix @ (ids[NUM_USERS:] * torch.sigmoid(linear(f"gates.{kind}", denoised)))
        return torch.cat([r @ items, items])

    views = {m: view(m, spectra[m], graphs[m]) for m in graphs}
    fused = view("fused", product, torch.stack(list(graphs.values())).amax(0))
    parts = [torch.sigmoid(linear("preferences.fused", c)) * fused]
    for m, values in views.items():
        share = linear(f"queries.{m}.2", torch.tanh(linear(f"queries.{m}.0", fused))).softmax(1)
        parts.append(torch.sigmoid(linear(f"preferences.{m}", c)) * share * values)
    side = sum(parts) / len(parts)
    return {"id": c, "fused": c + side, "side": side} | {m: c + values for m, values in views.items()}


@pytest.mark.parametrize("modalities", [MODALITIES, ("visual", "title"), ("acoustic",)])
def test_the_outputs_are_the_published_equations(modalities: tuple[str, ...]) -> None:
    graph = small_graph(modalities)
    outputs = ("id", *modalities, "fused")
    model, tables = built("smore", graph, outputs, neighbours={m: COUNTS[m] for m in modalities})
    actual, expected = model(graph, tables), equations(model, tables, graph)
    for name in outputs:
        torch.testing.assert_close(nodes(actual[name]), expected[name], rtol=1e-5, atol=1e-6)


def test_the_contrast_holds_side_and_content_of_a_node_together() -> None:
    graph = small_graph()
    model, tables = built("smore", graph, ("fused",), neighbours=COUNTS)
    expected = equations(model, tables, graph)
    pairs = Pairs(torch.tensor([0, 2, 3]), torch.tensor([1, 0, 4]), torch.tensor([5, 5, 6]))
    (contrast,) = model.auxiliaries()
    theirs = 0.0
    for rows in (pairs.users, NUM_USERS + pairs.items):
        theirs += info_nce(expected["side"][rows], expected["id"][rows], 0.2)
    assert float(contrast.loss(model.train()(graph, tables), pairs).detach()) == pytest.approx(theirs, rel=1e-5)


def test_an_odd_width_is_transformed_and_back() -> None:
    graph = small_graph()
    test = TestSMORE()
    model, tables = test.build(graph, ("fused",))
    assert model.filters["fused"].shape == (2, 2) and test.config().embedding_size == 3
    assert nodes(model(graph, tables)["fused"]).isfinite().all()


def test_neighbours_may_be_named_for_some_and_a_misspelt_modality_is_refused() -> None:
    graph = small_graph()
    model, _ = built("smore", graph, ("fused",), neighbours={"visual": 2})
    assert model.counts == {"visual": 2, "title": 10, "acoustic": 10}
    with pytest.raises(UnknownNameError, match="did you mean `visual`"):
        built("smore", graph, ("fused",), neighbours={"visaul": 2})


def test_dropout_zeroes_its_share_of_the_gates_and_scales_up_the_others() -> None:
    graph = small_graph()
    model, tables = built("smore", graph, ("fused",), dropout=0.75)
    c = content(graph, tables["id"], 3)
    for kind in (*MODALITIES, "fused"):
        calm = model.eval()._preference_gate(kind, c)
        torch.manual_seed(0)
        noisy = model.train()._preference_gate(kind, c)
        remaining = noisy.ne(0)
        assert 0.1 < remaining.double().mean() < 0.4
        torch.testing.assert_close(noisy[remaining], 4 * calm[remaining])


def test_dropout_acts_in_training_alone() -> None:
    graph = small_graph()
    model, tables = built("smore", graph, ("fused",), dropout=0.5)
    calm = nodes(model(graph, tables)["fused"])
    torch.manual_seed(0)
    noisy = [nodes(model.train()(graph, tables)["fused"]) for _ in range(2)]
    assert not torch.equal(*noisy) and not torch.equal(noisy[0], calm)
    assert torch.equal(calm, nodes(model.eval()(graph, tables)["fused"]))
