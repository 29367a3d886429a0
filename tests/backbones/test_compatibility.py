"""A backbone that cannot work on the data is refused before anything is trained, with what to do instead."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.trained_runs import MakeRecipe

import graphrec as gr
from graphrec.backbones import backbones
from graphrec.backbones.mmgcn import MMGCN
from graphrec.data.split import Split
from graphrec.errors import RecipeError
from graphrec.runs.build import build, prepare_split
from graphrec.runs.train import train


class Needy(MMGCN):
    """A backbone of a user's own, which has no registered name."""

    needs_modalities = True


@pytest.fixture(scope="module")
def bare(tiny_prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny world without features."""
    folder = tmp_path_factory.mktemp("bare") / "prepared"
    gr.save(replace(gr.load(tiny_prepared), features={}, roles={}), folder)
    return folder


@pytest.fixture(scope="module")
def bare_split(bare: Path, tiny_recipe: MakeRecipe) -> Split:
    return prepare_split(tiny_recipe("ct", f"data.path={bare}"))


@pytest.fixture(scope="module")
def empty_split(tiny_recipe: MakeRecipe) -> Split:
    """A split whose training data has lost every pair."""
    split = prepare_split(tiny_recipe("ct"))
    return replace(split, dataset=replace(split.dataset, interactions=split.train.iloc[:0]))


@pytest.mark.parametrize("name", ["freedom", f"{__name__}:Needy"])
def test_features_that_are_left_out_are_missed_before_anything_is_written(
    name: str, tiny_recipe: MakeRecipe, tmp_path: Path
) -> None:
    recipe = tiny_recipe("ct", f"backbone.name={name}", "data.modalities=[]")
    with pytest.raises(RecipeError, match="has no item features") as caught:
        train(recipe, tmp_path / "run")
    assert "graphrec list backbones" in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", list(backbones))
def test_on_a_dataset_without_features_a_backbone_works_or_says_why_not(
    name: str, bare_split: Split, bare: Path, tiny_recipe: MakeRecipe
) -> None:
    recipe = tiny_recipe("ct", f"data.path={bare}", f"backbone.name={name}")
    if backbones.get(name).needs_modalities:
        with pytest.raises(RecipeError, match=f"the backbone `{name}` has no item features"):
            build(recipe, bare_split)
    else:
        model, graph = build(recipe, bare_split)
        assert model.freeze(graph).branches["match"].item.isfinite().all()


@pytest.mark.parametrize("name", [name for name in backbones if name != "mf"])
def test_no_layers_are_too_few(name: str, tiny_recipe: MakeRecipe) -> None:
    with pytest.raises(RecipeError, match=r"`backbone\.layers` has a wrong value") as caught:
        tiny_recipe("ct", f"backbone.name={name}", "backbone.layers=0")
    assert "greater than or equal to 1" in str(caught.value)


def test_where_nothing_is_propagated_one_layer_is_too_many(tiny_recipe: MakeRecipe) -> None:
    with pytest.raises(RecipeError, match=r"`backbone\.layers` has a wrong value"):
        tiny_recipe("ct", "backbone.name=mf", "backbone.layers=1")


def test_heads_must_divide_the_width(tiny_recipe: MakeRecipe) -> None:
    assert tiny_recipe("ct", "backbone.name=gat", "backbone.heads=4", "backbone.embedding_size=16")
    with pytest.raises(RecipeError, match=r"`backbone\.heads` has a wrong value") as caught:
        tiny_recipe("ct", "backbone.name=gat", "backbone.heads=3", "backbone.embedding_size=16")
    assert "a divisor of embedding_size = 16" in str(caught.value)


@pytest.mark.parametrize("name", [name for name in backbones if backbones.get(name).needs_modalities])
def test_a_modality_that_no_item_has_is_none(name: str, tiny_recipe: MakeRecipe) -> None:
    split = prepare_split(tiny_recipe("ct"))
    features = {
        key: replace(feature, mask=np.zeros_like(feature.mask)) for key, feature in split.dataset.features.items()
    }
    split = replace(split, dataset=replace(split.dataset, features=features))
    with pytest.raises(RecipeError, match=f"the backbone `{name}` has no item features"):
        build(tiny_recipe("ct", f"backbone.name={name}"), split)


def test_without_modalities_ids_are_all_that_there_is_to_fuse(
    bare: Path, bare_split: Split, tiny_recipe: MakeRecipe
) -> None:
    recipe = tiny_recipe("ct", f"data.path={bare}", "backbone.name=lightgcn", "backbone.features=true")
    model, graph = build(recipe, bare_split)
    assert model.freeze(graph).branches["match"].item.isfinite().all()


def test_what_has_nothing_to_train_is_refused_before_anything_is_written(
    tiny_recipe: MakeRecipe, tmp_path: Path
) -> None:
    recipe = tiny_recipe("ct", "backbone.name=lightgcn", "backbone.trainable_embeddings=false")
    with pytest.raises(RecipeError, match="there is nothing to train") as caught:
        train(recipe, tmp_path / "run")
    assert "backbone.trainable_embeddings" in str(caught.value) and not (tmp_path / "run").exists()


@pytest.mark.parametrize("settings", [("lightgcn", "edge_dropout"), ("ngcf", "edge_dropout"), ("freedom", "drop")])
def test_a_dropout_that_leaves_no_pair_is_refused_before_anything_is_written(
    settings: tuple[str, str], tiny_recipe: MakeRecipe, tmp_path: Path
) -> None:
    name, key = settings
    recipe = tiny_recipe("ct", f"backbone.name={name}", f"backbone.{key}=0.9999999")
    with pytest.raises(RecipeError, match="leaves a graph without any"):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [("freedom", "weights", "{visual = inf}"), ("lgmrec", "alpha", "inf"), ("lgmrec", "contrast_weight", "nan")],
)
def test_settings_that_are_no_numbers_are_refused(name: str, setting: str, value: str, tiny_recipe: MakeRecipe) -> None:
    with pytest.raises(RecipeError, match="wrong value") as caught:
        tiny_recipe("ct", f"backbone.name={name}", f"backbone.{setting}={value}")
    assert "finite number" in str(caught.value)


@pytest.mark.parametrize("name", list(backbones))
def test_a_graph_without_edges_is_refused(name: str, empty_split: Split, tiny_recipe: MakeRecipe) -> None:
    with pytest.raises(RecipeError, match="has no edges") as caught:
        build(tiny_recipe("ct", f"backbone.name={name}"), empty_split)
    assert "split.train" in str(caught.value)
