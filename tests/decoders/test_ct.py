"""CT: one branch, one loss."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
import torch.nn.functional as F

from graphrec.causal import FrontDoor, Observational, TotalIndirectEffect
from graphrec.errors import RecipeError
from graphrec.testing import DecoderContract
from graphrec.testing.small_model import EVERYONE, first_batches, small_model, total_loss


class TestCT(DecoderContract):
    decoder = "ct"


class TestClickModel(DecoderContract):
    decoder = "ct"
    settings: ClassVar = {"behaviour": "click", "graph": "click", "negatives": "unclicked"}


def test_the_score_is_the_inner_product_of_the_fused_representations() -> None:
    model, graph = small_model("ct")
    fused = model.representations(graph)["main"]["fused"]
    scores = model.freeze(graph).scorer(Observational())(EVERYONE)
    torch.testing.assert_close(scores, (fused.user @ fused.item.T).detach())


def test_the_loss_is_bpr() -> None:
    model, graph = small_model("ct")
    (batch,) = first_batches(model, graph)
    match = model(graph)["match"]
    logits = match.user @ match.item.T
    margin = logits[batch.users, batch.items] - logits[batch.users, batch.negatives]
    torch.testing.assert_close(total_loss(model, graph), -F.logsigmoid(margin).mean())


def test_an_estimand_that_it_has_no_parts_for_is_a_recipe_error() -> None:
    model, graph = small_model("ct")
    for estimand in (FrontDoor(), TotalIndirectEffect()):
        with pytest.raises(RecipeError, match="does not fit this decoder"):
            model.freeze(graph).scorer(estimand)
