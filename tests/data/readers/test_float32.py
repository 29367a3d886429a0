"""Features that float32 cannot hold, and arrays whose header declares what is not there, are refused."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from graphrec.data.prepare import prepare
from graphrec.data.readers.raw_files import read_matrix
from graphrec.data.store import load
from graphrec.errors import DataError

BAD = (1e39, -1e39, 1e308, float("inf"), float("-inf"), float("nan"))


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("suffix", [".npy", ".parquet"])
def test_a_value_that_float32_cannot_hold_is_refused_by_prepare_with_its_place(
    tmp_path: Path, value: float, suffix: str
) -> None:
    (tmp_path / "log.csv").write_text("user,item\na,x\nb,y\na,z\n")
    values = np.array([[1.0, 2.0], [3.0, value], [5.0, 6.0]])
    file = tmp_path / f"looks{suffix}"
    if suffix == ".npy":
        np.save(file, values)
    else:
        pd.DataFrame({"id": ["x", "y", "z"], "red": values[:, 0], "blue": values[:, 1]}).to_parquet(file)
    with pytest.raises(DataError) as caught:
        prepare("table", tmp_path / "log.csv", tmp_path / "prepared", {"features": f"visual={file.name}"})
    # In a table what is no finite number is refused as such, before its width is asked for.
    places = {".npy": "row 1, column 1", ".parquet": "row y, column blue" if np.isfinite(value) else "row 2 (without"}
    assert places[suffix] in str(caught.value.where)
    assert not (tmp_path / "prepared").exists()


def test_the_same_holds_for_a_tensor(tmp_path: Path) -> None:
    for value in BAD:
        torch.save(torch.tensor([[1.0, value]], dtype=torch.float64), tmp_path / "looks.pt")
        with pytest.raises(DataError, match="not finite"):
            read_matrix(tmp_path / "looks.pt")


def test_the_largest_number_of_float32_is_kept(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user,item\na,x\n")
    np.save(tmp_path / "looks.npy", np.array([[3.4e38, -3.4e38]]))
    prepare("table", tmp_path / "log.csv", tmp_path / "prepared", {"features": "visual=looks.npy"})
    assert load(tmp_path / "prepared").features["visual"].values.tolist() == [[np.float32(3.4e38), np.float32(-3.4e38)]]


@pytest.mark.parametrize("shape", [(200_000, 100_000), (2**40, 2**40), (10, 10), (0, 5), (3, 3), (-1, 4)])
@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_an_array_that_declares_another_size_than_it_has_is_refused_before_it_is_allocated(
    tmp_path: Path, shape: tuple[int, int], version: tuple[int, int]
) -> None:
    """F8: a megabyte that asks for 149 GiB."""
    path = tmp_path / "bomb.npy"
    with path.open("wb") as stream:
        header = {"descr": "<f8", "fortran_order": False, "shape": shape}
        write = np.lib.format.write_array_header_1_0 if version == (1, 0) else np.lib.format.write_array_header_2_0
        write(stream, header)
        stream.write(b"\0" * 1_000_000)
    tracemalloc.start()
    with pytest.raises(DataError, match=r"header declares|not a readable"):
        read_matrix(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_an_honest_array_is_read_in_every_version_and_order(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    for number, array in enumerate((values, np.asfortranarray(values), values[:, :0], values.astype(np.int8))):
        for version in ((1, 0), (2, 0), (3, 0)):
            with (tmp_path / f"{number}.npy").open("wb") as stream:
                np.lib.format.write_array(stream, array, version=version)
            assert read_matrix(tmp_path / f"{number}.npy").tolist() == array.tolist()
