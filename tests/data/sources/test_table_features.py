"""Features that a person brings along."""

import numpy as np
import pandas as pd
import pytest

from graphrec.data.sources.table_features import parse_features, read_feature
from graphrec.errors import DataError

ITEMS = np.array(["x", "y", "z"], dtype=object)


@pytest.fixture
def folder(tmp_path):
    np.save(tmp_path / "image.npy", np.array([[1.0, 2], [3, 4], [5, 6]]))
    (tmp_path / "ids.txt").write_text("z\nother\nx\n")
    pd.DataFrame({"item": ["y", "x"], "f": [0.5, 0.25]}).to_parquet(tmp_path / "text.parquet")
    return tmp_path


def read(folder, text):
    (entry,) = parse_features(text, folder)
    return read_feature(entry, ITEMS)


def test_rows_are_matched_by_id(folder):
    feature = read(folder, "visual=image.npy@ids.txt")
    assert feature.values.tolist() == [[5, 6], [0, 0], [1, 2]]
    assert feature.mask.tolist() == [True, False, True]
    feature = read(folder, "text=text.parquet")
    assert feature.values.tolist() == [[0.25], [0.5], [0]]


def test_a_last_id_without_a_line_end_counts(folder):
    (folder / "ids.txt").write_text("z\nother\nx")
    assert read(folder, "visual=image.npy@ids.txt").mask.sum() == 2


def test_rows_without_ids_need_the_exact_count(folder):
    assert read(folder, "visual=image.npy").values[0].tolist() == [1, 2]
    np.save(folder / "image.npy", np.ones((4, 2)))
    with pytest.raises(DataError, match="one row for each item"):
        read(folder, "visual=image.npy")
    with pytest.raises(DataError, match="feature row for each item"):
        read(folder, "visual=image.npy@ids.txt")


@pytest.mark.parametrize(
    "text", ["image.npy", "visual=", "visual=image.png", "text=text.parquet@ids.txt", "=image.npy"]
)
def test_malformed_entries_are_refused(folder, text):
    with pytest.raises(DataError, match=r"modality=file\.npy"):
        parse_features(text, folder)


def test_wrong_files_are_refused(folder):
    with pytest.raises(DataError, match="not found"):
        parse_features("visual=nowhere.npy", folder)
    with pytest.raises(DataError, match="named twice"):
        parse_features("a=image.npy,a=text.parquet", folder)
    (folder / "ids.txt").write_text("z\nz\nx\n")
    with pytest.raises(DataError, match="two feature rows"):
        read(folder, "visual=image.npy@ids.txt")
    (folder / "ids.txt").write_text("1\n2\n3\n")
    with pytest.raises(DataError, match="no feature row"):
        read(folder, "visual=image.npy@ids.txt")
    np.save(folder / "image.npy", np.array([[1.0, 2], [np.nan, 4], [5, 6]]))
    with pytest.raises(DataError, match="row 1, column 0"):
        read(folder, "visual=image.npy")
    pd.DataFrame({"item": ["y", "x"], "f": ["a", "b"]}).to_parquet(folder / "text.parquet")
    with pytest.raises(DataError, match="column `f`"):
        read(folder, "text=text.parquet")
