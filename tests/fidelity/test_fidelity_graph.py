"""MMGCN, CR on it, and DCF against independent implementations of their papers' equations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from fidelity.equations import ITEMS, STEP_SIZE, USERS, WIDTH
from fidelity.equations_cr import ALPHA
from fidelity.equations_dcf import FACTORS
from fidelity.equations_mmgcn import PROJECTION, WORDS
from fidelity.stored_tensors import assert_equal, stored, tensors_of
from torch import Tensor
from torch_geometric.data import HeteroData

from graphrec.backbones import BackboneConfig
from graphrec.backbones.mf import MFConfig
from graphrec.backbones.mmgcn import MMGCNConfig
from graphrec.causal import Observational, TotalIndirectEffect
from graphrec.decoders import Context, Labels, decoders
from graphrec.graph.build import InteractionGraph
from graphrec.recommender import Recommender
from graphrec.training.objective import Batch, loss_of

EVERYONE = torch.arange(USERS)
SIZES: dict[str, Any] = {"embedding_size": WIDTH, "num_users": USERS, "num_items": ITEMS}
BAG = "title"
FORMS: dict[str, dict[str, Any]] = {
    "paper": {},
    "official": {"projection": {"visual": PROJECTION}},
    "cr": {"projection": PROJECTION},
}
TABLES = {"E": "id", "P": "preference_{}", "words": "words_{}"}
LAYER = {"W1": "message.weight", "b1": "message_bias", "W2": "own.weight", "b2": "own.bias"} | {
    "W3": "combine.weight",
    "b3": "combine.bias",
}
CLICKS = {"behaviour": "click", "graph": "click", "negatives": "unclicked"}


@pytest.fixture(autouse=True)
def _double_precision() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def graph_of(inputs: dict[str, Tensor], *modalities: str) -> InteractionGraph:
    data = HeteroData()
    data["user"].num_nodes, data["item"].num_nodes = USERS, ITEMS
    for name in modalities:
        values = inputs["features" if name == "visual" else name]
        data["item"][name] = values.to_sparse_csr() if name == BAG else values
        data["item"][f"{name}_mask"] = torch.ones(ITEMS, dtype=torch.bool)
    clicks = inputs["clicks"].T if "clicks" in inputs else torch.stack([inputs["users"], inputs["positives"]])
    data["user", "click", "item"].edge_index = clicks
    return InteractionGraph(data, {"click": ("click",), "like": ("click",)})


def parameter_of(symbol: str) -> str:
    """What a symbol of the equations is called here."""
    *indices, last = symbol.split(".")
    if last in TABLES:
        return "tables.shared." + TABLES[last].format(*indices)
    stack = f"towers.main.stacks.{indices[0]}"
    if len(indices) == 1:
        return f"{stack}.projection.{'weight' if last == 'W' else 'bias'}"
    return f"{stack}.layers.{indices[1]}.{LAYER[last]}"


def written(symbol: str, values: Tensor) -> Tensor:
    """The equations have x W, a linear layer here W x."""
    return values.T if symbol.split(".")[-1].startswith("W") else values


def mmgcn_model(
    form: str, decoder: str, settings: dict[str, Any], inputs: dict[str, Tensor], start: dict[str, Tensor], **more: Any
) -> tuple[Recommender, InteractionGraph]:
    seen = tuple(dict.fromkeys(symbol.split(".")[0] for symbol in start if symbol != "E"))
    graph = graph_of(inputs, *seen)
    context = Context((BAG,) if BAG in seen else (), tuple(modality for modality in seen if modality != BAG), **SIZES)
    config = MMGCNConfig(setting=form, embedding_size=WIDTH, word_size=WORDS, **FORMS[form], **more)
    model = Recommender("mmgcn", config, decoder, decoders.get(decoder).Config(**settings), graph, context)
    assert {parameter_of(symbol) for symbol in start} == {name for name, _ in model.named_parameters()}
    with torch.no_grad():
        for symbol, values in start.items():
            model.get_parameter(parameter_of(symbol)).copy_(written(symbol, values))
    return model, graph


def step(model: Recommender, graph: InteractionGraph, batch: Batch) -> Tensor:
    """The loss; a step of gradient descent is taken."""
    model(graph)
    terms = model.decoder.objectives()
    loss = torch.stack([term.weight * loss_of(term, model(graph), batch) for term in terms]).sum()
    loss.backward()
    torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=STEP_SIZE).step()
    return loss


def batch_of(inputs: dict[str, Tensor]) -> Batch:
    return Batch(inputs["users"], inputs["positives"], inputs["negatives"])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("trainable", [True, False])
def test_mmgcn(form: str, trainable: bool) -> None:
    """With `trainable_embeddings=False`, as in the published code, the step leaves the tables where they were."""
    tensors = stored(f"mmgcn_{form}")
    inputs, start, expected = (tensors_of(tensors, kind) for kind in ("input", "weight", "result"))
    model, graph = mmgcn_model(form, "ct", CLICKS, inputs, start, trainable_embeddings=trainable)
    assert_equal(model.freeze(graph).scorer(Observational())(EVERYONE), expected["score"])
    assert_equal(step(model, graph, batch_of(inputs)), expected["loss"])
    for symbol, values in tensors_of(tensors, "stepped").items():
        name = parameter_of(symbol)
        frozen = not trainable and name.startswith("tables.")
        assert_equal(model.get_parameter(name), written(symbol, start[symbol] if frozen else values))
        assert not torch.equal(start[symbol], values), "the equations do train it"


def test_cr() -> None:
    tensors = stored("cr")
    inputs, start, expected = (tensors_of(tensors, kind) for kind in ("input", "weight", "result"))
    model, graph = mmgcn_model("cr", "cr", {"alpha": ALPHA}, inputs, start)
    frozen = model.freeze(graph)
    assert_equal(frozen.scorer(Observational())(EVERYONE), expected["score"])
    assert_equal(frozen.scorer(TotalIndirectEffect())(EVERYONE), expected["effect"])
    assert_equal(step(model, graph, batch_of(inputs)), expected["loss"])
    for symbol, values in tensors_of(tensors, "stepped").items():
        assert_equal(model.get_parameter(parameter_of(symbol)), written(symbol, values))


DCF_NAMES = {"theta": "tables.shared.user", "beta": "tables.shared.item", "gamma": "decoder.gamma", "b0": "decoder.b0"}


@pytest.mark.parametrize("loss", ["bpr", "squared"])
def test_dcf(loss: str) -> None:
    tensors = stored(f"dcf_{loss}")
    inputs, start, expected = (tensors_of(tensors, kind) for kind in ("input", "weight", "result"))
    graph = graph_of(inputs)
    backbone: BackboneConfig = MFConfig(embedding_size=WIDTH)
    config = decoders.get("dcf").Config(loss=loss, width=FACTORS)
    model = Recommender("mf", backbone, "dcf", config, graph, Context((), (), **SIZES))
    assert {DCF_NAMES[symbol] for symbol in start} == {name for name, _ in model.named_parameters()}
    state = {DCF_NAMES[symbol]: values for symbol, values in start.items()}
    model.load_state_dict(state | {"decoder.pi": inputs["pi"], "decoder.lambda_": inputs["lambda"]})
    assert_equal(model.freeze(graph).scorer(Observational())(EVERYONE), expected["score"])
    batch = batch_of(inputs)
    if loss == "squared":
        labels = Labels(torch.ones_like(inputs["liked"]), inputs["liked"])
        batch = Batch(inputs["users"], inputs["positives"], labels=labels)
    assert_equal(step(model, graph, batch), expected["loss"])
    for symbol, values in tensors_of(tensors, "stepped").items():
        assert_equal(model.get_parameter(DCF_NAMES[symbol]), values)
