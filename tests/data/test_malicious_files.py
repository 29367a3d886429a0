"""No file of numbers, in any layout that a source reads, gets code run that its author put there."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.fuzzing import Example, examples

from graphrec.errors import DataError

NUMBERS = (".npy", ".npz", ".pkl", ".pt")


class Malicious:
    """Makes a folder when it is unpickled without care."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (self.folder,)


def _write(file: Path, evil: Malicious) -> None:
    """A file of this ending whose pickle holds more than numbers."""
    content = np.array([1, evil], dtype=object)
    if file.suffix == ".npy":
        np.save(file, content, allow_pickle=True)
    elif file.suffix == ".npz":
        np.savez(file, data=content, indices=content, indptr=content, format="csr", shape=content)
    elif file.suffix == ".pt":
        torch.save([torch.ones(2), evil], file)
    else:
        file.write_bytes(pickle.dumps(evil))


def _with_numbers() -> list[Example]:
    """The examples in whose folders such files lie."""
    names = ("mmgcn", "diffmm", "mmssl", "kwai", "mmrec")
    return [example for example in examples() if any(name in example.name for name in names)]


@pytest.mark.parametrize("example", _with_numbers(), ids=lambda example: example.name)
def test_code_in_a_file_of_numbers_is_refused_and_not_run(example: Example, tmp_path: Path) -> None:
    whole, made = tmp_path / "whole", tmp_path / "made-by-the-pickle"
    example.write(whole)
    files = [file.relative_to(whole) for file in sorted(whole.rglob("*")) if file.suffix in NUMBERS]
    assert files
    for name in files:
        raw = tmp_path / "raw"
        shutil.copytree(whole, raw)
        _write(raw / name, Malicious(made))
        with pytest.raises(DataError, match=name.name):
            example.load(raw)
        assert not made.exists(), name
        shutil.rmtree(raw)


@pytest.mark.parametrize("ending", NUMBERS)
def test_the_same_files_do_run_their_code_where_nobody_takes_care(ending: str, tmp_path: Path) -> None:
    file, made = tmp_path / f"file{ending}", tmp_path / "made-by-the-pickle"
    _write(file, Malicious(made))
    if ending == ".pkl":
        pickle.loads(file.read_bytes())
    elif ending == ".pt":
        torch.load(file, weights_only=False)
    else:
        loaded = np.load(file, allow_pickle=True)
        _ = loaded if ending == ".npy" else loaded["data"]
    assert made.exists()
