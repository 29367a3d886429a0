"""Products with a constant sparse matrix, against dense algebra."""

from __future__ import annotations

import pytest
import torch

from graphrec.errors import DataError
from graphrec.graph.sparse import ConstantCSR


def random_matrix(rows: int = 9, columns: int = 6, seed: int = 0) -> tuple[ConstantCSR, torch.Tensor]:
    """A matrix with empty rows and empty columns, and the same matrix dense."""
    generator = torch.Generator().manual_seed(seed)
    dense = torch.randn(rows, columns, generator=generator)
    dense[torch.rand(rows, columns, generator=generator) < 0.6] = 0.0
    dense[2], dense[:, 3] = 0.0, 0.0
    csr = dense.to_sparse_csr()
    return ConstantCSR(csr.crow_indices(), csr.col_indices(), csr.values(), columns), dense


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_product_and_gradient_are_those_of_the_dense_matrix(dtype: torch.dtype) -> None:
    matrix, dense = random_matrix()
    assert matrix.shape == dense.shape
    x = torch.randn(6, 4, dtype=dtype, requires_grad=True)
    twin = x.detach().clone().requires_grad_()
    weights = torch.randn(9, 4, dtype=dtype)
    ((matrix @ x) * weights).sum().backward()
    ((dense.to(dtype) @ twin) * weights).sum().backward()
    torch.testing.assert_close(matrix @ x, dense.to(dtype) @ twin)
    torch.testing.assert_close(x.grad, twin.grad)


def test_the_stored_transpose_is_the_transpose() -> None:
    matrix, dense = random_matrix()
    assert torch.equal(matrix.transpose.tensor.to_dense(), dense.T)
    assert matrix.transpose.col.dtype == torch.int64


def test_an_x_that_is_not_contiguous_is_served_too() -> None:
    matrix, dense = random_matrix()
    x = torch.randn(4, 6).T
    torch.testing.assert_close(matrix @ x, dense @ x)


def test_gradients_agree_with_finite_differences() -> None:
    matrix, _ = random_matrix()
    x = torch.randn(6, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: matrix @ x, (x,))


@pytest.mark.parametrize(
    ("crow", "col"),
    [([0, 2, 1], [0]), ([1, 2], [0]), ([0, 1, 3], [0, 1]), ([], []), ([0, 1], [3]), ([0, 1], [-1])],
)
def test_numbers_that_would_read_foreign_memory_are_refused(crow: list[int], col: list[int]) -> None:
    columns = torch.tensor(col, dtype=torch.int64)
    with pytest.raises(DataError):
        ConstantCSR(torch.tensor(crow, dtype=torch.int64), columns, torch.ones(len(col)), 3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(5, 4), (7, 4), (6,)])
def test_a_product_that_does_not_fit_is_refused(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    matrix, _ = random_matrix()
    with pytest.raises(DataError, match=r"expected: \[6, d\]"):
        matrix @ torch.zeros(shape, dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_without_values_its_entries_are_ones(dtype: torch.dtype) -> None:
    matrix, dense = random_matrix()
    ones = ConstantCSR(matrix.matrix.crow, matrix.matrix.col, None, 6)
    assert ones.matrix.values is None and ones.T.matrix.values is None
    x, weights = torch.randn(6, 3, dtype=dtype, requires_grad=True), torch.randn(9, 3, dtype=dtype)
    ((ones @ x) * weights).sum().backward()
    torch.testing.assert_close(ones @ x, (dense != 0).to(dtype) @ x)
    torch.testing.assert_close(x.grad, (dense != 0).to(dtype).T @ weights)
