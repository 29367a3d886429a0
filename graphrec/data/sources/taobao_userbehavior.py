"""Taobao's UserBehavior.csv (Tianchi data set 649): no header, user, item, category, behaviour, unix time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from graphrec.data.dataset import InteractionDataset
from graphrec.data.filters import keep_active
from graphrec.data.readers.chunks import Column, read_chunks
from graphrec.data.readers.events import EventBuilder
from graphrec.data.readers.raw_files import provenance, require_files
from graphrec.data.source import SourceOptions
from graphrec.data.sources.attributes import ItemAttributes, categorical

FILE = "UserBehavior.csv"
BEHAVIOURS = ("pv", "cart", "fav", "buy")
WINDOW = (1_511_539_200, 1_512_316_799)
"""25 November 2017, 00:00, to 3 December 2017, 23:59:59, in China: the days that the owner names."""
_COLUMNS = {
    "user": Column(0, "int"),
    "item": Column(1, "int"),
    "category": Column(2, "int"),
    "behaviour": Column(3, "str"),
    "time": Column(4, "int"),
}


def load_userbehavior(
    raw: Path, options: SourceOptions, like: tuple[str, ...], official: bool, k: int
) -> InteractionDataset:
    """Read `raw`/UserBehavior.csv in chunks.

    Args:
        options: recorded in the provenance.
        like: the behaviours that are the like.
        official: whether rows outside `WINDOW` are left out; they are counted either way.
        k: the least number of pairs of each user and item that is left, as in `keep_active`; 0 keeps all.

    Raises:
        DataError: the file is missing or malformed; names file and line.

    >>> from pathlib import Path
    >>> from graphrec.data.source import SourceOptions
    >>> from graphrec.data.sources.taobao_userbehavior import load_userbehavior, write_userbehavior_fixture
    >>> write_userbehavior_fixture(Path("log"))
    >>> dataset = load_userbehavior(Path("log"), SourceOptions(), like=("buy",), official=True, k=0)
    >>> dataset.provenance["rows"], dataset.provenance["rows_dropped"], len(dataset.interactions)
    (40, 2, 38)
    """
    (file,) = require_files(raw, [FILE], "taobao userbehavior")
    builder, attributes = EventBuilder(BEHAVIOURS), ItemAttributes(["category"])
    rows = outside = 0
    for chunk in read_chunks(file, _COLUMNS, delimiter=",", width=5):
        codes = pd.Index(BEHAVIOURS, dtype=object).get_indexer(chunk.columns["behaviour"])
        chunk.expect("behaviour", codes >= 0, ", ".join(BEHAVIOURS))
        chunk.expect("category", chunk.columns["category"] >= 0, "a number that is not negative")
        times = chunk.columns["time"]
        inside = (times >= WINDOW[0]) & (times <= WINDOW[1])
        rows += len(chunk)
        outside += int((~inside).sum())
        used = inside if official else np.ones(len(chunk), dtype=bool)
        items = chunk.columns["item"][used]
        builder.add(chunk.columns["user"][used], items, codes[used].astype(np.int8), times[used])
        attributes.add(items, {"category": chunk.columns["category"][used]})
    origin = {
        **provenance("taobao", "userbehavior", options, [file]),
        "rows": rows,
        "rows_outside_window": outside,
        "rows_dropped": outside if official else 0,
        "items_with_several_categories": attributes.conflicts()["category"],
    }
    dataset = builder.build("taobao", feedback={"click": ("pv",), "like": like}, provenance=origin)
    dataset = keep_active(dataset, k)
    category = attributes.of(dataset.item_ids.astype(np.int64))["category"]
    features = {"category": categorical(category, f"{FILE}, one-hot")}
    return replace(dataset, features=features, roles={"category": "exposure"})


def write_userbehavior_fixture(raw: Path, seed: int = 0) -> None:
    """Write six users and eight items of three categories; two rows are outside the official days.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.taobao_userbehavior import write_userbehavior_fixture
    >>> write_userbehavior_fixture(Path("log"))
    >>> Path("log/UserBehavior.csv").read_text().split()[0]
    '300,24,8,pv,1511993791'
    """
    raw.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    lines = []
    for user in range(6):
        for item in rng.choice(8, size=5, replace=False):
            for name in ("pv", *BEHAVIOURS[rng.integers(1, 8) :][:1]):
                lines.append(f"{300 + user},{20 + item},{7 + item % 3},{name},{WINDOW[0] + rng.integers(700_000)}\n")
    lines += [f"300,21,8,pv,{WINDOW[0] - 5}\n", f"301,22,9,pv,{WINDOW[1] + 1}\n"]
    (raw / FILE).write_text("".join(lines))
