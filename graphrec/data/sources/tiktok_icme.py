"""Tiktok as published for the ICME 2019 short video understanding challenge, track 2.

Files, without a header; the last three hold a JSON object a line, whose vector or title may be empty:

    final_track2_train.txt      tab separated: uid, user_city, item_id, author_id, item_city, channel, finish,
                                like, music_id, device, create_time, video_duration
    track2_title.txt            {"item_id": .., "title_features": {"word id": count, ..}}
    track2_video_features.txt   {"item_id": .., "video_feature_dim_128": [128 numbers]}
    track2_audio_features.txt   {"item_id": .., "audio_feature_128_dim": [128 numbers]}

The log has no clicks: every row is a video that was played, so every row is a click; `finish` and `like` tell
whether the user was pleased.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from graphrec.data.bags import bag
from graphrec.data.dataset import UNKNOWN, Feature, InteractionDataset
from graphrec.data.readers.chunks import Column, read_chunks
from graphrec.data.readers.events import EventBuilder
from graphrec.data.readers.lines import read_lines
from graphrec.data.readers.raw_files import number_ids, provenance, require_files
from graphrec.data.source import SourceOptions
from graphrec.errors import DataError

LOG = "final_track2_train.txt"
TITLES = "track2_title.txt"
VISUAL = "track2_video_features.txt"
ACOUSTIC = "track2_audio_features.txt"
FILES = (LOG, TITLES, VISUAL, ACOUSTIC)
BEHAVIOURS = ("click", "finish", "thumbs_up")
WIDTH = 128
_LARGEST = float(np.finfo(np.float32).max)
_COLUMNS = {
    "uid": Column(0, "int"),
    "item_id": Column(2, "int"),
    "finish": Column(6, "int"),
    "like": Column(7, "int"),
    "create_time": Column(10, "int"),
}


def load_icme(raw: Path, options: SourceOptions) -> InteractionDataset:
    """Read the folder `raw`; items are those of the log, and features of others are ignored.

    Args:
        options: recorded in the provenance.

    Raises:
        DataError: a file is missing or malformed; names file and line.

    >>> from pathlib import Path
    >>> from graphrec.data.source import SourceOptions
    >>> from graphrec.data.sources.tiktok_icme import load_icme, write_icme_fixture
    >>> write_icme_fixture(Path("challenge"))
    >>> dataset = load_icme(Path("challenge"), SourceOptions())
    >>> dataset.num_users, dataset.num_items, dataset.feedback["like"]
    (6, 8, ('finish', 'thumbs_up'))
    >>> {name: (feature.width, feature.mask.tolist().count(False)) for name, feature in dataset.features.items()}
    {'visual': (128, 1), 'acoustic': (128, 0), 'textual': (21, 1)}
    """
    log_file, title_file, visual_file, acoustic_file = files = require_files(raw, FILES, "tiktok icme")
    builder = EventBuilder(BEHAVIOURS)
    rows = 0
    for chunk in read_chunks(log_file, _COLUMNS, delimiter="\t", width=12):
        log = chunk.columns
        for name in ("finish", "like"):
            chunk.expect(name, (log[name] == 0) | (log[name] == 1), "a label, 0 or 1")
        rows_with = [np.arange(len(chunk)), np.flatnonzero(log["finish"]), np.flatnonzero(log["like"])]
        every = np.concatenate(rows_with)
        codes = np.repeat(np.arange(3, dtype=np.int8), [len(part) for part in rows_with])
        builder.add(log["uid"][every], log["item_id"][every], codes, log["create_time"][every])
        rows += len(chunk)
    dataset = builder.build(
        "tiktok",
        feedback={"click": ("click",), "like": ("finish", "thumbs_up")},
        provenance={**provenance("tiktok", "icme", options, files), "rows": rows},
    )
    row_of = {int(item): row for row, item in enumerate(dataset.item_ids)}
    return replace(
        dataset,
        features={
            "visual": _vectors(visual_file, "video_feature_dim_128", row_of),
            "acoustic": _vectors(acoustic_file, "audio_feature_128_dim", row_of),
            "textual": _titles(title_file, row_of),
        },
        roles={"visual": "content", "acoustic": "content", "textual": "exposure"},
    )


def write_icme_fixture(raw: Path, seed: int = 0) -> None:
    """Write six users, nine items (one of them never played, some without features) in this layout.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.tiktok_icme import write_icme_fixture
    >>> write_icme_fixture(Path("challenge"))
    >>> sorted(path.name for path in Path("challenge").iterdir())
    ['final_track2_train.txt', 'track2_audio_features.txt', 'track2_title.txt', 'track2_video_features.txt']
    >>> Path("challenge/final_track2_train.txt").read_text().split()[:12]
    ['70', '3', '505', '11', '4', '0', '0', '1', '-1', '9', '1500000273', '15']
    """
    raw.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    items = rng.permutation(np.arange(500, 509))
    log = []
    vectors: dict[str, list[dict[str, Any]]] = {VISUAL: [], ACOUSTIC: []}
    for user in range(6):
        for item in rng.choice(items[:8], size=6, replace=False):
            finish, like = int(rng.random() < 0.5), int(rng.random() < 0.3)
            time = 1_500_000_000 + int(rng.integers(100_000))
            log.append((70 + user, 3, item, 11, 4, 0, finish, like, -1, 9, time, 15))
    (raw / LOG).write_text("".join("\t".join(map(str, row)) + "\n" for row in log))
    titles = []
    for position, item in enumerate(items):
        words = (
            {} if position == 1 else {str(word): int(rng.integers(1, 3)) for word in rng.choice(30, 4, replace=False)}
        )
        titles.append({"item_id": int(item), "title_features": words})
        for name, key in ((VISUAL, "video_feature_dim_128"), (ACOUSTIC, "audio_feature_128_dim")):
            empty = position == 2 and name == VISUAL
            values = [] if empty else np.round(rng.normal(size=WIDTH), 4).tolist()
            vectors[name].append({"item_id": int(item), key: values})
    for name, records in (*vectors.items(), (TITLES, titles)):
        (raw / name).write_text("".join(json.dumps(record) + "\n" for record in records))


def _records(file: Path, key: str) -> Iterator[tuple[str, int, Any]]:
    """(file:line, item id, value of `key`) of every line; a repeated item is an error."""
    seen: set[int] = set()
    for where, line in read_lines(file):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError("the line is not JSON", got=f"{line[:80]!r} ({error})", where=where) from None
        if not isinstance(record, dict) or key not in record or type(record.get("item_id")) is not int:
            expected = f'an object with a whole number "item_id" and "{key}"'
            raise DataError("the line is not a feature record", expected=expected, got=line[:80], where=where)
        item = record["item_id"]
        if item in seen:
            raise DataError(f"item {item} has a second record", expected="one record an item", where=where)
        seen.add(item)
        yield where, item, record[key]


def _vectors(path: Path, key: str, row_of: Mapping[int, int]) -> Feature:
    values = np.zeros((len(row_of), WIDTH), dtype=np.float32)
    mask = np.zeros(len(row_of), dtype=bool)
    for where, item, vector in _records(path, key):
        # An empty list is how the file says that an item has no vector.
        if vector == []:
            continue
        if not isinstance(vector, list) or len(vector) != WIDTH:
            got = f"{len(vector)} values" if isinstance(vector, list) else type(vector).__name__
            raise DataError(f"`{key}` of item {item} has a wrong length", expected=WIDTH, got=got, where=where)
        # Written so that NaN is refused, too: no comparison with NaN holds. `type`, because to Python True is an int.
        bad = [value for value in vector if type(value) not in (int, float) or not abs(value) <= _LARGEST]
        if bad:
            problem = f"`{key}` of item {item} has a bad value"
            raise DataError(problem, expected="finite numbers of float32", got=bad[0], where=where)
        row = row_of.get(item)
        if row is not None:
            values[row] = vector
            mask[row] = True
    return Feature(values, mask, provenance=f"{path.name}, as given", encoder=UNKNOWN, layer=UNKNOWN)


def _titles(path: Path, row_of: Mapping[int, int]) -> Feature:
    rows: list[int] = []
    words: list[int] = []
    counts: list[float] = []
    for where, item, title in _records(path, "title_features"):
        if not isinstance(title, dict):
            raise DataError(
                f"title of item {item} is no object", expected="word ids and counts", got=title, where=where
            )
        for word, count in title.items():
            if not (word.isascii() and word.isdigit() and len(word) < 19):
                raise DataError(f"title of item {item}: bad word id", expected="a number", got=repr(word), where=where)
            if type(count) not in (int, float) or not 0 < count < 1e9:
                message = f"title of item {item}: bad count of word {word}"
                raise DataError(message, expected="a positive number", got=count, where=where)
        row = row_of.get(item)
        if row is not None:
            rows += [row] * len(title)
            words += map(int, title)
            counts += title.values()
    names, columns = number_ids(np.asarray(words, dtype=np.int64))
    shape = (len(row_of), len(names))
    feature = bag(np.asarray(rows, dtype=np.int64), columns, np.asarray(counts), shape, names)
    return Feature(feature.values, feature.mask, feature.columns, f"{path.name}, counts divided by their sum")
