"""Products of a constant sparse matrix with a dense one, with the gradient through the stored transpose."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from graphrec.errors import DataError


def csr_tensor(crow: Tensor, col: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    """A torch CSR tensor, without torch's warning that the layout is in beta; the caller vouches for the numbers."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse")
        return torch.sparse_csr_tensor(crow, col, values, shape, check_invariants=False)


@dataclass(frozen=True)
class Rows:
    """A sparse matrix `[R, C]` row by row; the caller vouches for the numbers.

    Args:
        crow: `[R + 1]` int64 where each row starts.
        col: `[E]` int64 column numbers, sorted within each row.
        values: `[E]` float32; None stands for ones, which are not kept.
        columns: C.
    """

    crow: Tensor
    col: Tensor
    values: Tensor | None
    columns: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.crow.numel() - 1, self.columns

    @cached_property
    def tensor(self) -> Tensor:
        """The same as a torch CSR tensor in float32."""
        ones = torch.ones(self.col.shape, device=self.col.device)
        return csr_tensor(self.crow, self.col, ones if self.values is None else self.values, self.shape)

    def to(self, device: torch.device | str) -> Rows:
        values = None if self.values is None else self.values.to(device)
        return Rows(self.crow.to(device), self.col.to(device), values, self.columns)

    def turned(self) -> Rows:
        """The transpose."""
        rows = torch.repeat_interleave(torch.arange(self.shape[0]), self.crow.diff())
        order = torch.argsort(self.col, stable=True)
        crow = torch.zeros(self.columns + 1, dtype=torch.int64)
        crow[1:] = torch.bincount(self.col, minlength=self.columns).cumsum(0)
        return Rows(crow, rows[order], None if self.values is None else self.values[order], self.shape[0])

    def times(self, x: Tensor) -> Tensor:
        """`[C, d] -> [R, d]`, in the precision of x."""
        if x.dtype == torch.float32 and not x.is_cuda:
            return weighted_bags(self.crow, self.col, self.values, x.contiguous())
        matrix = self.tensor.to(x.dtype)  # float64 is for gradient checks; training on a CPU never comes here
        return matrix @ x if x.is_cuda else torch.sparse.mm(matrix, x.contiguous(), reduce="sum")


class ConstantCSR:
    """A sparse matrix `[R, C]` whose entries are data, not parameters, ready for fast products.

    PyTorch's own backward of `csr @ x` transposes the matrix anew at each step; here the transpose is stored, and for a
    symmetric matrix it is the matrix itself.

    Args:
        crow: `[R + 1]` int64 row pointers.
        col: `[E]` int64 column numbers, sorted within each row.
        values: `[E]` float32; None stands for ones, which are not kept.
        columns: C.
        symmetric: the caller states that the matrix equals its transpose.

    Raises:
        DataError: pointers or column numbers out of range (torch would read foreign memory and crash).
    """

    def __init__(
        self, crow: Tensor, col: Tensor, values: Tensor | None, columns: int, *, symmetric: bool = False
    ) -> None:
        _validate(crow, col, columns)
        self.matrix = Rows(crow, col, values, columns)
        self.transpose = self.matrix if symmetric else self.matrix.turned()

    @classmethod
    def paired(cls, matrix: Rows, transpose: Rows) -> ConstantCSR:
        """Of a matrix and its transpose, for both of which the caller vouches, without sorting."""
        made = object.__new__(cls)
        made.matrix, made.transpose = matrix, transpose
        return made

    @property
    def shape(self) -> tuple[int, int]:
        return self.matrix.shape

    @property
    def T(self) -> ConstantCSR:
        """The transpose `[C, R]`, sharing memory with this."""
        return ConstantCSR.paired(self.transpose, self.matrix)

    def to(self, device: torch.device | str) -> ConstantCSR:
        """The same matrix on another device."""
        matrix = self.matrix.to(device)
        return ConstantCSR.paired(matrix, matrix if self.transpose is self.matrix else self.transpose.to(device))

    def __matmul__(self, x: Tensor) -> Tensor:
        """`[R, C] @ [C, d]`, differentiable in x, in the precision of x.

        Raises:
            DataError: as `require_fit`.
        """
        self.require_fit(x)
        return _Product.apply(x, self)

    def require_fit(self, x: Tensor) -> None:
        """Raises DataError where x is not `[C, d]` (a float32 product on a CPU would take others without a word)."""
        if x.ndim != 2 or len(x) != self.shape[1]:
            raise DataError("a sparse product does not fit", expected=f"[{self.shape[1]}, d]", got=list(x.shape))


class _Product(Function):
    @staticmethod
    def forward(ctx, x: Tensor, matrix: ConstantCSR) -> Tensor:
        ctx.transpose = matrix.transpose
        return matrix.matrix.times(x)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.transpose.times(gradient), None


def weighted_bags(crow: Tensor, col: Tensor, values: Tensor | None, x: Tensor) -> Tensor:
    """The product with a CSR matrix, each row a weighted bag of rows of x; without weights their sum.

    On a CPU, in float32, the same bits as torch's sparse product in a third to two thirds of its time.
    """
    return F.embedding_bag(col, x, crow, mode="sum", per_sample_weights=values, include_last_offset=True)


def _validate(crow: Tensor, col: Tensor, columns: int) -> None:
    if crow.numel() == 0 or crow[0] != 0 or crow[-1] != col.numel() or bool((crow.diff() < 0).any()):
        raise DataError(
            "row pointers of a sparse matrix are broken",
            expected=f"rising numbers from 0 to {col.numel()}",
            got=f"{crow[:3].tolist()} ... {crow[-3:].tolist()}",
        )
    if col.numel() and (int(col.min()) < 0 or int(col.max()) >= columns):
        raise DataError(
            "column number of a sparse matrix out of range",
            expected=f"0 to {columns - 1}",
            got=f"{int(col.min())} to {int(col.max())}",
        )
