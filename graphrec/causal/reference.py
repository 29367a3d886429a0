"""The reference value i* of the treatment: what an effect compares the item with.

CausalRec (section 4.1) leaves i* open between a null and an average item. MACR replaces the branch by a tuned constant.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor

from graphrec.errors import RecipeError


class Reference(BaseModel):
    """Options that choose the reference value i*.

    Raises:
        pydantic.ValidationError: an option that does not belong to the chosen kind of reference.

    >>> Reference().reference
    'mean'
    >>> Reference(reference="constant", constant=0.5).caveats
    ('a constant logit is no item: the comparison is with a number, not with do(item = i*)',)
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    reference: Literal["mean", "zero", "category", "constant"] = "mean"
    """What i* is: the average of the training items; a row of zeros; for each item the average of the training items of
    its own category; or no item but a number in place of logits."""
    category: str = ""
    """The modality that gives the categories. Only for `reference=category`, which needs it."""
    constant: float | None = Field(default=None, allow_inf_nan=False)
    """The mediated branches' logit under `reference=constant` (MACR's c). None takes, as for all other branches, the
    branch's own mean logit over users and training items."""

    @model_validator(mode="after")
    def _options_belong_to_their_reference(self) -> Reference:
        # An option that were ignored instead of refused would give one effect two labels.
        if (self.reference == "category") != bool(self.category):
            raise ValueError("`category` names a modality where `reference` is `category`, and only there")
        if self.constant is not None and self.reference != "constant":
            raise ValueError("`constant` is a logit where `reference` is `constant`, and only there")
        return self

    @property
    def caveats(self) -> tuple[str, ...]:
        """Why scores under this reference are not the effect that they may be taken for; often none."""
        return _CAVEATS.get(self.reference, ())


_CAVEATS = {
    "category": ("each category has its own i*: scores across categories are effects against different references",),
    "constant": ("a constant logit is no item: the comparison is with a number, not with do(item = i*)",),
}


def reference_item(kind: str, item_table: Tensor, in_train: Tensor | None = None) -> Tensor:
    """The reference row of one item table, for the kinds of reference that are one item.

    Args:
        kind: `mean`, the average over the training items, or `zero`.
        item_table: embeddings or model-space features of all items.
        in_train: `[I]` bool, the items that occur in training; None takes them all.

    Shapes:
        item_table [I, d]; returns [1, d].

    Raises:
        RecipeError: another kind, or no items to average.

    >>> reference_item("mean", torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[2., 3.]])
    """
    if kind == "zero":
        return item_table.new_zeros(1, item_table.shape[1])
    if kind != "mean":
        raise RecipeError(
            "this reference is no item",
            expected="mean or zero",
            got=f"`{kind}`",
            next_step="`category` gives each item its own reference, `constant` replaces logits",
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

    >>> category_items(torch.tensor([[1.0], [3.0], [8.0]]), torch.tensor([0, 0, 1]))
    tensor([[2.],
            [2.],
            [8.]])
    """
    fitted = categories if in_train is None else categories[in_train]
    rows = item_table if in_train is None else item_table[in_train]
    kinds = int(categories.max()) + 1
    sums = item_table.new_zeros(kinds, item_table.shape[1]).index_add_(0, fitted, rows)
    counts = torch.bincount(fitted, minlength=kinds).to(item_table.dtype)
    # A category without a training item has count 0. `check_categories` lets no item have it, so its row is never read.
    return (sums / counts.clamp(min=1).unsqueeze(1)).index_select(0, categories)


def check_categories(name: str, categories: Tensor, in_train: Tensor | None = None) -> None:
    """Refuse categories that leave an item without a reference.

    Raises:
        RecipeError: items without a category, or of one that no training item has.

    >>> import torch
    >>> from graphrec.causal import check_categories
    >>> check_categories("brand", torch.tensor([0, 1, -1]))
    Traceback (most recent call last):
    graphrec.errors.RecipeError: 1 of 3 items have no `brand`, so no reference of their category
    ...
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
