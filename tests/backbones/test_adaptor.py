"""Modality representations for backbones that give none."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch

from graphrec.backbones import backbones
from graphrec.backbones.adaptor import with_modalities
from graphrec.backbones.lightgcn import LightGCN
from graphrec.backbones.mmgcn import MMGCN
from graphrec.decoders import Context, decoders
from graphrec.recommender import Recommender
from graphrec.testing import BackboneContract
from graphrec.testing.small_graph import MISSING, MODALITIES, NUM_ITEMS, NUM_USERS, small_graph

CONTEXT = Context(
    exposure=("visual", "title"),
    content=("acoustic", "kind"),
    embedding_size=4,
    num_users=NUM_USERS,
    num_items=NUM_ITEMS,
    widths={"visual": 5, "title": 6, "acoustic": 4, "kind": 3},
    categorical=("kind",),
)


class Adapted(BackboneContract):
    """The contract on what the adaptor makes; the planted world is met by the backbone itself."""

    modalities_propagate = False
    test_it_finds_what_is_planted_and_beats_popularity = None


class TestAdaptedLightGCN(Adapted):
    backbone = "support.adapted_backbones:AdaptedLightGCN"


class TestJointItems(Adapted):
    backbone = "support.adapted_backbones:AdaptedLightGCN"
    settings: ClassVar = {"modality_items": "joint", "features": True}


class TestAdaptedBM3(Adapted):
    backbone = "support.adapted_backbones:AdaptedBM3"
    node_parameters = ("predictor",)
    targets = ("target/id", *(f"target/{name}" for name in MODALITIES))


def test_the_item_side_is_a_linear_map_of_the_features_and_missing_ones_are_zero() -> None:
    graph = small_graph()
    config = LightGCN.Config(embedding_size=4)
    model = with_modalities(LightGCN)(config, graph, "click", ("visual", "title"))
    tables = {"id": torch.randn(NUM_USERS + NUM_ITEMS, 4), "words_title": torch.randn(6, 4)}
    actual, ids = model(graph, tables), LightGCN(config, graph, "click", ("id",))(graph, tables)["id"]
    weights = {"visual": model.projections.maps["visual"], "title": tables["words_title"]}
    assert set(model.tables(config, graph, ("visual", "title"))) == set(tables)
    for name, pair in actual.items():
        assert torch.equal(pair.user, ids.user)
        dense = graph.features(name).to_dense() @ weights[name] * graph.mask(name).unsqueeze(1)
        torch.testing.assert_close(pair.item, dense)
        assert pair.item[MISSING[name]].eq(0).all()


def test_joint_items_have_their_id_representation_below_the_features() -> None:
    graph, outputs = small_graph(), ("visual", "title")
    tables = {"id": torch.randn(NUM_USERS + NUM_ITEMS, 4), "words_title": torch.randn(6, 4)}
    alone, joint = (
        with_modalities(LightGCN)(LightGCN.Config(embedding_size=4, modality_items=items), graph, "click", outputs)
        for items in ("features", "joint")
    )
    joint.load_state_dict(alone.state_dict())
    ids = LightGCN(LightGCN.Config(embedding_size=4), graph, "click", ("id",))(graph, tables)["id"]
    for name in outputs:
        torch.testing.assert_close(joint(graph, tables)[name].item, ids.item + alone(graph, tables)[name].item)


@pytest.mark.parametrize("backbone", [name for name in backbones if backbones.get(name).modality_support == "fused"])
def test_what_a_backbone_makes_of_the_features_is_in_every_modality(backbone: str) -> None:
    graph = small_graph()
    kind = with_modalities(backbones.get(backbone))
    config = backbones.get(backbone).Config(embedding_size=4)
    model = kind(config, graph, "click", ("fused", "visual")).eval()
    tables = {name: torch.randn(shape) for name, shape in kind.tables(config, graph, ("fused", "visual")).items()}
    actual = model(graph, tables)
    assert torch.equal(actual["visual"].user, actual["fused"].user)
    projected = graph.features("visual") @ model.projections.maps["visual"] * graph.mask("visual").unsqueeze(1)
    torch.testing.assert_close(actual["visual"].item, actual["fused"].item + projected)
    alone = kind(config, graph, "click", ("visual",)).eval()
    alone.load_state_dict(model.state_dict())
    assert torch.equal(alone(graph, tables)["visual"].item, actual["visual"].item)


def test_an_id_backbone_is_never_asked_for_a_modality() -> None:
    graph = small_graph((*MODALITIES, "kind"))
    config = backbones.get("lightgcn").Config(embedding_size=4)
    model = Recommender("lightgcn", config, "hcr", decoders.get("hcr").Config(), graph, CONTEXT)
    for tower in model.towers.values():
        assert tower.inner.outputs == ("id",)
        assert set(tower.projections.maps) == {"visual", "acoustic"}
    assert set(model.tables["shared"]) == {"id", "words_title", "words_kind"}
    assert with_modalities(MMGCN) is MMGCN


def test_fused_is_the_id_model_as_published_or_the_mean_with_the_features() -> None:
    graph = small_graph()
    tables = {"id": torch.randn(NUM_USERS + NUM_ITEMS, 4), "words_title": torch.randn(6, 4)}
    plain, mixed = (
        with_modalities(LightGCN)(LightGCN.Config(embedding_size=4, features=features), graph, "click", outputs)
        for features, outputs in ((False, ("fused", "id")), (True, ("fused", "id", *graph.modalities)))
    )
    actual = plain(graph, tables)
    assert torch.equal(actual["fused"].item, actual["id"].item) and not list(plain.parameters())
    actual = mixed(graph, tables)
    mean = torch.stack([actual[name].item for name in ("id", *graph.modalities)]).mean(0)
    torch.testing.assert_close(actual["fused"].item, mean)
    alone = with_modalities(LightGCN)(LightGCN.Config(embedding_size=4, features=True), graph, "click", ("fused",))
    alone.load_state_dict(mixed.state_dict())
    torch.testing.assert_close(alone(graph, tables)["fused"].item, mean)
