"""normalize_rows against torch's own normalisation."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from graphrec.backbones.row_norm import normalize_rows


def test_values_and_gradients_equal_torch() -> None:
    x = torch.randn(40, 7, generator=torch.Generator().manual_seed(0), requires_grad=True)
    upstream = torch.randn(40, 7, generator=torch.Generator().manual_seed(1))
    ours, theirs = normalize_rows(x), F.normalize(x)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(torch.autograd.grad(ours, x, upstream)[0], torch.autograd.grad(theirs, x, upstream)[0])


def test_gradient_is_right_in_double_precision() -> None:
    x = torch.randn(6, 4, dtype=torch.double, generator=torch.Generator().manual_seed(2), requires_grad=True)
    assert torch.autograd.gradcheck(normalize_rows, (x,))


def test_a_zero_row_stays_zero_and_gets_no_gradient() -> None:
    x = torch.zeros(3, 4, requires_grad=True)
    y = normalize_rows(x)
    y.sum().backward()
    assert not y.any() and not x.grad.any()
