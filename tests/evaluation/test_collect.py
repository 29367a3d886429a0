"""Per-user values are gathered in place, and nothing of a block outlives it."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch

from graphrec.evaluation.collect import Collected
from graphrec.evaluation.ranking import evaluate
from graphrec.evaluation.scorer import TableScorer


def test_rows_come_in_the_order_in_which_they_were_added() -> None:
    collected = Collected(5)
    collected.add({"user": np.array([3, 1]), "value": np.array([0.5, np.nan])})
    collected.add({"user": np.array([4]), "value": np.array([2.0])})
    table = collected.table()
    assert table["user"].tolist() == [3, 1, 4] and table["user"].dtype.kind == "i"
    assert table["value"].tolist() == pytest.approx([0.5, np.nan, 2.0], nan_ok=True)


def test_no_more_rows_than_announced() -> None:
    collected = Collected(1)
    with pytest.raises(ValueError):
        collected.add({"user": np.arange(2)})


def test_an_evaluation_holds_two_blocks_at_most() -> None:
    """One block is evaluated while the next one is scored."""
    alive: list[weakref.ref] = []
    most = 0

    class Watched(TableScorer):
        def __call__(self, users: torch.Tensor) -> torch.Tensor:
            nonlocal most
            most = max(most, sum(block() is not None for block in alive))
            scores = super().__call__(users)
            alive.append(weakref.ref(scores))
            return scores

    pairs = np.stack([np.arange(40), np.arange(40) % 50], axis=1)
    table = evaluate(Watched(torch.rand(40, 50), bytes_per_user=2**26), pairs, pairs[:0], (5,))
    assert len(table) == 40 and len(alive) == 10
    assert most <= 1
