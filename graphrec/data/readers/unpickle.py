"""Reading pickled matrices, and arrays of lists, of unknown authors without running their code.

A pickle may name any function and have it called, and even numpy's own types trust what a pickle tells them
about memory. So nothing named in the file is imported: the few names that arrays, sets and scipy.sparse matrices
are pickled by are answered with inert holders of their fields, every other name is refused, and the numbers are
then rebuilt from raw bytes through public constructors with all sizes and indices checked.
"""

from __future__ import annotations

import math
import operator
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from graphrec.errors import DataError, file_not_found

_MATRIX_NAMES = {f"{layout}_{kind}" for layout in ("csr", "csc", "coo") for kind in ("matrix", "array")}
_ARRAY_MODULES = {"numpy.core.multiarray", "numpy._core.multiarray"}
_BUFFER_MODULES = {"numpy.core.numeric", "numpy._core.numeric"}
_SPARSE = "a pickled scipy.sparse csr, csc or coo matrix"
_LISTS = "an array written by numpy.save: of numbers, or of lists of whole numbers, or one dictionary of such lists"


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
        # A copy, because `frombuffer` gives a read-only view.
        return np.frombuffer(content, kind).reshape(shape, order="F" if fortran else "C").copy()


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: Any, path: Path, expected: str) -> None:
        # Pickles of Python 2 hold bytes as text. Latin-1 gives every byte back as it was.
        super().__init__(stream, encoding="latin1")
        self._path, self._expected = path, expected

    def find_class(self, module: str, name: str) -> Any:
        # Each answer is a new class: a pickle can set attributes on what it is given, and must not reach the
        # next answer.
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
        if module in ("builtins", "__builtin__") and name == "set":
            return set
        if (module, name) == ("_codecs", "encode"):  # how protocol 2 writes bytes
            return lambda text, _: text.encode("latin1")
        if module in ("builtins", "__builtin__") and name == "bytes":  # and no bytes at all
            return lambda: b""
        raise DataError(
            "the pickle asks for something other than numbers in arrays, lists, sets or scipy sparse matrices",
            expected=self._expected,
            got=f"`{module}.{name}`, which was not loaded",
            where=self._path,
            next_step="do not open this file; if you trust its author, ask for the numbers in a format without code",
        )


def load_sparse_pickle(path: Path) -> sparse.csr_array:
    """Read one pickled scipy.sparse matrix of numbers.

    Raises:
        DataError: the pickle names anything but arrays and sparse matrices, is broken, or holds no valid
            matrix.

    >>> file = Path("pairs.pkl")
    >>> _ = file.write_bytes(pickle.dumps(sparse.csr_matrix([[0, 1], [1, 1]])))
    >>> load_sparse_pickle(file).toarray().tolist()
    [[0, 1], [1, 1]]
    >>> _ = file.write_bytes(pickle.dumps(print))
    >>> load_sparse_pickle(file)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    graphrec.errors.DataError: the pickle asks for something other than numbers in ...
      expected: a pickled scipy.sparse csr, csc or coo matrix
      got: `builtins.print`, which was not loaded
      where: pairs.pkl
      next step: do not open this file; if you trust its author, ask for the numbers in a format without code
    """
    try:
        with open(path, "rb") as stream:
            loaded = _Unpickler(stream, path, _SPARSE).load()
        return _rebuild(_expect(loaded, _Matrix))
    except DataError:
        raise
    except FileNotFoundError:
        raise file_not_found(path) from None
    except Exception as error:  # a broken pickle may raise anything at all
        raise DataError(
            "not a readable pickle of a sparse matrix",
            expected=_SPARSE,
            got=f"{type(error).__name__}: {error}",
            where=path,
            next_step="obtain the file again",
        ) from error


def load_lists(path: Path) -> list[np.ndarray] | dict[int, np.ndarray]:
    """The lists of whole numbers in a `.npy` file: the rows of an array, or a dictionary of them by whole number.

    Returns:
        int64 arrays, one a row; rows may differ in length, and a set comes in ascending order.

    Raises:
        DataError: the file is broken, or holds anything else; nothing in it is run.

    >>> np.save("lists.npy", np.array([[7, 8], [5]], dtype=object))
    >>> load_lists(Path("lists.npy"))
    [array([7, 8]), array([5])]
    >>> np.save("by_user.npy", {30: [7, 8]})
    >>> load_lists(Path("by_user.npy"))
    {30: array([7, 8])}
    """
    try:
        with open(path, "rb") as stream:
            version = np.lib.format.read_magic(stream)
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            if not header(stream)[2].hasobject:
                return list(_integers(np.load(path, allow_pickle=False), dimensions=2))
            shape, _, _, content = _expect(_Unpickler(stream, path, _LISTS).load(), _Array).state
        if shape == () and isinstance(content[0], dict):
            lists = {operator.index(key): _integers(value) for key, value in content[0].items()}
        else:
            rows = content if len(shape) == 1 else np.reshape(np.asarray(content, dtype=object), shape).tolist()
            lists = dict(enumerate(map(_integers, rows)))
        # A pickle can name one list a million times; what numpy writes has at least two bytes for each number.
        if sum(map(len, lists.values())) > path.stat().st_size:
            raise ValueError("more numbers than the file has bytes")
        return lists if shape == () else list(lists.values())
    except DataError:
        raise
    except FileNotFoundError:
        raise file_not_found(path) from None
    except Exception as error:  # numpy parses the header as Python text, and a broken pickle may raise anything at all
        got = f"{type(error).__name__}: {error}"
        raise DataError(
            "not a readable .npy file of lists",
            expected=_LISTS,
            got=got,
            where=path,
            next_step="obtain the file again",
        ) from error


def _integers(value: Any, dimensions: int = 1) -> np.ndarray:
    """A list, set or array of whole numbers as int64."""
    if isinstance(value, _Array):
        value = value.numpy()
    elif isinstance(value, set):
        value = sorted(value)
    numbers = np.asarray(value)
    if numbers.ndim != dimensions or (numbers.size and numbers.dtype.kind not in "iu"):
        raise ValueError(f"`{str(value)[:60]}` does not hold whole numbers in {dimensions} dimensions")
    return numbers.astype(np.int64)


def _rebuild(loaded: _Matrix) -> sparse.csr_array:
    fields = {name: value.numpy() if isinstance(value, _Array) else value for name, value in vars(loaded).items()}
    shape = tuple(int(length) for length in fields["_shape"])
    if loaded.layout == "coo":
        coordinates = fields["coords"] if "coords" in fields else (fields["row"], fields["col"])
        row, col = (axis.numpy() if isinstance(axis, _Array) else axis for axis in coordinates)
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
        raise ValueError(f"got a {type(value).__name__} in place of a {kind.__name__.strip('_').lower()}")
    return value
