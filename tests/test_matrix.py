"""Every backbone under every decoder: one epoch on a tiny twin, and a ranking."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch

from graphrec.backbones import backbones
from graphrec.data.prepare import prepare
from graphrec.data.split import Split
from graphrec.decoders import decoders
from graphrec.evaluation.ranking import evaluate
from graphrec.runs.build import build, prepare_split
from graphrec.runs.recipe import Recipe
from graphrec.runs.train import train
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
        table = evaluate(scorer, split.valid, split.train_pairs("click"), (10,))
        assert len(table) and table["recall@10"].between(0, 1).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize(
    ("backbone", "decoder"), [*((name, "ct") for name in backbones), *(("mmgcn", name) for name in decoders)]
)
def test_it_trains_on_a_gpu_as_on_the_cpu(prepared: Path, tmp_path: Path, backbone: str, decoder: str) -> None:
    recipe = recipe_of(prepared, backbone, decoder)
    by_cpu = train(recipe, tmp_path / "cpu")
    run = train(
        recipe.model_copy(update={"training": recipe.training.model_copy(update={"device": "cuda"})}), tmp_path / "gpu"
    )
    (ours,), (theirs,) = run.history, by_cpu.history
    assert ours["loss"] == pytest.approx(theirs["loss"], rel=0.1), "the same but for what dropout draws"
    assert run.evaluate(split="valid")["recall@10"].between(0, 1).all()
    assert len(run.recommend(run.user_ids[:1], k=5)) == 5
