"""The restricted unpickler: matrices and lists come through, code does not."""

import os
import pickle
import pickletools

import numpy as np
import pytest
from scipy import sparse

from graphrec.data.readers.unpickle import load_lists, load_sparse_pickle
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


def test_objects_instead_of_numbers_are_refused(tmp_path):
    matrix = sparse.csr_matrix(np.eye(3))
    matrix.data = np.array([1, "two", None], dtype=object)
    (tmp_path / "matrix.pkl").write_bytes(pickle.dumps(matrix))
    with pytest.raises(DataError, match="is not an array of numbers"):
        load_sparse_pickle(tmp_path / "matrix.pkl")


def object_array(*rows):
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


@pytest.mark.parametrize(
    "rows",
    [
        object_array([1, 2], [], [3]),
        object_array((1, 2), set(), {3}),
        object_array(np.array([1, 2]), np.array([], dtype=int), [np.int32(3)]),
    ],
)
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_lists_come_through(tmp_path, rows, protocol):
    with open(tmp_path / "lists.npy", "wb") as stream:
        np.lib.format.write_array_header_1_0(stream, {"descr": "|O", "fortran_order": False, "shape": rows.shape})
        pickle.dump(rows, stream, protocol=protocol)
    assert [row.tolist() for row in load_lists(tmp_path / "lists.npy")] == [[1, 2], [], [3]]


def test_a_matrix_comes_as_its_rows(tmp_path):
    for array in (np.array([[1, 2], [3, 4]]), np.array([[1, 2], [3, 4]], dtype=object)):
        np.save(tmp_path / "lists.npy", array, allow_pickle=True)
        assert [row.tolist() for row in load_lists(tmp_path / "lists.npy")] == [[1, 2], [3, 4]]


def test_a_dictionary_comes_through_with_sets_in_order(tmp_path):
    np.save(tmp_path / "lists.npy", {3: {9, 2}, 0: [4, 1]}, allow_pickle=True)
    lists = load_lists(tmp_path / "lists.npy")
    assert {key: items.tolist() for key, items in lists.items()} == {3: [2, 9], 0: [4, 1]}


@pytest.mark.parametrize("nested", [lambda evil: object_array([1], [evil]), lambda evil: np.array({0: evil})])
def test_code_among_lists_is_not_run(tmp_path, nested):
    target = tmp_path / "made-by-the-pickle"
    np.save(tmp_path / "lists.npy", nested(Malicious(os.mkdir, str(target))), allow_pickle=True)
    with pytest.raises(DataError, match="do not open this file"):
        load_lists(tmp_path / "lists.npy")
    assert not target.exists()


@pytest.mark.parametrize(
    "content",
    [
        object_array([1], ["two"]),
        object_array([1], [1.5]),
        object_array([1], [2**63, 2**64]),
        object_array([[1, 2], [3, 4]], [1]),
        object_array([1], None),
        np.array({"0": [1]}),
        np.array({0.5: [1]}),
        np.array("text", dtype=object),
        np.array([1, 2, 3]),
        np.array([[1.5, 2.0]]),
    ],
)
def test_anything_but_lists_of_whole_numbers_is_refused(tmp_path, content):
    np.save(tmp_path / "lists.npy", content, allow_pickle=True)
    with pytest.raises(DataError, match=r"not a readable \.npy file of lists"):
        load_lists(tmp_path / "lists.npy")


def test_one_list_named_many_times_is_refused(tmp_path):
    long = list(range(1000))
    np.save(tmp_path / "lists.npy", object_array(*[long] * 1000), allow_pickle=True)
    assert (tmp_path / "lists.npy").stat().st_size < 10_000
    with pytest.raises(DataError, match="more numbers than the file has bytes"):
        load_lists(tmp_path / "lists.npy")
