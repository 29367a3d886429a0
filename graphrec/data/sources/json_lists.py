"""The folders prepared for LATTICE and MICRO (Zhang et al., MM 2021) and MMSSL (Wei et al., WWW 2023).

train.json, val.json, test.json   {"user": [items]}, in `5-core/` with LATTICE and MICRO, numbered from 0
image_feat.npy, text_feat.npy, audio_feat.npy   [I, D], if present
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from graphrec.data.dataset import InteractionDataset
from graphrec.data.readers.given_splits import FeatureFiles, as_pairs, given_parts, read_features
from graphrec.data.readers.raw_files import provenance, require_files
from graphrec.data.source import SourceOptions
from graphrec.errors import DataError

LISTS = {"train": "train.json", "valid": "val.json", "test": "test.json"}
CORE = "5-core"
_EXPECTED = '{"user": [items], ..}, each numbered from 0'


def folder_of_lists(raw: Path) -> Path:
    """Where the lists are: in `5-core/` if there is such a folder, else in `raw` itself.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.json_lists import folder_of_lists
    >>> folder_of_lists(Path("baby")).as_posix()
    'baby'
    >>> Path("baby/5-core").mkdir(parents=True)
    >>> folder_of_lists(Path("baby")).as_posix()
    'baby/5-core'
    """
    return raw / CORE if (raw / CORE).is_dir() else raw


def load_json_lists(
    raw: Path, options: SourceOptions, name: str, layout: str, features: FeatureFiles
) -> InteractionDataset:
    """Read the folder `raw`; the only behaviour is the click, the splits are published, and ids are row numbers.

    Args:
        options: recorded in the provenance.
        name, layout: of the dataset and of its layout, for the provenance and for errors.
        features: for each modality the name of its file, which may be absent, and its role.

    Raises:
        DataError: a file is missing or malformed, or an item has no feature row.

    >>> from pathlib import Path
    >>> from graphrec.data.source import SourceOptions
    >>> from graphrec.data.sources.json_lists import load_json_lists
    >>> Path("baby").mkdir()
    >>> for name, lists in {"train": '{"0": [1, 0], "1": [2]}', "val": '{"0": [2]}', "test": '{"1": [0]}'}.items():
    ...     _ = Path(f"baby/{name}.json").write_text(lists)
    >>> dataset = load_json_lists(Path("baby"), SourceOptions(), "mmrec", "json", features={})
    >>> dataset.pairs("click")[["user", "item", "part"]].to_records(index=False).tolist()
    [(0, 0, 'train'), (0, 1, 'train'), (0, 2, 'valid'), (1, 0, 'test'), (1, 2, 'train')]
    """
    raw = Path(raw)
    files = dict(zip(LISTS, require_files(folder_of_lists(raw), LISTS.values(), f"{name} {layout}"), strict=True))
    pairs = {part: _pairs(file) for part, file in files.items()}
    present, feature_files = read_features(raw, features)
    whole = np.concatenate(list(pairs.values()))
    users, items = whole.max(axis=0, initial=-1) + 1
    if present:
        rows = len(next(iter(present.values())).mask)
        for part, file in files.items():
            _within(pairs[part], rows, file)
        items = rows
    origin = provenance(name, layout, options, [*files.values(), *feature_files], folder=raw)
    return given_parts(name, pairs, (int(users), int(items)), present, features, origin, raw)


def write_json_fixture(raw: Path, features: FeatureFiles, seed: int = 0, folder: str = "") -> None:
    """Write six users, five items and every feature in this layout, the lists in `folder`.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.json_lists import write_json_fixture
    >>> write_json_fixture(Path("baby"), {"visual": ("image_feat.npy", "exposure")}, folder="5-core")
    >>> sorted(path.as_posix() for path in Path("baby").rglob("*.*"))
    ['baby/5-core/test.json', 'baby/5-core/train.json', 'baby/5-core/val.json', 'baby/image_feat.npy']
    >>> Path("baby/5-core/test.json").read_text()
    '{"0": [4], "1": [4], "2": [2], "3": [1], "4": [2], "5": [1]}'
    """
    (raw / folder).mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    order = np.argsort(rng.random((6, 5)), axis=1).tolist()
    for part, start, stop in (("train", 0, 3), ("valid", 3, 4), ("test", 4, 5)):
        lists = {str(user): items[start:stop] for user, items in enumerate(order)}
        (raw / folder / LISTS[part]).write_text(json.dumps(lists))
    for file, _ in features.values():
        np.save(raw / file, rng.normal(size=(5, 8)).astype(np.float32))


def _pairs(file: Path) -> np.ndarray:
    try:
        # Of two equal keys `json` keeps the last without a word, so the hook refuses them.
        lists = json.loads(file.read_bytes(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:  # a decoding error and a repeated key are ValueErrors, too
        raise DataError("not a JSON file of lists", expected=_EXPECTED, got=str(error)[:200], where=file) from None
    if not isinstance(lists, dict) or not lists:
        raise DataError("not an object of lists", expected=_EXPECTED, got=str(lists)[:80], where=file)
    users, rows = [], []
    for user, items in lists.items():
        where = f'{file}, user "{user[:40]}"'
        if not (user.isascii() and user.isdigit() and len(user) < 19):
            raise DataError("the user is not a number", expected=_EXPECTED, where=where)
        if not isinstance(items, list):
            raise DataError("the items are not a list", expected=_EXPECTED, got=str(items)[:80], where=where)
        wrong = [item for item in items if type(item) is not int or not 0 <= item < 2**62]
        if wrong:
            raise DataError("an item is not a number", expected=_EXPECTED, got=str(wrong[0])[:80], where=where)
        users.append(int(user))
        rows.append(np.asarray(items, dtype=np.int64))
    return as_pairs(users, rows)


def _unique(entries: list[tuple[str, Any]]) -> dict[str, Any]:
    key, times = Counter(key for key, _ in entries).most_common(1)[0] if entries else ("", 0)
    if times > 1:
        raise ValueError(f'the key "{key[:40]}" occurs {times} times')
    return dict(entries)


def _within(pairs: np.ndarray, rows: int, file: Path) -> None:
    wrong = pairs[:, 1] >= rows
    if wrong.any():
        user, item = pairs[int(np.argmax(wrong))]
        expected, got = f"items from 0 to {rows - 1}, as there are feature rows", f"item {item}"
        raise DataError("an item has no feature row", expected=expected, got=got, where=f'{file}, user "{user}"')
