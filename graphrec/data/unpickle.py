"""Reading a pickled sparse matrix from a stranger without running the stranger's code.

A pickle may name any function and have it called, and even numpy's own types trust what a pickle tells them
about memory. So nothing named in the file is imported: the few names that arrays and scipy.sparse matrices
are pickled by are answered with inert holders of their fields, every other name is refused, and the matrix is
then rebuilt from raw bytes through public constructors with all sizes and indices checked.
"""

from __future__ import annotations

import math
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from graphrec.errors import DataError

_MATRIX_NAMES = {f"{layout}_{kind}" for layout in ("csr", "csc", "coo") for kind in ("matrix", "array")}
_ARRAY_MODULES = {"numpy.core.multiarray", "numpy._core.multiarray"}
_BUFFER_MODULES = {"numpy.core.numeric", "numpy._core.numeric"}


class _Matrix:
    """Stands in for a scipy.sparse matrix: its pickled attributes land in its `__dict__`."""

    layout = ""


class _Dtype:
    """Stands in for numpy.dtype; only plain numbers pass."""

    def __init__(self, code: str, *_: Any) -> None:
        self.code, self.order = code, "<"

    def __setstate__(self, state: Any) -> None:
        self.order = state[1]

    def numpy(self) -> np.dtype:
        if not re.fullmatch(r"b1|[iu][1248]|f[248]", str(self.code)) or self.order not in (
            "<",
            ">",
            "|",
            "=",
        ):
            raise ValueError(f"an array of `{self.code}` is not an array of numbers")
        return np.dtype(f"{self.order}{self.code}")


class _Array:
    """Stands in for numpy.ndarray."""

    state: tuple[Any, ...] = ()

    def __setstate__(self, state: Any) -> None:
        self.state = tuple(state[-4:])  # shape, dtype, whether in Fortran's order, bytes

    def numpy(self) -> np.ndarray:
        shape, dtype, fortran, raw = self.state
        kind = _expect(dtype, _Dtype).numpy()
        content = raw.encode("latin1") if isinstance(raw, str) else bytes(memoryview(raw))
        if math.prod(shape) * kind.itemsize != len(content):
            raise ValueError("the bytes of an array do not fit its shape")
        return np.frombuffer(content, kind).reshape(shape, order="F" if fortran else "C").copy()


class _SparseUnpickler(pickle.Unpickler):
    def __init__(self, stream: Any, path: Path) -> None:
        super().__init__(stream, encoding="latin1")
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        # Each answer is made anew: a pickle can set attributes on what it is given, and must not reach the
        # next one.
        if (module == "scipy.sparse" or module.startswith("scipy.sparse.")) and name in _MATRIX_NAMES:
            return type("Matrix", (_Matrix,), {"layout": name[:3]})
        if module == "numpy" and name in ("ndarray", "dtype"):
            return type("Stand", (_Array if name == "ndarray" else _Dtype,), {})
        if module in _ARRAY_MODULES and name == "_reconstruct":
            return lambda *_: _Array()
        if module in _ARRAY_MODULES and name == "scalar":
            return lambda dtype, raw: _array((), dtype, False, raw).numpy().item()
        if module in _BUFFER_MODULES and name == "_frombuffer":
            return lambda raw, dtype, shape, order, *_: _array(shape, dtype, order == "F", raw)
        raise DataError(
            "the pickle asks for something other than numpy arrays and scipy sparse matrices",
            expected="a pickled scipy.sparse csr, csc or coo matrix",
            got=f"`{module}.{name}`, which was not loaded",
            where=self._path,
            next_step="do not open this file; if you trust its author, ask for scipy.sparse.save_npz instead",
        )


def load_sparse_pickle(path: Path) -> sparse.csr_array:
    """Read one pickled scipy.sparse matrix of numbers.

    Raises:
        DataError: the pickle names anything but arrays and sparse matrices, is broken, or holds no valid
            matrix.
    """
    try:
        with open(path, "rb") as stream:
            loaded = _SparseUnpickler(stream, path).load()
        return _rebuild(_expect(loaded, _Matrix))
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError("file not found", where=path) from None
    except Exception as error:  # a broken pickle may raise anything at all
        raise DataError(
            "not a readable pickle of a sparse matrix",
            expected="a pickled scipy.sparse csr, csc or coo matrix",
            got=f"{type(error).__name__}: {error}",
            where=path,
        ) from error


def _rebuild(loaded: _Matrix) -> sparse.csr_array:
    fields = {name: value.numpy() if isinstance(value, _Array) else value for name, value in vars(loaded).items()}
    shape = tuple(int(length) for length in fields["_shape"])
    if loaded.layout == "coo":
        coordinates = fields["coords"] if "coords" in fields else (fields["row"], fields["col"])
        row, col = (one.numpy() if isinstance(one, _Array) else one for one in coordinates)
        matrix = sparse.csr_array(sparse.coo_array((fields["data"], (row, col)), shape=shape))
    else:
        build = sparse.csr_array if loaded.layout == "csr" else sparse.csc_array
        compressed = build((fields["data"], fields["indices"], fields["indptr"]), shape=shape)
        compressed.check_format(full_check=True)  # scipy's kernels trust the indices and would read past the end
        matrix = sparse.csr_array(compressed)
    matrix.sum_duplicates()
    return matrix


def _array(shape: Any, dtype: Any, fortran: bool, raw: Any) -> _Array:
    array = _Array()
    array.state = (shape, dtype, fortran, raw)
    return array


def _expect(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"found a {type(value).__name__} in place of a {kind.__name__.strip('_').lower()}")
    return value
