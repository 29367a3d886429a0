"""Products of a constant sparse matrix with a dense one; the backward pass multiplies by the stored transpose."""

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
    """A torch CSR tensor, without torch's warning that the layout is in beta.

    The pointers and column numbers are not checked; see `ConstantCSR` for a form that checks them.

    Example:
        >>> crow, col, values = torch.tensor([0, 1, 3]), torch.tensor([2, 0, 1]), torch.tensor([5.0, 6.0, 7.0])
        >>> csr_tensor(crow, col, values, (2, 3)).to_dense().tolist()
        [[0.0, 0.0, 5.0], [6.0, 7.0, 0.0]]
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse")
        return torch.sparse_csr_tensor(crow, col, values, shape, check_invariants=False)


@dataclass(frozen=True)
class CSRMatrix:
    """A sparse matrix `[R, C]` in compressed row form. The numbers are not checked; `ConstantCSR` checks them.

    Args:
        crow: `[R + 1]` int64, where each row starts.
        col: `[E]` int64 column numbers, sorted within each row.
        values: `[E]` float32; None stands for ones, which then take no memory.
        columns: C.

    Example:
        >>> matrix = CSRMatrix(torch.tensor([0, 1, 3]), torch.tensor([2, 0, 1]), values=None, columns=3)
        >>> matrix.tensor.to_dense().tolist()
        [[0.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
        >>> matrix.transposed().matmul(torch.tensor([[1.0], [10.0]])).squeeze(1).tolist()
        [10.0, 10.0, 1.0]
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
        """The same matrix as a torch CSR tensor in float32."""
        ones = torch.ones(self.col.shape, device=self.col.device)
        return csr_tensor(self.crow, self.col, ones if self.values is None else self.values, self.shape)

    def to(self, device: torch.device | str) -> CSRMatrix:
        """The same matrix on another device."""
        values = None if self.values is None else self.values.to(device)
        return CSRMatrix(self.crow.to(device), self.col.to(device), values, self.columns)

    def transposed(self) -> CSRMatrix:
        """The transpose `[C, R]`."""
        rows = torch.repeat_interleave(torch.arange(self.shape[0]), self.crow.diff())
        order = torch.argsort(self.col, stable=True)  # stable, so that the new columns are sorted within each row
        crow = torch.zeros(self.columns + 1, dtype=torch.int64)
        crow[1:] = torch.bincount(self.col, minlength=self.columns).cumsum(0)
        return CSRMatrix(crow, rows[order], None if self.values is None else self.values[order], self.shape[0])

    def matmul(self, x: Tensor) -> Tensor:
        """`[C, d] -> [R, d]`, in the precision of x."""
        if x.dtype == torch.float32 and not x.is_cuda:
            return weighted_bags(self.crow, self.col, self.values, x.contiguous())
        matrix = self.tensor.to(x.dtype)  # float64 is for gradient checks; training on a CPU never comes here
        return matrix @ x if x.is_cuda else torch.sparse.mm(matrix, x.contiguous(), reduce="sum")


class ConstantCSR:
    """A sparse matrix `[R, C]` whose entries are data and not parameters, ready for fast products.

    PyTorch's own backward pass of `csr @ x` transposes the matrix at every step. Here the transpose is stored. For a
    symmetric matrix it is the matrix itself.

    Args:
        crow: `[R + 1]` int64 row pointers.
        col: `[E]` int64 column numbers, sorted within each row.
        values: `[E]` float32; None stands for ones, which then take no memory.
        columns: C.
        symmetric: the caller states that the matrix equals its transpose.

    Raises:
        DataError: a pointer or column number is out of range. (Torch would read foreign memory and crash.)

    Example:
        >>> import torch
        >>> matrix = ConstantCSR(torch.tensor([0, 1, 3]), torch.tensor([2, 0, 1]), None, columns=3)
        >>> (matrix @ torch.eye(3)).tolist()
        [[0.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
        >>> matrix.shape, matrix.T.shape
        ((2, 3), (3, 2))
    """

    def __init__(
        self, crow: Tensor, col: Tensor, values: Tensor | None, columns: int, *, symmetric: bool = False
    ) -> None:
        _validate(crow, col, columns)
        self.matrix = CSRMatrix(crow, col, values, columns)
        self.transpose = self.matrix if symmetric else self.matrix.transposed()

    @classmethod
    def from_transpose(cls, matrix: CSRMatrix, transpose: CSRMatrix) -> ConstantCSR:
        """From a matrix and its transpose, neither of which is checked or sorted."""
        constant = object.__new__(cls)
        constant.matrix, constant.transpose = matrix, transpose
        return constant

    @property
    def shape(self) -> tuple[int, int]:
        return self.matrix.shape

    @property
    def T(self) -> ConstantCSR:
        """The transpose `[C, R]`, sharing memory with this matrix."""
        return ConstantCSR.from_transpose(self.transpose, self.matrix)

    def to(self, device: torch.device | str) -> ConstantCSR:
        """The same matrix on another device."""
        matrix = self.matrix.to(device)
        # A symmetric matrix is its own transpose, and is moved and stored once.
        transpose = matrix if self.transpose is self.matrix else self.transpose.to(device)
        return ConstantCSR.from_transpose(matrix, transpose)

    def __matmul__(self, x: Tensor) -> Tensor:
        """`[R, C] @ [C, d]`, differentiable in x, in the precision of x.

        Raises:
            DataError: as `check_operand`.
        """
        self.check_operand(x)
        return _Product.apply(x, self)

    def check_operand(self, x: Tensor) -> None:
        """Check that x is `[C, d]`.

        Raises:
            DataError: x has another shape. (A float32 product on a CPU would compute with some of them silently.)
        """
        if x.ndim != 2 or len(x) != self.shape[1]:
            raise DataError("a sparse product does not fit", expected=f"[{self.shape[1]}, d]", got=list(x.shape))


class _Product(Function):
    @staticmethod
    def forward(ctx, x: Tensor, matrix: ConstantCSR) -> Tensor:
        # The product is linear in x, so that x need not be stored for the backward pass.
        ctx.transpose = matrix.transpose
        return matrix.matrix.matmul(x)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.transpose.matmul(gradient), None


def weighted_bags(crow: Tensor, col: Tensor, values: Tensor | None, x: Tensor) -> Tensor:
    """The product of a CSR matrix with x: row r is the weighted sum of the rows of x that `col` names for it.

    On a CPU, in float32, `embedding_bag` gives the same bits as torch's sparse product in a third to two thirds of its
    time.

    Args:
        values: `[E]` weights; None stands for ones.
        x: `[C, d]`.

    Example:
        >>> x = torch.tensor([[1.0], [10.0], [100.0]])
        >>> crow, col = torch.tensor([0, 2, 2, 3]), torch.tensor([0, 1, 2])  # row 1 is empty
        >>> weighted_bags(crow, col, torch.tensor([1.0, 2.0, 3.0]), x).squeeze(1).tolist()
        [21.0, 0.0, 300.0]
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
