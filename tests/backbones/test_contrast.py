"""InfoNCE against its definition."""

from __future__ import annotations

import math

import pytest
import torch
from support.dense_equations import info_nce as term_by_term

from graphrec.backbones import contrast
from graphrec.backbones.contrast import info_nce


@pytest.mark.parametrize("temperature", [0.2, 1.0])
def test_it_is_the_definition_over_the_batch_or_over_all(temperature: float) -> None:
    torch.manual_seed(0)
    anchors, everyone = torch.randn(5, 3, dtype=torch.float64), torch.randn(9, 3, dtype=torch.float64)
    positives = everyone[[4, 0, 0, 8, 2]]
    assert float(info_nce(anchors, positives, temperature)) == pytest.approx(
        term_by_term(anchors, positives, temperature)
    )
    assert float(info_nce(anchors, positives, temperature, everyone)) == pytest.approx(
        term_by_term(anchors, positives, temperature, everyone)
    )


@pytest.mark.parametrize("temperature", [0.02, 0.2])
@pytest.mark.parametrize("over_all", [False, True])
def test_blocks_change_neither_its_value_nor_its_gradient(
    temperature: float, over_all: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(2)
    anchors, everyone = (torch.randn(40, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    rows = torch.randint(40, (40,)) if over_all else torch.arange(40)

    def actual(anchors: torch.Tensor, everyone: torch.Tensor) -> torch.Tensor:
        return info_nce(anchors, everyone[rows], temperature, everyone if over_all else None)

    whole = torch.autograd.grad(actual(anchors, everyone), (anchors, everyone))
    value = actual(anchors, everyone).detach()
    monkeypatch.setattr(contrast, "BLOCK", 1)
    torch.testing.assert_close(actual(anchors, everyone).detach(), value)
    torch.testing.assert_close(torch.autograd.grad(actual(anchors, everyone), (anchors, everyone)), whole)
    assert torch.autograd.gradcheck(actual, (anchors, everyone), eps=1e-7, atol=1e-5, fast_mode=True)


@pytest.mark.parametrize("over_all", [False, True])
def test_a_batch_without_repetitions_and_their_counts_are_the_batch(over_all: bool) -> None:
    torch.manual_seed(3)
    anchors, everyone = (torch.randn(9, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    with torch.no_grad():
        anchors[4], everyone[8] = 0.0, 0.0
    batch = torch.tensor([0, 4, 0, 8, 2, 2, 2, 7, 4])
    rows, counts = batch.unique(return_counts=True)
    among = everyone if over_all else None
    short = info_nce(anchors[rows], everyone[rows], 0.2, among, counts)
    full = info_nce(anchors[batch], everyone[batch], 0.2, among)
    torch.testing.assert_close(short, full)
    torch.testing.assert_close(
        torch.autograd.grad(short, (anchors, everyone)), torch.autograd.grad(full, (anchors, everyone))
    )


def test_it_does_not_overflow_or_vanish_at_a_low_temperature() -> None:
    basis = torch.eye(3)
    assert float(info_nce(basis, -basis, 0.002)) == pytest.approx(500 + math.log(2))


def test_it_is_small_where_each_anchor_is_nearest_to_its_positive_and_large_where_it_is_farthest() -> None:
    basis = torch.eye(4)
    assert float(info_nce(basis, basis, 0.1)) < 0.001
    assert float(info_nce(basis, -basis, 0.1)) > 10
    assert float(info_nce(basis, torch.ones(4, 4), 0.1)) == pytest.approx(math.log(4))


def test_a_zero_row_takes_no_part_on_either_side() -> None:
    torch.manual_seed(1)
    anchors, positives = torch.randn(6, 3), torch.randn(6, 3)
    whole = info_nce(anchors[:4], positives[:4], 0.2)
    anchors[4], positives[5] = 0.0, 0.0
    anchors.requires_grad_()
    among = torch.cat([positives[:4], torch.zeros(3, 3)])
    actual = info_nce(anchors, positives, 0.2, among)
    torch.testing.assert_close(actual, whole)
    actual.backward()
    assert anchors.grad is not None and anchors.grad[4:].eq(0).all() and anchors.grad[:4].ne(0).any()


def test_a_batch_of_zero_rows_has_no_loss() -> None:
    nothing = torch.zeros(3, 2, requires_grad=True)
    actual = info_nce(nothing, nothing, 0.2)
    actual.backward()
    assert float(actual.detach()) == 0.0 and nothing.grad is not None and nothing.grad.isfinite().all()
