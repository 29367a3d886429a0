"""Alibaba e-commerce log (CIKM 2019 EComm AI sample), the public stand-in for HCR's Taobao setting.

Files, tab separated and without a header:

ecomm_edge_train.txt     user, item, type (1 click, 2 collect, 3 cart, 4 buy), yyyymmdd
ecomm_item_feature.txt   item, top category, leaf category, brand (0 unknown), price
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from graphrec.data.bags import one_hot, price_bands
from graphrec.data.dataset import Feature, InteractionDataset
from graphrec.data.filters import keep_active
from graphrec.data.readers.chunks import Chunk, Column, read_all, read_chunks
from graphrec.data.readers.events import EventBuilder
from graphrec.data.readers.raw_files import provenance, require_files
from graphrec.data.source import Source, SourceOptions, sources
from graphrec.data.sources.choice import Names, chosen

EDGES, ITEMS = "ecomm_edge_train.txt", "ecomm_item_feature.txt"
BEHAVIOURS = ("click", "collect", "cart", "buy")
BANDS = 20
_EDGE_COLUMNS = {name: Column(position, "int") for position, name in enumerate(("user", "item", "type", "date"))}
_ITEM_COLUMNS = {
    "item": Column(0, "int"),
    "category": Column(2, "int"),
    "price": Column(4, "float", optional=True),
}


class AlibabaOptions(SourceOptions):
    """Options of the source `alibaba`.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.alibaba import Alibaba, AlibabaOptions
    >>> Alibaba.write_fixture(Path("log"))
    >>> for options in (AlibabaOptions(), AlibabaOptions(like="any")):
    ...     dataset = Alibaba.load(Path("log"), options)
    ...     print(dataset.feedback["like"], len(dataset.pairs("like")))
    ('buy',) 6
    ('collect', 'cart', 'buy') 24
    """

    like: Names = "buy"
    """Behaviours that are the like: names, several separated by commas; `any` is collect, cart and buy."""
    min_pairs: int = Field(0, ge=0)
    """Keep only users and items with at least so many pairs, iterated until all have them."""


@sources.register("alibaba")
class Alibaba(Source):
    """Clicks, collects, carts and buys with price and category (Alibaba, ten days of June 2019).

    >>> from pathlib import Path
    >>> from graphrec.data.sources.alibaba import Alibaba
    >>> Alibaba.write_fixture(Path("log"))
    >>> dataset = gr.load(gr.prepare("alibaba", "log", "prepared"))
    >>> dataset.num_users, dataset.num_items, dataset.behaviours
    (5, 7, ('click', 'collect', 'cart', 'buy'))
    >>> dataset.features["price"].mask.tolist(), dataset.provenance["items_without_features"]
    ([False, True, True, True, True, True, False], 1)
    """

    Options = AlibabaOptions

    @classmethod
    def load(cls, raw: Path, options: SourceOptions) -> InteractionDataset:
        assert isinstance(options, AlibabaOptions)
        like = chosen(options.like, BEHAVIOURS, every=BEHAVIOURS[1:])
        edge_file, item_file = files = require_files(raw, (EDGES, ITEMS), "alibaba")
        builder = EventBuilder(BEHAVIOURS)
        for chunk in read_chunks(edge_file, _EDGE_COLUMNS, delimiter="\t", width=4):
            _check_edges(chunk)
            edges = chunk.columns
            builder.add(edges["user"], edges["item"], edges["type"] - 1, edges["date"])
        dataset = builder.build("alibaba", feedback={"click": ("click",), "like": like}, provenance={})
        catalogue = _read_items(item_file)
        described = catalogue.set_index("item").reindex(dataset.item_ids.astype(np.int64))
        # Without the user file, an item id in the user column is the only sign of a row with its columns
        # swapped.
        swapped = np.isin(dataset.user_ids.astype(np.int64), catalogue["item"].to_numpy())
        origin = {
            **provenance("alibaba", "ecomm", options, files),
            "rows": len(dataset.interactions),
            "rows_repeated": int(dataset.interactions.duplicated().sum()),
            "rows_with_an_item_as_user": int(swapped[dataset.interactions["user"]].sum()),
            "items_without_features": int(described["category"].isna().sum()),
        }
        dataset = replace(dataset, provenance=origin)
        # Before the features: price bands are quantiles over the items that are left.
        active = keep_active(dataset, options.min_pairs)
        described = described.loc[active.item_ids.astype(np.int64)]
        return replace(active, features=_features(described), roles={"price": "exposure", "category": "exposure"})

    @classmethod
    def write_fixture(cls, raw: Path, seed: int = 0) -> None:
        """Write five users and seven items, one without features and one without a price."""
        raw.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        lines = []
        for user in range(5):
            for item in rng.choice(7, size=5, replace=False):
                day = 20190610 + int(rng.integers(10))
                lines += [f"{900 + user}\t{40 + item}\t{kind}\t{day}\n" for kind in range(1, 2 + rng.integers(4))]
        (raw / EDGES).write_text("".join(lines))
        prices = [0.0, *np.round(rng.lognormal(3, 1, size=6), 2)]
        rows = [f"{40 + item}\t33\t{5000 + item % 3}\t0\t{prices[item]}\n" for item in range(6)]
        (raw / ITEMS).write_text("".join(rows))


def _check_edges(chunk: Chunk) -> None:
    kinds = chunk.columns["type"]
    chunk.expect("type", (kinds >= 1) & (kinds <= 4), "1 click, 2 collect, 3 cart or 4 buy")
    days, day_of = np.unique(chunk.columns["date"], return_inverse=True)
    is_day = pd.to_datetime(pd.Series(days).astype(str), format="%Y%m%d", errors="coerce").notna().to_numpy()
    chunk.expect("date", is_day[day_of], "a day as yyyymmdd")


def _read_items(file: Path) -> pd.DataFrame:
    chunk = read_all(file, _ITEM_COLUMNS, delimiter="\t", width=5)
    table = pd.DataFrame(chunk.columns)
    chunk.expect("item", ~table["item"].duplicated().to_numpy(), "one line an item: this one is described twice")
    return table


def _features(described: pd.DataFrame) -> dict[str, Feature]:
    """Bags for the items in the rows of `described`, in which unknown items are NaN."""
    category = described["category"].fillna(0).to_numpy(np.int64)
    price = described["price"].to_numpy(np.float64)
    bags = {"category": one_hot(category, category > 0), "price": price_bands(price, BANDS)}
    notes = {
        "category": f"{ITEMS}, leaf category, one-hot",
        "price": f"{ITEMS}, log price in {BANDS} quantile bands of the items kept, one-hot",
    }
    return {name: Feature(feature.values, feature.mask, feature.columns, notes[name]) for name, feature in bags.items()}
