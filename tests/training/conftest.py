"""A quick trainer on the planted world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from graphrec.backbones import backbones
from graphrec.decoders import decoders
from graphrec.evaluation.ranking import evaluate
from graphrec.graph.build import InteractionGraph
from graphrec.recommender import Recommender
from graphrec.testing.planted import CONTEXT, planted_split
from graphrec.training.config import TrainingConfig
from graphrec.training.loop import Trainer


@pytest.fixture(scope="session")
def trainer_of() -> Callable[..., Trainer]:
    """Builds a trainer that validates on the planted world's valid pairs; keywords are training settings."""
    split = planted_split()
    graph = InteractionGraph.from_split(split)

    def validate(model: Recommender) -> dict[str, float]:
        estimand = next(iter(model.decoder.variants().values()))
        table = evaluate(model.freeze(graph).scorer(estimand), split.valid, split.train_pairs("click"), (4,))
        return {"recall@4": float(table["recall@4"].mean())}

    def build(
        decoder: str = "hcr",
        seed: int = 0,
        backbone: dict[str, Any] | None = None,
        network: str = "mmgcn",
        validate: Callable[[Recommender], dict[str, float]] = validate,
        **settings: Any,
    ) -> Trainer:
        config = backbones.get(network).Config(**{"embedding_size": 8, **(backbone or {})})
        context = replace(CONTEXT, embedding_size=config.embedding_size)
        model = Recommender(network, config, decoder, decoders.get(decoder).Config(), graph, context, seed)
        training = {"learning_rate": 0.01, "batch_size": 240, "epochs": 4, "monitor": "recall@4", **settings}
        return Trainer(model, graph, TrainingConfig(**training), seed, validate)

    return build
