"""L2 normalisation of rows, with a backward pass that reads memory three times instead of nine."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import Function

TINY = 1e-12


def normalize_rows(x: Tensor) -> Tensor:
    """Each row divided by its L2 norm, `[N, d] -> [N, d]`. A zero row stays zero and gets no gradient.

    Equal to `torch.nn.functional.normalize`, except for the gradient of rows shorter than 1e-12. It is zero here; there
    it is up to 1e12 times the gradient of the result.

    Example:
        >>> normalize_rows(torch.tensor([[3.0, 4.0], [0.0, 0.0]])).tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    return _NormalizeRows.apply(x)


class _NormalizeRows(Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        norm = torch.linalg.vector_norm(x, dim=1, keepdim=True)
        # Zero instead of 1 / norm for a (nearly) zero row: the backward pass multiplies by it, so no inf can arise.
        inverse = torch.where(norm > TINY, norm.reciprocal(), torch.zeros_like(norm))
        y = x * inverse
        ctx.save_for_backward(y, inverse)
        return y

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        y, inverse = ctx.saved_tensors
        # The Jacobian of x / |x| is (I - y y') / |x|: the gradient without its component along y.
        along = torch.linalg.vecdot(gradient, y).unsqueeze(1)
        return torch.addcmul(gradient, y, along, value=-1).mul_(inverse)
