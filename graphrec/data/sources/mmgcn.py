"""The arrays in which MMGCN (Wei et al., MM 2019), and after it GRCN and CR, get their data.

    train.npy            [E, 2] user, item
    val_full.npy         for each user a list: the user, then her items (there may be none)
    test_full.npy        likewise
    user_item_dict.npy   {user: items}                                                          (optional)
    features             `.pt` or `.npy`, [I, D], or [2, W] whole numbers: item and word        (optional)

Users are numbered from 0 and items after them: in these files the id of item 0 is the number of users. Features are
indexed from 0. Ids in the dataset are those without the number of users.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from graphrec.data.bags import bag
from graphrec.data.dataset import Feature, InteractionDataset
from graphrec.data.readers.given_splits import FeatureFiles, as_pairs, given_parts, read_features
from graphrec.data.readers.raw_files import provenance, read_tensor, require_files
from graphrec.data.readers.unpickle import load_lists
from graphrec.data.source import SourceOptions
from graphrec.errors import DataError

ARRAYS = {"train": "train.npy", "valid": "val_full.npy", "test": "test_full.npy"}
DICTIONARY = "user_item_dict.npy"
WORDS = "feat_t.pt"


def load_mmgcn(
    raw: Path, options: SourceOptions, name: str, features: FeatureFiles, item_offset: int | None
) -> InteractionDataset:
    """Read the folder `raw`; the only behaviour is the click, and the splits are published.

    Args:
        options: recorded in the provenance.
        name: of the dataset.
        features: for each modality the name of its file, which may be absent, and its role.
        item_offset: what was added to the item ids; None finds it, if only one number of users fits the files.

    Raises:
        DataError: a file is missing or malformed, or the item ids do not fit the users and the features.

    >>> from pathlib import Path
    >>> from graphrec.data.source import SourceOptions
    >>> from graphrec.data.sources.mmgcn import load_mmgcn, write_mmgcn_fixture
    >>> files = {"visual": ("feat_v.pt", "content"), "textual": ("feat_t.pt", "exposure")}
    >>> write_mmgcn_fixture(Path("arrays"), files)
    >>> dataset = load_mmgcn(Path("arrays"), SourceOptions(), "tiktok", files, item_offset=None)
    >>> dataset.num_users, dataset.num_items, dataset.provenance["item_offset"]
    (7, 5, 7)
    >>> dataset.pairs("click")["part"].value_counts().to_dict(), dataset.features["visual"].width
    ({'train': 21, 'valid': 6, 'test': 6}, 8)
    """
    raw = Path(raw)
    files = dict(zip(ARRAYS, require_files(raw, ARRAYS.values(), f"{name} mmgcn"), strict=True))
    pairs = {part: _edges(file) if part == "train" else _lists(file) for part, file in files.items()}
    used = list(files.values())
    listed = None
    if (raw / DICTIONARY).is_file():
        listed = _dictionary(raw / DICTIONARY)
        used.append(raw / DICTIONARY)
    for part, file in files.items():
        _not_negative(pairs[part], file)
    words = {modality: entry for modality, entry in features.items() if entry[0] == WORDS}
    dense = {modality: entry for modality, entry in features.items() if entry[0] != WORDS}
    present, feature_files = read_features(raw, dense)
    rows = next((len(feature.mask) for feature in present.values()), None)
    bags = {modality: read_tensor(raw / file) for modality, (file, _) in words.items() if (raw / file).is_file()}
    used += [*feature_files, *(raw / words[modality][0] for modality in bags)]
    users, offset = _offset(pairs, files, rows, item_offset)
    # Without features the number of items follows from the highest id.
    items = rows or max(int(part[:, 1].max(initial=-1)) for part in pairs.values()) - offset + 1
    for modality, tensor in bags.items():
        present[modality] = _words(raw / words[modality][0], tensor, items)
    for edges in pairs.values():
        edges[:, 1] -= offset
    origin = {**provenance(name, "mmgcn", options, used), "item_offset": offset}
    if listed is not None:
        listed[:, 1] -= offset
        origin |= _compare(pairs["train"], listed)
    ordered = {modality: present[modality] for modality in features if modality in present}
    return given_parts(name, pairs, (users, items), ordered, features, origin, raw)


def write_mmgcn_fixture(raw: Path, features: FeatureFiles, seed: int = 0) -> None:
    """Write seven users, five items and every feature in this layout; one user has no items to be tested on.

    >>> from pathlib import Path
    >>> import numpy as np
    >>> from graphrec.data.sources.mmgcn import write_mmgcn_fixture
    >>> write_mmgcn_fixture(Path("arrays"), {"visual": ("feat_v.pt", "content")})
    >>> sorted(path.name for path in Path("arrays").iterdir())
    ['feat_v.pt', 'test_full.npy', 'train.npy', 'user_item_dict.npy', 'val_full.npy']
    >>> np.load("arrays/train.npy")[:3].tolist()  # user 0; the items' ids begin after those of the seven users
    [[0, 10], [0, 9], [0, 8]]
    """
    import torch  # here, so that reading text does not wait for torch

    raw.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    users, items = 7, 5
    order = np.argsort(rng.random((users, items)), axis=1) + users
    train = as_pairs(range(users), list(order[:, :3]))
    np.save(raw / ARRAYS["train"], train)
    for part, column in (("valid", 3), ("test", 4)):
        lists = np.empty(users, dtype=object)
        lists[:] = [[user, int(order[user, column])] for user in range(users)]
        lists[-1] = [users - 1]
        np.save(raw / ARRAYS[part], lists, allow_pickle=True)
    dictionary: Any = {user: set(order[user, :3].tolist()) for user in range(users)}
    np.save(raw / DICTIONARY, dictionary, allow_pickle=True)
    for file, _ in features.values():
        values = rng.normal(size=(items, 8)).astype(np.float32)
        if file == WORDS:
            words = np.stack([np.repeat(np.arange(items), 2), rng.integers(20, size=2 * items)])
            torch.save(torch.from_numpy(words), raw / file)
        elif file.endswith(".pt"):
            torch.save(torch.from_numpy(values), raw / file)
        else:
            np.save(raw / file, values)


def _edges(file: Path) -> np.ndarray:
    rows = load_lists(file)
    if isinstance(rows, dict) or not rows or any(len(row) != 2 for row in rows):
        raise DataError("not a list of pairs", expected="[E, 2] user and item, at least one", where=file)
    return np.stack(rows)


def _lists(file: Path) -> np.ndarray:
    rows = load_lists(file)
    if isinstance(rows, dict):
        raise DataError("not a list for each user", expected="lists of a user and her items", where=file)
    empty = [position for position, row in enumerate(rows) if len(row) == 0]
    if empty or not rows:
        got = f"nothing in list {empty[0]} (counted from 0)" if empty else "no lists"
        raise DataError("a list does not say whose it is", expected="the user, then her items", got=got, where=file)
    return as_pairs([int(row[0]) for row in rows], [row[1:] for row in rows])


def _dictionary(file: Path) -> np.ndarray:
    lists = load_lists(file)
    if not isinstance(lists, dict):
        raise DataError("not a dictionary", expected="{user: items}", where=file)
    return as_pairs(lists.keys(), lists.values())


def _not_negative(pairs: np.ndarray, file: Path) -> None:
    wrong = (pairs < 0).any(axis=1)
    if wrong.any():
        row = int(np.argmax(wrong))
        where = f"{file}, pair {row} (counted from 0)"
        raise DataError("an id is negative", expected="ids from 0", got=pairs[row].tolist(), where=where)


def _offset(
    pairs: Mapping[str, np.ndarray], files: Mapping[str, Path], rows: int | None, item_offset: int | None
) -> tuple[int, int]:
    """The number of users, and what was added to the item ids: never guessed where several numbers fit."""
    whole = np.concatenate(list(pairs.values()))
    part_of = np.repeat(np.arange(len(pairs)), [len(part) for part in pairs.values()])
    users, low, high = int(whole[:, 0].max()) + 1, int(whole[:, 1].min()), int(whole[:, 1].max())
    # Items are numbered after the users, so the offset is at least the number of users seen, and at most the lowest
    # item id. No id may exceed the feature rows, which is another lower bound.
    least = item_offset if item_offset is not None else max(users, high + 1 - rows if rows is not None else 0)
    most = item_offset if item_offset is not None else low
    if low < least or (item_offset is not None and rows is not None and high - item_offset >= rows):
        column = whole[:, 1]
        row = int(np.argmin(column)) if low < least else int(np.argmax(column))
        expected = f"ids from {least}" + (f" to {least + rows - 1}" if rows is not None else "")
        raise DataError(
            "the item ids do not fit the users and the feature rows",
            expected=expected
            + (", after those of the users" if item_offset is None else ", as the option item_offset says"),
            got=f"item {column[row]}, {users} users, {rows if rows is not None else 'no'} feature rows",
            where=list(files.values())[part_of[row]],
            next_step="if the items are numbered from 0, set the option item_offset=0; or the columns are swapped",
        )
    if least < most:
        raise DataError(
            "the number of users cannot be told from the files",
            expected="an item whose id is the number of users",
            got=f"users up to {users - 1}, items from {low}: any number from {least} to {most} would do",
            where=files["train"],
            next_step="set the option item_offset to the number of users",
        )
    if 0 < least < users:
        got = f"item_offset={least}, {users} users"
        raise DataError(
            "the option item_offset is less than the users",
            expected=f"0, or at least {users}",
            got=got,
            where="option item_offset",
            next_step="drop it, so that it is found from the files",
        )
    return max(users, least), least


def _words(file: Path, tensor: np.ndarray, items: int) -> Feature:
    if tensor.ndim != 2 or len(tensor) != 2 or tensor.dtype.kind not in "iu":
        got = f"{tensor.dtype} {list(tensor.shape)}"
        raise DataError("not pairs of item and word", expected="whole numbers [2, W]", got=got, where=file)
    rows, words = tensor.astype(np.int64)
    wrong = (rows < 0) | (rows >= items) | (words < 0)
    if wrong.any():
        column = int(np.argmax(wrong))
        expected, got = f"an item from 0 to {items - 1} and a word", f"item {rows[column]}, word {words[column]}"
        raise DataError("a pair is out of range", expected=expected, got=got, where=f"{file}, column {column} (from 0)")
    names, columns = np.unique(words, return_inverse=True)
    feature = bag(rows, columns, np.ones(len(rows)), (items, len(names)), names.astype(str))
    return Feature(feature.values, feature.mask, feature.columns, f"{file.name}, words counted, divided by their sum")


def _compare(train: np.ndarray, listed: np.ndarray) -> dict[str, int]:
    """How far the dictionary tells the same as the training pairs; it is read for nothing else."""
    tables = (pd.DataFrame(pairs, columns=["user", "item"]).drop_duplicates() for pairs in (train, listed))
    counts = next(tables).merge(next(tables), how="outer", indicator=True)["_merge"].value_counts()
    return {
        "train_pairs_not_in_dictionary": int(counts["left_only"]),
        "dictionary_pairs_not_in_train": int(counts["right_only"]),
    }
