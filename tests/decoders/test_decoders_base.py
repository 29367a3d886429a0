"""The building blocks of decoders: logits of pairs and blocks, means of representations, offsets."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError

from graphrec.backbones import Representation
from graphrec.decoders import BlockLogits, Context, PairLogits, decoders
from graphrec.decoders.base import pick, with_offset
from graphrec.testing.small_model import CONTEXT, small_model


def tables(seed: int) -> Representation:
    generator = torch.Generator().manual_seed(seed)
    return Representation(torch.randn(5, 3, generator=generator), torch.randn(7, 3, generator=generator))


def test_logits_are_inner_products() -> None:
    branch = tables(0)
    users, items = torch.tensor([4, 0]), torch.tensor([6, 1])
    pairs = PairLogits({"a": branch}, users, items)["a"]
    for n in range(2):
        torch.testing.assert_close(pairs[n], torch.dot(branch.user[users[n]], branch.item[items[n]]))
    torch.testing.assert_close(BlockLogits({"a": branch}, users)["a"], branch.user[users] @ branch.item.T)


def test_logits_are_a_mapping_over_the_branches() -> None:
    logits = BlockLogits({"a": tables(0), "b": tables(1)}, torch.tensor([0]))
    assert list(logits) == ["a", "b"] and len(logits) == 2
    assert {**logits}.keys() == {"a", "b"}


def test_pick_is_the_mean_of_the_named() -> None:
    named = {"a": tables(0), "b": tables(1), "c": tables(2)}
    picked = pick(named, ("a", "c"))
    torch.testing.assert_close(picked.user, (named["a"].user + named["c"].user) / 2)
    torch.testing.assert_close(picked.item, (named["a"].item + named["c"].item) / 2)


def test_an_offset_raises_every_logit_and_learns() -> None:
    branch, offset = tables(0), torch.tensor([0.7], requires_grad=True)
    raised = with_offset(branch, offset)
    logits = raised.user @ raised.item.T
    torch.testing.assert_close(logits, branch.user @ branch.item.T + 0.7)
    logits.sum().backward()
    assert offset.grad is not None and offset.grad.item() == 35.0
    one_item = with_offset(Representation(branch.user, branch.item[:1]), offset)
    assert one_item.item.shape == (1, 4)


def test_the_id_stands_in_for_a_role_without_modalities() -> None:
    context = Context(exposure=(), content=("visual",), embedding_size=8)
    assert context.exposure_or_id == ("id",)
    assert context.content_or_id == ("visual",)
    assert context.modalities == ("visual",)


@pytest.mark.parametrize(
    ("name", "settings", "part"),
    [
        ("hcr", {"link": "sigmoid"}, "log s(like_match)"),
        ("hcr", {"link": "raw"}, "(click_match * s(click_exposure)) * like_match"),
        ("hcr", {"link": "softplus"}, "log softplus(like_match)"),
        ("causalrec", {"fusion": "paper"}, "s(match*) * s(match_visual*)"),
        ("causalrec", {"fusion": "author"}, "s(m + notice)"),
        ("causalrec", {"fusion": "add"}, "match + match_visual - match*"),
    ],
)
def test_the_formula_for_exported_tables_follows_the_settings(name: str, settings: dict, part: str) -> None:
    model, _ = small_model(name, settings)
    assert part in model.decoder.formula


@pytest.mark.parametrize(
    "name", [objective for objective in decoders if "negatives" in decoders.get(objective).Config.model_fields]
)
def test_a_click_is_never_compared_with_another_click(name: str) -> None:
    """By default, and where another kind of negatives is asked for."""
    kind = decoders.get(name)
    asked = {"behaviour": "click"} if "behaviour" in kind.Config.model_fields else {}
    context = replace(CONTEXT, categorical=("kind",), content=(*CONTEXT.content, "kind"))
    for objective in kind(kind.Config(**asked), context).objectives():
        assert objective.label == "like" or objective.negatives == "unclicked"
    if name == "dcf":
        return  # learns likes alone
    for negatives in ("unliked", "mixed", "clicked"):
        with pytest.raises(ValidationError, match="unclicked"):
            kind.Config(**asked, negatives=negatives)
