"""What sources share: required files, provenance, dense numbers for integer ids, arrays read without running code."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from graphrec.data.cards import cards
from graphrec.data.dataset import InteractionDataset
from graphrec.data.readers.float32 import finite_float32
from graphrec.data.source import SourceOptions
from graphrec.errors import DataError, file_not_found
from graphrec.system.files import sha256
from graphrec.system.integrity import read_own_json

SIMULATED = "none: simulated"
WORLD = "world.json"
"""A file next to simulated files. Its settings go into the provenance, so that a twin is never taken for real data."""


def require_files(raw: Path, names: Iterable[str], layout: str) -> list[Path]:
    """The paths of the named files in the folder `raw`.

    Raises:
        DataError: the folder or a file is missing; lists what is there.

    >>> Path("train.txt").touch()
    >>> [file.name for file in require_files(Path(), ["train.txt"], "mine text")]
    ['train.txt']
    >>> require_files(Path(), ["train.txt", "test.txt"], "mine text")
    Traceback (most recent call last):
    graphrec.errors.DataError: the layout `mine text` lacks test.txt
      expected: a folder with train.txt, test.txt
      got: train.txt
      where: .
      next step: give the folder that holds these files
    """
    raw, names = Path(raw), list(names)
    missing = [name for name in names if not (raw / name).is_file()]
    if not missing:
        return [raw / name for name in names]
    raise DataError(
        f"the layout `{layout}` lacks {', '.join(missing)}",
        expected=f"a folder with {', '.join(names)}",
        got=listing(raw),
        where=raw,
        next_step=how_to_obtain(layout.split()[0], raw),
    )


def how_to_obtain(source: str, raw: Path) -> str:
    """The next step where a source finds none of its files in `raw`.

    >>> how_to_obtain("coat", Path("raw"))
    '`graphrec datasets coat` says which files are needed and how to obtain them'
    """
    if Path(raw).is_file():
        return "give the folder that holds the file"
    if source not in cards():  # a source from outside graphrec
        return "give the folder that holds these files"
    return f"`graphrec datasets {source}` says which files are needed and how to obtain them"


def listing(raw: Path) -> str:
    """What is in a folder, for an error message.

    >>> Path("test.txt").touch(), Path("train.txt").touch()
    (None, None)
    >>> listing(Path()), listing(Path("train.txt")), listing(Path("raw"))
    ('test.txt, train.txt', 'a file', 'no such folder')
    """
    if not Path(raw).is_dir():
        return "a file" if Path(raw).is_file() else "no such folder"
    names = sorted(file.name for file in Path(raw).iterdir())
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "") or "an empty folder"


def provenance(
    source: str, layout: str, options: SourceOptions, files: Iterable[Path], folder: Path | None = None
) -> dict[str, Any]:
    r"""Source, layout, options, and the hash of every raw file; plain JSON values.

    Args:
        folder: what the files are named relative to; needed where some are in folders within the raw folder.

    >>> file = Path("train.txt")
    >>> _ = file.write_text("0 1\n")
    >>> record = provenance("mine", "text", SourceOptions(), [file])
    >>> record["source"], record["layout"], record["options"], record["files"]["train.txt"][:8]
    ('mine', 'text', {}, 'a7912299')
    """
    return {
        "source": source,
        "layout": layout,
        "options": options.model_dump(mode="json"),
        "files": {file.relative_to(folder).as_posix() if folder else file.name: sha256(file) for file in files},
    }


def with_world(dataset: InteractionDataset, raw: Path) -> InteractionDataset:
    """The dataset, marked as simulated if the settings of a simulated world are next to its raw files.

    Its vectors were drawn, whichever encoder made those of the real files.

    >>> dataset = gr.load(data)
    >>> with_world(dataset, raw).features["visual"].encoder
    'none: simulated'
    >>> with_world(dataset, Path()) is dataset
    True
    """
    world = Path(raw) / WORLD
    if not world.is_file():
        return dataset
    features = {
        name: replace(feature, encoder=SIMULATED, layer="") if feature.encoder else feature
        for name, feature in dataset.features.items()
    }
    return replace(
        dataset,
        features=features,
        provenance={**dataset.provenance, "simulated": read_own_json(world, "simulate the world again")},
    )


def number_ids(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """External ids as strings in numerical order, and each value's dense number, from `[N]` integers.

    >>> number_ids(np.array([30, 7, 30]))
    (array(['7', '30'], dtype=object), array([1, 0, 1]))
    """
    ids, numbers = np.unique(values, return_inverse=True)
    return ids.astype(str).astype(object), numbers.astype(np.int64)


def read_tensor(path: Path) -> np.ndarray:
    """The one dense tensor of numbers in a file of `torch.save`, read by torch's restricted unpickler.

    Raises:
        DataError: not a readable file, or anything else in it.

    >>> import torch
    >>> torch.save(torch.eye(2), "features.pt")
    >>> read_tensor(Path("features.pt")).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    >>> torch.save({"features": torch.eye(2)}, "dict.pt")
    >>> read_tensor(Path("dict.pt"))
    Traceback (most recent call last):
    graphrec.errors.DataError: not a readable .pt file
      expected: one dense tensor of numbers
      got: ValueError: got a dict
      where: dict.pt
      next step: save the tensor alone with torch.save, or as .npy
    """
    import torch  # here, so that reading text does not wait for torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old formats
            loaded = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(loaded, torch.Tensor):
            raise ValueError(f"got a {type(loaded).__name__}")
        return loaded.detach().numpy()
    except FileNotFoundError:
        raise file_not_found(path) from None
    except Exception as error:  # torch, zipfile and the unpickler raise exceptions of many types
        got = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        raise DataError(
            "not a readable .pt file",
            expected="one dense tensor of numbers",
            got=got,
            where=path,
            next_step="save the tensor alone with torch.save, or as .npy",
        ) from None


def _require_declared_size(path: Path) -> None:
    """Refuse a `.npy` file whose header declares more, or less, than the file has: numpy would allocate it first."""
    with path.open("rb") as stream:
        if stream.read(len(np.lib.format.MAGIC_PREFIX)) != np.lib.format.MAGIC_PREFIX:
            return  # not a single array: numpy says so
        stream.seek(0)
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(stream)
        if dtype.hasobject:
            return  # a pickle, which numpy refuses
        declared, there = math.prod(shape) * dtype.itemsize, path.stat().st_size - stream.tell()
        if declared != there:
            raise ValueError(f"its header declares {declared:,} bytes of numbers, the file has {there:,}")


def _read_array(path: Path) -> np.ndarray:
    try:
        _require_declared_size(path)
        return np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise file_not_found(path) from None
    except Exception as error:  # numpy parses the header as Python text and lets through whatever that raises
        got = f"{type(error).__name__}: {error}"
        step = "save the array with numpy.save"
        raise DataError("not a readable .npy array", got=got, where=path, next_step=step) from None


def read_matrix(path: Path, rows: int | None = None) -> np.ndarray:
    """Finite numbers in a `.npy` file, or of the one tensor in a `.pt` file, as `[rows, D]` float32; no code is run.

    Raises:
        DataError: not a numeric two-dimensional array, another number of rows, or a value that is not finite.

    >>> np.save("features.npy", np.eye(2))
    >>> read_matrix(Path("features.npy"), rows=2).dtype
    dtype('float32')
    >>> read_matrix(Path("features.npy"), rows=3)
    Traceback (most recent call last):
    graphrec.errors.DataError: a feature row for each item is needed
      expected: [3, D]
      got: [2, 2]
      where: features.npy
      next step: give the features of these items; a missing item is a row of zeros
    """
    loaded = read_tensor(path) if path.suffix == ".pt" else _read_array(path)
    shape = f"[{'any number' if rows is None else rows}, D]"
    if not isinstance(loaded, np.ndarray) or loaded.ndim != 2 or loaded.dtype.kind not in "iuf":
        got = f"{loaded.dtype} {list(loaded.shape)}" if isinstance(loaded, np.ndarray) else "an archive of arrays"
        step = "save one matrix, a row for each item"
        raise DataError("not a matrix of numbers", expected=f"float {shape}", got=got, where=path, next_step=step)
    if rows is not None and len(loaded) != rows:
        raise DataError(
            "a feature row for each item is needed",
            expected=shape,
            got=list(loaded.shape),
            where=path,
            next_step="give the features of these items; a missing item is a row of zeros",
        )
    return finite_float32(loaded, path)
