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
from graphrec.data.sources.base import Source, SourceOptions, sources
from graphrec.data.sources.delimited import line_of, read_delimited
from graphrec.data.sources.raw import number_ids, provenance, require_files
from graphrec.errors import DataError, UnknownNameError

EDGES, ITEMS = "ecomm_edge_train.txt", "ecomm_item_feature.txt"
BEHAVIOURS = ("click", "collect", "cart", "buy")
BANDS = 20
_EDGE_COLUMNS = {"user": (0, int), "item": (1, int), "type": (2, int), "date": (3, int)}
_ITEM_COLUMNS = {"item": (0, int), "category": (2, int), "price": (4, float)}


class AlibabaOptions(SourceOptions):
    """Options of the source `alibaba`."""

    like: str | list[str] = "buy"
    """Behaviours that are the like: names, several separated by commas; `any` is collect, cart and buy."""
    min_pairs: int = Field(0, ge=0)
    """Keep only users and items with at least so many pairs, iterated until all have them."""


@sources.register("alibaba")
class Alibaba(Source):
    """Clicks, collects, carts and buys with price and category (Alibaba, ten days of June 2019)."""

    Options = AlibabaOptions

    @classmethod
    def load(cls, raw: Path, options: SourceOptions) -> InteractionDataset:
        assert isinstance(options, AlibabaOptions)
        like = _like(options.like)
        edge_file, item_file = files = require_files(raw, (EDGES, ITEMS), "alibaba")
        edges = read_delimited(edge_file, 4, _EDGE_COLUMNS)
        _check_edges(edges, edge_file)
        user_ids, users = number_ids(edges["user"])
        item_ids, items = number_ids(edges["item"])
        codes = (edges["type"] - 1).astype(np.int8)
        interactions = pd.DataFrame(
            {
                "user": users,
                "item": items,
                "behaviour": pd.Categorical.from_codes(codes, categories=list(BEHAVIOURS)),
                "timestamp": edges["date"],
            }
        )
        catalogue = _read_items(item_file)
        # Without the user file, an item id in the user column is the only sign of a row with its columns
        # swapped.
        swapped = int(np.isin(edges["user"], catalogue["item"].to_numpy()).sum())
        described = catalogue.set_index("item").reindex(np.unique(edges["item"]))
        origin = {
            **provenance("alibaba", "ecomm", options, files),
            "rows": len(interactions),
            "rows_repeated": int(interactions.duplicated().sum()),
            "rows_with_an_item_as_user": swapped,
            "items_without_features": int(described["category"].isna().sum()),
        }
        dataset = InteractionDataset(
            name="alibaba",
            user_ids=user_ids,
            item_ids=item_ids,
            interactions=interactions,
            feedback={"click": ("click",), "like": like},
            provenance=origin,
        )
        kept = keep_active(dataset, options.min_pairs)
        described = described.loc[kept.item_ids.astype(np.int64)]
        return replace(kept, features=_features(described), roles={"price": "exposure", "category": "exposure"})

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


def _like(like: str | list[str]) -> tuple[str, ...]:
    names = [name.strip() for name in like.split(",")] if isinstance(like, str) else like
    if names == ["any"]:
        return BEHAVIOURS[1:]
    for name in names or [""]:
        if name not in BEHAVIOURS:
            raise UnknownNameError("behaviour", name, (*BEHAVIOURS, "any"), where="option like")
    return tuple(name for name in BEHAVIOURS if name in names)


def _check_edges(edges: dict[str, np.ndarray], file: Path) -> None:
    dates = pd.to_datetime(pd.Series(edges["date"]).astype(str), format="%Y%m%d", errors="coerce").isna().to_numpy()
    for name, wrong, expected in (
        ("type", (edges["type"] < 1) | (edges["type"] > 4), "1 click, 2 collect, 3 cart or 4 buy"),
        ("date", dates, "a day as yyyymmdd"),
    ):
        if wrong.any():
            row = int(np.argmax(wrong))
            where = line_of(file, row)
            raise DataError(f"column `{name}` has a bad value", expected=expected, got=edges[name][row], where=where)


def _read_items(file: Path) -> pd.DataFrame:
    table = pd.DataFrame(read_delimited(file, 5, _ITEM_COLUMNS))
    repeated = table["item"].duplicated()
    if repeated.any():
        row = int(np.argmax(repeated))
        item = table["item"][row]
        raise DataError(f"item {item} is described twice", expected="one line an item", where=line_of(file, row))
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
