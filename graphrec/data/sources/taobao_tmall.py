"""Tmall's log (Tianchi data sets 42 and 47, IJCAI 2015 challenge): user_log_format1.csv with a header.

user_id, item_id, cat_id, seller_id, brand_id (may be empty), time_stamp (mmdd),
action_type (0 click, 1 cart, 2 buy, 3 favourite)
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from graphrec.data.dataset import InteractionDataset
from graphrec.data.filters import keep_active
from graphrec.data.readers.chunks import Column, read_chunks
from graphrec.data.readers.events import EventBuilder
from graphrec.data.readers.raw_files import provenance, require_files
from graphrec.data.source import SourceOptions
from graphrec.data.sources.attributes import UNKNOWN, ItemAttributes, categorical

LOG = "user_log_format1.csv"
# In the order of the log's action types, whose numbers are the codes.
BEHAVIOURS = ("click", "cart", "buy", "fav")
HEADER = ("user_id", "item_id", "cat_id", "seller_id", "brand_id", "time_stamp", "action_type")
ATTRIBUTES = {"category": "cat_id", "seller": "seller_id", "brand": "brand_id"}
_COLUMNS = {
    name: Column(name, "float" if name == "brand_id" else "int", optional=name == "brand_id") for name in HEADER
}
_DAYS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def load_tmall(raw: Path, options: SourceOptions, like: tuple[str, ...], k: int) -> InteractionDataset:
    """Read `raw`/user_log_format1.csv in chunks; the time of an event is its day as mmdd, all of one year.

    Args:
        options: recorded in the provenance.
        like: the behaviours that are the like.
        k: the least number of pairs of each user and item that is left, as in `keep_active`; 0 keeps all.

    Raises:
        DataError: the file is missing or malformed; names file and line.

    >>> from pathlib import Path
    >>> from graphrec.data.source import SourceOptions
    >>> from graphrec.data.sources.taobao_tmall import load_tmall, write_tmall_fixture
    >>> write_tmall_fixture(Path("tmall"))
    >>> dataset = load_tmall(Path("tmall"), SourceOptions(), like=("buy", "fav"), k=0)
    >>> dataset.num_users, dataset.num_items, len(dataset.pairs("like"))
    (6, 8, 18)
    >>> {name: feature.columns for name, feature in dataset.features.items()}
    {'category': ('7', '8', '9'), 'seller': ('0', '1'), 'brand': ('50', '51')}
    """
    (file,) = require_files(raw, [LOG], "taobao tmall")
    builder, attributes = EventBuilder(BEHAVIOURS), ItemAttributes(list(ATTRIBUTES))
    rows = 0
    for chunk in read_chunks(file, _COLUMNS, delimiter=",", header=HEADER):
        columns = chunk.columns
        actions, days = columns["action_type"], columns["time_stamp"]
        chunk.expect("action_type", (actions >= 0) & (actions <= 3), "0 click, 1 cart, 2 buy or 3 favourite")
        month = np.where((days > 0) & (days < 1300), days // 100, 0)
        chunk.expect("time_stamp", (days % 100 >= 1) & (days % 100 <= _DAYS[month]), "a day as mmdd")
        for name in ("cat_id", "seller_id"):
            chunk.expect(name, columns[name] >= 0, "a number that is not negative")
        brand = columns["brand_id"]
        branded = ~np.isnan(brand)
        whole = (brand >= 0) & (brand % 1 == 0) & (brand < 2**53)
        chunk.expect("brand_id", ~branded | whole, "a whole number that is not negative, or nothing")
        values = {
            "category": columns["cat_id"],
            "seller": columns["seller_id"],
            "brand": np.where(branded, brand, UNKNOWN).astype(np.int64),
        }
        builder.add(columns["user_id"], columns["item_id"], actions.astype(np.int8), days)
        attributes.add(columns["item_id"], values)
        rows += len(chunk)
    several = {f"items_with_several_{name}": count for name, count in attributes.conflicts().items()}
    origin = {**provenance("taobao", "tmall", options, [file]), "rows": rows, **several, "time_unit": "day as mmdd"}
    dataset = builder.build("taobao", feedback={"click": ("click",), "like": like}, provenance=origin)
    dataset = keep_active(dataset, k)
    values_of = attributes.of(dataset.item_ids.astype(np.int64))
    features = {name: categorical(values_of[name], f"{LOG}, {column}, one-hot") for name, column in ATTRIBUTES.items()}
    return replace(dataset, features=features, roles=dict.fromkeys(features, "exposure"))


def write_tmall_fixture(raw: Path, seed: int = 0) -> None:
    """Write six users and eight items of three categories, two sellers and two brands, one item without a brand.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.taobao_tmall import write_tmall_fixture
    >>> write_tmall_fixture(Path("tmall"))
    >>> for line in Path("tmall/user_log_format1.csv").read_text().split()[:2]:
    ...     print(line)
    user_id,item_id,cat_id,seller_id,brand_id,time_stamp,action_type
    300,24,8,0,,827,0
    """
    raw.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    lines = [",".join(HEADER)]
    for user in range(6):
        for item in rng.choice(8, size=5, replace=False):
            brand = "" if item == 4 else 50 + item % 2
            for action in range(1 + rng.integers(4)):
                day = 100 * rng.integers(5, 11) + rng.integers(1, 30)
                lines.append(f"{300 + user},{20 + item},{7 + item % 3},{item % 2},{brand},{day},{action}")
    (raw / LOG).write_text("\n".join(lines) + "\n")
