"""Datasets published with their splits: pairs of user and item as row numbers, and a feature row for each item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from graphrec.data.dataset import PARTS, UNKNOWN, Feature, InteractionDataset, ModalityRole
from graphrec.data.readers.raw_files import read_matrix
from graphrec.errors import DataError

SLACK = 10
FeatureFiles = Mapping[str, tuple[str, ModalityRole]]
"""For each modality the name of its file and its role."""


def read_features(raw: Path, files: FeatureFiles, items: int | None = None) -> tuple[dict[str, Feature], list[Path]]:
    """The features that are present, by modality, and their files; a row of zeros is a missing one.

    Args:
        items: the number of rows; by default that of the first matrix.

    Raises:
        DataError: a file is unreadable or has another number of rows.

    >>> np.save("visual.npy", np.array([[3.0, 4.0], [0.0, 0.0]]))
    >>> features, files = read_features(Path(), {"visual": ("visual.npy", "exposure"), "text": ("text.npy", "content")})
    >>> list(features), features["visual"].mask.tolist(), [file.name for file in files]
    (['visual'], [True, False], ['visual.npy'])
    """
    features, paths = {}, []
    for modality, (name, _) in files.items():
        file = Path(raw) / name
        if not file.is_file():
            continue
        values = read_matrix(file, rows=items)
        items = len(values)
        note = f"{name}, as given"
        features[modality] = Feature(values, np.any(values != 0, axis=1), None, note, encoder=UNKNOWN, layer=UNKNOWN)
        paths.append(file)
    return features, paths


def given_parts(
    name: str,
    pairs: Mapping[str, np.ndarray],
    shape: tuple[int, int],
    features: Mapping[str, Feature],
    files: FeatureFiles,
    provenance: Mapping[str, Any],
    raw: Path,
) -> InteractionDataset:
    """A dataset of one behaviour, the click, whose splits are published; ids are row numbers.

    Args:
        pairs: for each of train, valid and test `[n, 2]` users and items within `shape`.
        shape: `(U, I)`.
        files: gives the features their roles.
        raw: where the pairs come from, for errors.

    Raises:
        DataError: there are no pairs, or so many more users or items than pairs that the ids cannot be row numbers.

    >>> pairs = {"train": np.array([[0, 0], [1, 1]]), "valid": np.array([[0, 1]]), "test": np.array([[1, 0]])}
    >>> dataset = given_parts("films", pairs, (2, 2), {}, {}, {}, Path())
    >>> dataset.interactions["part"].tolist()
    ['train', 'train', 'valid', 'test']
    """
    whole = np.concatenate([pairs[part] for part in PARTS]).astype(np.int64, copy=False)
    if len(whole) == 0:
        raise DataError(
            f"dataset `{name}` has no interactions",
            expected="at least one pair",
            got="none",
            where=raw,
            next_step="check that these are the right files, or obtain them again",
        )
    most = SLACK * len(whole) + 1000
    # With features the number of items is that of their rows, which may exceed the pairs by far.
    if shape[0] > most or (shape[1] > most and not features):
        got = f"{shape[0]} users, {shape[1]} items, {len(whole)} pairs"
        raise DataError(
            "the ids are not row numbers",
            expected="ids from 0 without large gaps",
            got=got,
            where=raw,
            next_step="read external ids with the source `table`",
        )
    codes = np.repeat(np.arange(len(PARTS), dtype=np.int8), [len(pairs[part]) for part in PARTS])
    return InteractionDataset(
        name=name,
        user_ids=_numbers(shape[0]),
        item_ids=_numbers(shape[1]),
        interactions=pd.DataFrame(
            {
                "user": whole[:, 0],
                "item": whole[:, 1],
                "behaviour": pd.Categorical.from_codes(np.zeros(len(whole), dtype=np.int8), categories=["click"]),
                "part": pd.Categorical.from_codes(codes, categories=list(PARTS)),
            }
        ),
        feedback={"click": ("click",), "like": ("click",)},
        features=dict(features),
        roles={modality: files[modality][1] for modality in features},
        provenance=provenance,
    )


def as_pairs(users: Iterable[int], lists: Iterable[np.ndarray]) -> np.ndarray:
    """`[n, 2]` pairs from a list of items for each user.

    >>> as_pairs([7, 8], [np.array([1, 2]), np.array([5])]).tolist()
    [[7, 1], [7, 2], [8, 5]]
    """
    lists = list(lists)
    lengths = [len(items) for items in lists]
    items = np.concatenate([np.empty(0, dtype=np.int64), *lists])
    return np.stack([np.repeat(np.fromiter(users, dtype=np.int64), lengths), items], axis=1)


def _numbers(count: int) -> np.ndarray:
    return np.arange(count).astype(str).astype(object)
