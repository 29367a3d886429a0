"""ESMM: click times conversion over the entire space."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from graphrec.causal import Observational
from graphrec.decoders import BlockLogits
from graphrec.graph.build import InteractionGraph
from graphrec.recommender import Recommender
from graphrec.testing import DecoderContract
from graphrec.testing.small_model import EVERYONE, first_batches, small_model
from graphrec.training.objective import loss_of


class TestESMM(DecoderContract):
    decoder = "esmm"


class TestESMMOnLikeEdges(DecoderContract):
    decoder = "esmm"
    settings: ClassVar = {"like_graph": "like"}


def probabilities() -> tuple[Recommender, InteractionGraph, Tensor, Tensor]:
    """A model, and its P(click) and P(like | click) `[U, I]` from the representations."""
    model, graph = small_model("esmm")
    with torch.no_grad():
        model.get_parameter("decoder.click_offset").fill_(-0.7)
        model.get_parameter("decoder.conversion_offset").fill_(0.4)
    reps = model.representations(graph)
    click, like = reps["click"]["fused"], reps["like"]["fused"]
    p = torch.sigmoid(click.user @ click.item.T - 0.7)
    r = torch.sigmoid(like.user @ like.item.T + 0.4)
    return model, graph, p, r


def test_items_are_ranked_by_click_times_conversion() -> None:
    model, graph, p, r = probabilities()
    scores = model.freeze(graph).scorer(Observational())(EVERYONE)
    torch.testing.assert_close(scores.exp(), (p * r).detach())


@pytest.mark.parametrize("name", ["esmm", "multi_ipw", "multi_dr"])
def test_the_conversion_alone_can_be_ranked_by(name: str) -> None:
    model, graph = small_model(name, {"rank_by": "conversion"})
    frozen = model.freeze(graph)
    logits = BlockLogits(frozen.branches, EVERYONE)
    torch.testing.assert_close(frozen.scorer(Observational())(EVERYONE), F.logsigmoid(logits["conversion"]))
    assert "click" not in model.decoder.formula


def test_the_losses_are_cross_entropies_of_click_and_of_click_and_like() -> None:
    model, graph, p, r = probabilities()
    clicked, liked = torch.zeros_like(p), torch.zeros_like(p)
    for matrix, role in ((clicked, "click"), (liked, "like")):
        matrix[graph.pairs(role)[:, 0], graph.pairs(role)[:, 1]] = 1
    branches = model(graph)
    terms = list(zip(model.decoder.objectives(), first_batches(model, graph)))
    for (objective, batch), chance, label, role in zip(terms, (p, p * r), (clicked, liked), ("clicked", "liked")):
        at = (batch.users, batch.items)
        assert batch.labels is not None and torch.equal(getattr(batch.labels, role).double(), label[at])
        expected = F.binary_cross_entropy(chance[at], label[at])
        torch.testing.assert_close(loss_of(objective, branches, batch), expected)


def test_the_space_is_clicks_and_as_many_unclicked_pairs() -> None:
    model, graph = small_model("esmm")
    clicks = set(map(tuple, graph.pairs("click").tolist()))
    for batch in first_batches(model, graph):
        drawn = list(zip(batch.users.tolist(), batch.items.tolist()))
        half = len(drawn) // 2
        assert all(pair in clicks for pair in drawn[:half])
        assert not any(pair in clicks for pair in drawn[half:])
