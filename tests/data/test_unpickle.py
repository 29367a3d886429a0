"""The restricted unpickler: matrices come through, code does not."""

import os
import pickle
import pickletools

import numpy as np
import pytest
from scipy import sparse

from graphrec.data.unpickle import load_sparse_pickle
from graphrec.errors import DataError


class Malicious:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("layout", ["csr_matrix", "csc_matrix", "coo_matrix", "csr_array", "coo_array"])
@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_sparse_matrices_come_through(tmp_path, layout, protocol):
    dense = (np.random.default_rng(0).random((6, 9)) < 0.3).astype(np.float32)
    file = tmp_path / "matrix.pkl"
    file.write_bytes(pickle.dumps(getattr(sparse, layout)(dense), protocol=protocol))
    np.testing.assert_array_equal(load_sparse_pickle(file).toarray(), dense)


def test_pickles_of_older_numpy_and_scipy_come_through(tmp_path):
    matrix = sparse.csr_matrix(np.eye(3, dtype=np.float32))
    current = pickle.dumps(matrix, protocol=3)
    older = current.replace(b"cscipy.sparse._csr\n", b"cscipy.sparse.csr\n").replace(b"numpy._core", b"numpy.core")
    assert older != current
    (tmp_path / "matrix.pkl").write_bytes(older)
    np.testing.assert_array_equal(load_sparse_pickle(tmp_path / "matrix.pkl").toarray(), np.eye(3))


@pytest.mark.parametrize("function", [os.system, os.mkdir, eval, exec, getattr, pickle.loads, np.load, np.save])
def test_nothing_but_matrices_is_loaded(tmp_path, function):
    target = tmp_path / "made-by-the-pickle"
    file = tmp_path / "matrix.pkl"
    arguments = {
        os.system: f"mkdir {target}",
        os.mkdir: str(target),
        eval: f"__import__('os').mkdir({str(target)!r})",
    }
    file.write_bytes(pickle.dumps(Malicious(function, arguments.get(function, "x"))))
    with pytest.raises(DataError, match="do not open this file"):
        load_sparse_pickle(file)
    assert not target.exists()


def test_code_hidden_within_an_array_is_not_run(tmp_path):
    target = tmp_path / "made-by-the-pickle"
    array = np.array([Malicious(os.mkdir, str(target))], dtype=object)
    file = tmp_path / "matrix.pkl"
    file.write_bytes(pickle.dumps(array))
    with pytest.raises(DataError):
        load_sparse_pickle(file)
    assert not target.exists()


def test_a_pickle_cannot_change_scipy(tmp_path):
    # GLOBAL csr_matrix, then BUILD with attributes: a plain unpickler would set them on the class itself
    code = b"\x80\x02cscipy.sparse._csr\ncsr_matrix\nN}X\x05\x00\x00\x00tocooX\x03\x00\x00\x00bads\x86b."
    assert [opcode.name for opcode, _, _ in pickletools.genops(code)][-2:] == ["BUILD", "STOP"]
    before = sparse.csr_matrix.tocoo
    (tmp_path / "matrix.pkl").write_bytes(code)
    with pytest.raises(DataError):
        load_sparse_pickle(tmp_path / "matrix.pkl")
    assert sparse.csr_matrix.tocoo is before


def test_indices_outside_the_matrix_are_refused(tmp_path):
    matrix = sparse.csr_matrix(np.eye(3))
    matrix.indices = np.array([0, 1, 10**6], dtype=np.int32)
    (tmp_path / "matrix.pkl").write_bytes(pickle.dumps(matrix))
    with pytest.raises(DataError, match="not a readable pickle"):
        load_sparse_pickle(tmp_path / "matrix.pkl")


@pytest.mark.parametrize("content", [b"", b"garbage", pickle.dumps([1, 2]), pickle.dumps(np.eye(2))])
def test_what_is_no_matrix_is_refused(tmp_path, content):
    (tmp_path / "matrix.pkl").write_bytes(content)
    with pytest.raises(DataError):
        load_sparse_pickle(tmp_path / "matrix.pkl")


def test_objects_in_the_place_of_numbers_are_refused(tmp_path):
    matrix = sparse.csr_matrix(np.eye(3))
    matrix.data = np.array([1, "two", None], dtype=object)
    (tmp_path / "matrix.pkl").write_bytes(pickle.dumps(matrix))
    with pytest.raises(DataError, match="is not an array of numbers"):
        load_sparse_pickle(tmp_path / "matrix.pkl")
