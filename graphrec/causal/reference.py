"""References: what an item would be if no item in particular were recommended.

CausalRec (section 4.1) leaves i* open between a null and an average item; MACR replaces the branch by a tuned constant.
"""

from __future__ import annotations

import torch
from torch import Tensor

from graphrec.errors import RecipeError


def reference_item(kind: str, item_table: Tensor, in_train: Tensor | None = None) -> Tensor:
    """The reference row of one item table.

    Args:
        kind: `mean`, the average over the training items, or `zero`.
        item_table: embeddings or model-space features of all items.
        in_train: `[I]` bool, the items of the training part; None takes them all.

    Shapes:
        item_table [I, d]; returns [1, d].

    Raises:
        RecipeError: another kind, or no items to average.
    """
    if kind == "zero":
        return item_table.new_zeros(1, item_table.shape[1])
    if kind != "mean":
        raise RecipeError(
            "this reference is no item",
            expected="mean or zero",
            got=f"`{kind}`",
            next_step="`category` gives each item a reference of its own, `constant` replaces logits",
        )
    rows = item_table if in_train is None else item_table[in_train]
    if len(rows) == 0:
        raise RecipeError("no items to take the mean reference of", expected="at least one item", got="0 rows")
    return rows.mean(dim=0, keepdim=True)


def category_items(item_table: Tensor, categories: Tensor, in_train: Tensor | None = None) -> Tensor:
    """For each item the average row of the training items of its category, the item itself included.

    Args:
        categories: `[I]` the category of each item, as `check_categories` lets pass.

    Shapes:
        item_table [I, d]; returns [I, d].
    """
    fitted = categories if in_train is None else categories[in_train]
    rows = item_table if in_train is None else item_table[in_train]
    kinds = int(categories.max()) + 1
    sums = item_table.new_zeros(kinds, item_table.shape[1]).index_add_(0, fitted, rows)
    counts = torch.bincount(fitted, minlength=kinds).to(item_table.dtype)
    return (sums / counts.clamp(min=1).unsqueeze(1)).index_select(0, categories)


def check_categories(name: str, categories: Tensor, in_train: Tensor | None = None) -> None:
    """Refuse categories that leave an item without a reference.

    Raises:
        RecipeError: items without a category, or of one that no training item has.
    """
    without = int((categories < 0).sum())
    if without:
        raise RecipeError(
            f"{without} of {len(categories)} items have no `{name}`, so no reference of their category",
            expected="a category for every item",
            got=f"items {', '.join(map(str, torch.nonzero(categories < 0).flatten()[:3].tolist()))}"
            + (", ..." if without > 3 else ""),
            where="reference=category",
            next_step="use reference=mean, or another categorical modality",
        )
    fitted = categories if in_train is None else categories[in_train]
    lone = ~torch.isin(categories, fitted)
    if bool(lone.any()):
        raise RecipeError(
            f"{int(lone.sum())} items are of a `{name}` that no training item has",
            expected="a training item in every category",
            got=f"{len(categories[lone].unique())} such, the first is number {int(categories[lone].min())}",
            where="reference=category",
            next_step="use reference=mean, or a coarser category",
        )
