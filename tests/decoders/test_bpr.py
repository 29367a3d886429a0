"""BPR-MF: a bias and a match."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from support.on_mf import mf_model

from graphrec.causal import Observational
from graphrec.decoders.bpr import BPRConfig
from graphrec.testing import DecoderContract
from graphrec.testing.small_model import EVERYONE


class TestBPR(DecoderContract):
    decoder = "bpr"


class TestBPROnAllModalities(DecoderContract):
    decoder = "bpr"
    settings: ClassVar = {"representation": "fused", "behaviour": "like", "negatives": "unliked"}


def test_the_score_is_the_item_bias_and_the_inner_product_of_the_tables() -> None:
    model, graph = mf_model("bpr")
    tables = model.tables["shared"]
    expected = model.decoder.bias + tables["user"] @ tables["item"].T
    torch.testing.assert_close(model.freeze(graph).scorer(Observational())(EVERYONE), expected.detach())


def test_it_has_no_parameter_besides_bias_and_two_tables() -> None:
    model, _ = mf_model("bpr")
    assert {name for name, _ in model.named_parameters()} == {
        "decoder.bias",
        "tables.shared.item",
        "tables.shared.user",
    }


def test_its_weight_may_be_zero_so_that_a_backbone_trains_by_its_auxiliary_losses_alone() -> None:
    model, _ = mf_model("bpr", {"weight": 0.0})
    assert [objective.weight for objective in model.decoder.objectives()] == [0.0]
    with pytest.raises(ValueError, match="weight"):
        BPRConfig(weight=-1.0)
