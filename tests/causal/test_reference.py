from __future__ import annotations

import pytest
import torch

from graphrec.causal import category_items, check_categories, reference_item
from graphrec.errors import RecipeError

TABLE = torch.tensor([[1.0, 2.0], [3.0, 6.0], [5.0, 1.0], [7.0, 0.0]])
TRAINED = torch.tensor([True, True, False, True])


def test_the_mean_item_averages_the_rows_of_the_training_items():
    assert torch.equal(reference_item("mean", TABLE), torch.tensor([[4.0, 2.25]]))
    assert torch.equal(reference_item("mean", TABLE, TRAINED), TABLE[[0, 1, 3]].mean(0, keepdim=True))


def test_the_zero_item_is_a_row_of_zeros():
    table = torch.randn(5, 3, dtype=torch.float64)
    assert torch.equal(reference_item("zero", table, torch.zeros(5, dtype=torch.bool)), table.new_zeros(1, 3))


def test_the_inner_product_with_the_mean_item_is_the_users_mean_logit():
    users, items = torch.randn(4, 3, dtype=torch.float64), torch.randn(9, 3, dtype=torch.float64)
    assert torch.allclose(users @ reference_item("mean", items).T, (users @ items.T).mean(1, keepdim=True))


def test_another_kind_is_no_item_and_an_empty_table_has_no_mean():
    with pytest.raises(RecipeError, match="no item"):
        reference_item("constant", torch.zeros(2, 2))
    with pytest.raises(RecipeError, match="no items"):
        reference_item("mean", torch.zeros(0, 2))
    with pytest.raises(RecipeError, match="no items"):
        reference_item("mean", TABLE, torch.zeros(4, dtype=torch.bool))


def test_an_items_category_item_averages_the_training_items_of_its_category():
    categories = torch.tensor([5, 2, 5, 2])
    reference = category_items(TABLE, categories, TRAINED)
    assert torch.equal(reference, torch.tensor([[1.0, 2.0], [5.0, 3.0], [1.0, 2.0], [5.0, 3.0]]))
    assert torch.equal(category_items(TABLE, categories)[0], TABLE[[0, 2]].mean(0))
    single = category_items(TABLE, torch.zeros(4, dtype=torch.int64), TRAINED)
    torch.testing.assert_close(single, reference_item("mean", TABLE, TRAINED).expand(4, 2))


def test_items_without_a_category_are_counted():
    with pytest.raises(RecipeError, match="2 of 4 items have no `brand`") as caught:
        check_categories("brand", torch.tensor([0, -1, 0, -1]), TRAINED)
    assert "reference=mean" in caught.value.next_step


def test_a_category_that_no_training_item_has_is_named():
    with pytest.raises(RecipeError, match="1 items are of a `brand` that no training item has") as caught:
        check_categories("brand", torch.tensor([0, 1, 2, 1]), TRAINED)
    assert "number 2" in caught.value.got
    check_categories("brand", torch.tensor([0, 1, 2, 1]))
