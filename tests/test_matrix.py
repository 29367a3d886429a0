"""Every backbone under every decoder: one epoch on a tiny twin, and a ranking."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch

from graphrec.assemble import build, prepare_split
from graphrec.backbones import backbones
from graphrec.data.split import Split
from graphrec.decoders import decoders
from graphrec.evaluation.ranking import evaluate
from graphrec.preparation import prepare
from graphrec.recipe import Recipe
from graphrec.simulation import simulate
from graphrec.training.loop import Trainer


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A twin of Amazon with pictures, words and brands, in which not every click is liked."""
    folder = tmp_path_factory.mktemp("twin")
    return prepare("amazon", simulate("amazon", folder / "raw", users=40, items=30, shown=20), folder / "prepared")


def recipe_of(prepared: Path, backbone: str, decoder: str) -> Recipe:
    return Recipe.from_dict(
        {
            "data": {"path": str(prepared)},
            "backbone": {"name": backbone, "embedding_size": 8},
            "decoder": {"name": decoder} | ({"category": "brand"} if decoder == "deepstyle" else {}),
            "training": {"epochs": 1, "batch_size": 512, "learning_rate": 0.01, "monitor": "recall@10"},
            "evaluation": {"k": [10]},
        }
    )


@cache
def split_of(prepared: Path) -> Split:
    return prepare_split(recipe_of(prepared, "mf", "ct"))


@pytest.mark.parametrize("backbone", list(backbones))
@pytest.mark.parametrize("decoder", list(decoders))
def test_it_trains_an_epoch_and_ranks(prepared: Path, backbone: str, decoder: str) -> None:
    recipe, split = recipe_of(prepared, backbone, decoder), split_of(prepared)
    model, graph = build(recipe, split)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    history = Trainer(model, graph, recipe.training, 0, lambda model: {"recall@10": 0.0}).run().history
    assert len(history) == 1 and torch.tensor(history[0]["loss"]).isfinite()
    assert any(not torch.equal(before[name], value) for name, value in model.state_dict().items())
    frozen = model.freeze(graph)
    users, items = split.dataset.num_users, split.dataset.num_items
    for estimand in frozen.decoder.variants().values():
        scorer = frozen.scorer(estimand)
        scores = scorer(torch.arange(users))
        assert scores.shape == (users, items) and scores.isfinite().all()
        assert (scores.max(1).values > scores.min(1).values).all()
        table = evaluate(
            scorer,
            split.valid,
            split.train_pairs("click"),
            num_users=users,
            bytes_per_user=scorer.bytes_per_user(),
            cutoffs=(10,),
        )
        assert len(table) and table["recall@10"].between(0, 1).all()
