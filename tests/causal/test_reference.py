from __future__ import annotations

import pytest
import torch

from graphrec.causal import Reference, constant_logits, reference_item
from graphrec.errors import RecipeError


def test_the_mean_item_averages_the_rows():
    table = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
    assert torch.equal(reference_item("mean", table), torch.tensor([[2.0, 4.0]]))


def test_the_zero_item_is_a_row_of_zeros():
    table = torch.randn(5, 3, dtype=torch.float64)
    assert torch.equal(reference_item("zero", table), torch.zeros(1, 3, dtype=torch.float64))


def test_the_inner_product_with_the_mean_item_is_the_users_mean_logit():
    users, items = torch.randn(4, 3, dtype=torch.float64), torch.randn(9, 3, dtype=torch.float64)
    assert torch.allclose(users @ reference_item("mean", items).T, (users @ items.T).mean(1, keepdim=True))


def test_a_constant_has_no_item_and_an_empty_table_no_mean():
    with pytest.raises(RecipeError, match="constant_logits"):
        reference_item("constant", torch.zeros(2, 2))
    with pytest.raises(RecipeError, match="no items"):
        reference_item("mean", torch.zeros(0, 2))


def test_constant_logits_replace_the_named_branches_in_the_layout_of_a_reference():
    block = {"match": torch.randn(4, 9), "item": torch.randn(4, 9)}
    replaced = constant_logits(block, ("match",), 2.5)
    assert list(replaced) == ["match"]
    assert torch.equal(replaced["match"], torch.full((4, 1), 2.5))
    assert torch.equal(constant_logits({"match": torch.randn(6)}, ("match",), 1.0)["match"], torch.ones(6))


@pytest.mark.parametrize("wrong", [{"kind": "constant"}, {"kind": "mean", "value": 1.0}, {"kind": "median"}])
def test_a_reference_that_ignores_its_value_or_lacks_it_is_refused(wrong):
    with pytest.raises(ValueError):
        Reference(**wrong)


def test_the_default_reference_is_the_mean_item():
    assert Reference() == Reference(kind="mean")
    assert Reference(kind="constant", value=30.0).value == 30.0
