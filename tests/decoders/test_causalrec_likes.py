"""CausalRec-L: the likes of what was clicked decide what belongs to the match."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F

from graphrec.causal import TotalIndirectEffect
from graphrec.decoders import BlockLogits
from graphrec.testing import DecoderContract
from graphrec.testing.small_model import EVERYONE, first_batches, small_model
from graphrec.training.objective import loss_of


class TestCausalRecLikes(DecoderContract):
    decoder = "causalrec_likes"
    needs_modalities = True
    needs_both_behaviours = True


class TestCausalRecLikesWithBias(DecoderContract):
    decoder = "causalrec_likes"
    needs_modalities = True
    needs_both_behaviours = True
    settings: ClassVar = {"item_bias": True, "likes": 2.0, "tanh_layers": 0}


def test_the_likes_are_learned_from_the_match_on_clicks_alone() -> None:
    model, graph = small_model("causalrec_likes", {"likes": 0.7})
    with torch.no_grad():
        model.decoder.log_scale.fill_(0.5)
        model.decoder.offset.fill_(-1.0)
    branches = model(graph)
    click, like = model.decoder.objectives()
    assert (click.label, click.loss, like.population, like.weight) == ("click", "bpr", "click", 0.7)
    batch = first_batches(model, graph)[1]
    assert batch.labels is not None and batch.labels.clicked.eq(1).all()
    pairs = [(branches[name].user @ branches[name].item.T)[batch.users, batch.items] for name in branches]
    match = pairs[0] + pairs[1]
    expected = F.binary_cross_entropy_with_logits(torch.tensor(0.5).exp() * match - 1.0, batch.labels.liked.double())
    torch.testing.assert_close(loss_of(like, branches, batch), expected)
    loss_of(like, branches, batch).backward()
    assert model.decoder.log_scale.grad is not None and model.decoder.log_scale.grad.abs() > 0


def test_it_ranks_by_the_match() -> None:
    model, graph = small_model("causalrec_likes")
    frozen = model.freeze(graph)
    logits = BlockLogits(frozen.branches, EVERYONE)
    scores = frozen.scorer(TotalIndirectEffect())(EVERYONE)
    match = logits["match"] + logits["match_visual"]
    torch.testing.assert_close(scores - scores[:, :1], match - match[:, :1])
