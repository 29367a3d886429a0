"""The no-treatment reference: what an item would be if no item in particular were shown.

CausalRec (section 4.1) leaves i* open between a null and an average item; MACR replaces the branch by a tuned
constant.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor

from graphrec.causal.estimands import Logits
from graphrec.errors import RecipeError


class Reference(BaseModel):
    """Which reference an intervention do(I = i*) uses."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["mean", "zero", "constant"] = "mean"
    """mean: the average row of every item table; zero: a row of zeros; constant: a fixed logit, no item."""
    value: float | None = Field(default=None, allow_inf_nan=False)
    """The logit that stands for every mediated branch; for `constant`, and for nothing else."""

    @model_validator(mode="after")
    def _value_belongs_to_constant(self) -> Reference:
        if (self.kind == "constant") != (self.value is not None):
            raise ValueError("`value` is needed for kind `constant` and has no meaning for another kind")
        return self


def reference_item(kind: str, item_table: Tensor) -> Tensor:
    """The reference row of one item table.

    Args:
        kind: `mean` or `zero`.
        item_table: embeddings or model-space features of the items to average over.

    Shapes:
        item_table [I, d]; returns [1, d].

    Raises:
        RecipeError: another kind, or no items to average.
    """
    if kind == "zero":
        return item_table.new_zeros(1, item_table.shape[1])
    if kind != "mean":
        raise RecipeError(
            "this reference has no item",
            expected="mean or zero",
            got=f"`{kind}`",
            next_step="a constant reference replaces logits; use constant_logits",
        )
    if len(item_table) == 0:
        raise RecipeError("no items to take the mean reference of", expected="at least one item", got="0 rows")
    return item_table.mean(dim=0, keepdim=True)


def constant_logits(factual: Logits, branches: Iterable[str], value: float) -> dict[str, Tensor]:
    """Reference logits that are the same for every user (MACR's constant c).

    Shapes:
        a factual branch [b, I] gives [b, 1], one of pairs [B] gives [B].
    """
    shapes = {name: factual[name][:, :1] if factual[name].dim() == 2 else factual[name] for name in branches}
    return {name: torch.full_like(shape, value) for name, shape in shapes.items()}
