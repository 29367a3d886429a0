"""Every decoder under every estimand it supports: huge logits, and single against double precision."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor

from graphrec.backbones import backbones
from graphrec.causal import Effect, Estimand, estimands
from graphrec.decoders import BlockLogits, Context, decoders
from graphrec.errors import GraphrecError
from graphrec.recommender import FrozenModel, Recommender
from graphrec.testing.small_graph import MODALITIES, NUM_ITEMS, NUM_USERS, small_graph

CONTEXT = Context(
    exposure=("visual", "title"),
    content=("acoustic", "kind"),
    embedding_size=4,
    num_users=NUM_USERS,
    num_items=NUM_ITEMS,
    widths={"visual": 5, "title": 6, "acoustic": 4, "kind": 3},
    categorical=("kind",),
)


def frozen(decoder: str, dtype: torch.dtype = torch.float64) -> FrozenModel:
    graph = small_graph((*MODALITIES, "kind"))
    model = Recommender(
        "mf", backbones.get("mf").Config(embedding_size=4), decoder, decoders.get(decoder).Config(), graph, CONTEXT
    )
    return model.to(dtype).freeze(graph)


def supported(model: FrozenModel) -> list[Estimand]:
    """The decoder's variants, and every estimand at its defaults that is identified for it."""
    actual = list(model.decoder.variants().values())
    for name in estimands:
        estimand = estimands.get(name)()
        try:
            estimand.identify(model.outcome)
        except GraphrecError:
            continue
        actual.append(estimand)
    return actual


def huge(names: list[str], rows: int) -> dict[str, Tensor]:
    """Every combination of the extremes on up to four branches, as one block `[1, n]` repeated in `rows` rows."""
    sizes = (-1e4, -30.0, 0.0, 30.0, 1e4) if len(names) <= 4 else (-1e4, 0.0, 1e4)
    grid = torch.tensor(list(product(sizes, repeat=len(names))))
    return {name: grid[:, column].expand(rows, -1).clone() for column, name in enumerate(names)}


@pytest.mark.parametrize("decoder", list(decoders))
def test_huge_logits_never_give_a_nan(decoder: str) -> None:
    model = frozen(decoder, torch.float32)
    logits = huge(list(model.branches), rows=2)
    for estimand in supported(model):
        for reference in (-1e4, 0.0, 1e4):
            held = {name: torch.full((2, 1), reference) for name in logits}
            score = estimand.score(model.outcome, logits, held if isinstance(estimand, Effect) else None)
            assert not score.isnan().any(), estimand


def worlds(model: FrozenModel, estimand: Effect) -> tuple[Tensor, Tensor]:
    """The effect `[U, I]`, and the larger of the two worlds that it is the difference of."""
    users = torch.arange(NUM_USERS)
    reference = model.reference_of(estimand)
    assert reference is not None
    factual, held = BlockLogits(model.branches, users), BlockLogits(reference, users)
    sides = estimand.worlds(model.outcome, factual, held)
    if model.outcome.log:
        sides = sides[0].exp(), sides[1].exp()
    return estimand.effect(model.outcome, factual, held), torch.maximum(sides[0].abs(), sides[1].abs())


@pytest.mark.parametrize("decoder", list(decoders))
def test_single_precision_scores_as_double_does(decoder: str) -> None:
    """A difference is as exact as what it is the difference of, and no more."""
    exact, rough = frozen(decoder), frozen(decoder, torch.float32)
    users = torch.arange(NUM_USERS)
    for estimand in supported(exact):
        assert rough.scorer(estimand)(users).dtype == torch.float32
        if isinstance(estimand, Effect):
            (expected, scale), (actual, _) = worlds(exact, estimand), worlds(rough, estimand)
            if not exact.outcome.log:  # sums of inner products, which cancel out in one pair and not in another
                scale = scale.max()
        else:
            expected, actual = exact.scorer(estimand)(users), rough.scorer(estimand)(users)
            scale = expected.abs().max()
        assert ((actual.double() - expected).abs() <= 1e-5 * scale).all(), estimand
