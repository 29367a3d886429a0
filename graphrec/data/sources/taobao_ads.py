"""Taobao's displayed ads (Tianchi data set 56): which ad was shown and clicked, at which price.

Files, comma separated, the first line names the columns:

raw_sample.csv    user, time_stamp, adgroup_id, pid, nonclk, clk (1 clicked)
ad_feature.csv    adgroup_id, cate_id, campaign_id, customer, brand (may be NULL), price
behavior_log.csv  user, time_stamp, btag (pv, cart, fav or buy), cate, brand; read only where the like asks for it

What was put into a cart, marked as a favourite or bought is logged by category and brand, not by ad. An ad is taken to
be liked when a user who clicked it does so with its category and brand at the same moment or later. That link is ours,
and it is loose: another item of that brand and category counts as well.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from graphrec.data.bags import price_bands
from graphrec.data.dataset import Feature, InteractionDataset
from graphrec.data.filters import keep_active
from graphrec.data.readers.chunks import Chunk, Column, read_all, read_chunks
from graphrec.data.readers.events import EventBuilder
from graphrec.data.readers.raw_files import provenance, require_files
from graphrec.data.source import SourceOptions
from graphrec.data.sources.attributes import UNKNOWN, categorical
from graphrec.errors import DataError

SAMPLE, ADS, LOG = "raw_sample.csv", "ad_feature.csv", "behavior_log.csv"
BEHAVIOURS = ("show", "click", "cart", "fav", "buy")
TAGS = ("pv", "cart", "fav", "buy")
BANDS = 20
_SAMPLE = {name: Column(name, "int") for name in ("user", "time_stamp", "adgroup_id", "clk")}
_ADS = {
    "adgroup_id": Column("adgroup_id", "int"),
    "cate_id": Column("cate_id", "int"),
    "brand": Column("brand", "str", optional=True),
    "price": Column("price", "float", optional=True),
}
_LOG = {
    name: Column(name, "str" if name == "btag" else "int") for name in ("user", "time_stamp", "btag", "cate", "brand")
}


def load_ads(raw: Path, options: SourceOptions, like: tuple[str, ...], k: int) -> InteractionDataset:
    """Read the folder `raw` in chunks; items are the ads that were shown.

    Args:
        options: recorded in the provenance.
        like: the behaviours that are the like.
        k: the least number of pairs of each user and item that is left, as in `keep_active`; 0 keeps all.

    Raises:
        DataError: a file is missing or malformed; names file and line.

    >>> from pathlib import Path
    >>> from graphrec.data.source import SourceOptions
    >>> from graphrec.data.sources.taobao_ads import load_ads, write_ads_fixture
    >>> write_ads_fixture(Path("ads"))
    >>> dataset = load_ads(Path("ads"), SourceOptions(), like=("buy",), k=0)
    >>> dataset.num_items, dataset.behaviours, list(dataset.features)
    (8, ('show', 'click', 'cart', 'fav', 'buy'), ['price', 'category', 'brand'])
    >>> dataset.provenance["linked"]
    {'log_rows': 18, 'log_views': 6, 'log_rows_linked': 10, 'events_linked': 10}
    """
    # The log adds carts, favourites and buys, so a like that is the click does without it.
    needed = [SAMPLE, ADS] + [LOG] * (like != ("click",))
    files = require_files(raw, needed, f"taobao ads with like={','.join(like)}")
    ads = _read_ads(files[1])
    builder = EventBuilder(BEHAVIOURS)
    clicks, rows = [], 0
    for chunk in read_chunks(files[0], _SAMPLE, delimiter=",", header=tuple(_SAMPLE)):
        user, time, ad, clicked = (chunk.columns[name] for name in _SAMPLE)
        chunk.expect("clk", (clicked == 0) | (clicked == 1), "0 or 1")
        rows += len(chunk)
        for code, some in enumerate((clicked >= 0, clicked == 1)):
            builder.add(user[some], ad[some], np.full(int(some.sum()), code, np.int8), time[some])
        clicks.append(pd.DataFrame({"user": user, "ad": ad, "clicked_at": time})[clicked == 1])
    origin = {**provenance("taobao", "ads", options, files), "rows": rows}
    if len(files) == 3:
        origin["linked"] = _link(builder, pd.concat(clicks, ignore_index=True), ads, files[2])
    dataset = builder.build("taobao", feedback={"click": ("click",), "like": like}, provenance=origin)
    dataset = keep_active(dataset, k)
    described = ads.reindex(dataset.item_ids.astype(np.int64))
    missing = int(described["cate_id"].isna().sum())
    price = price_bands(described["price"].to_numpy(np.float64), BANDS)
    bands = f"{ADS}, log price in {BANDS} quantile bands of the ads kept, one-hot"
    features = {
        "price": Feature(price.values, price.mask, price.columns, bands),
        "category": categorical(described["cate_id"].fillna(UNKNOWN).to_numpy(np.int64), f"{ADS}, one-hot"),
        "brand": categorical(described["brand"].fillna(UNKNOWN).to_numpy(np.int64), f"{ADS}, one-hot"),
    }
    origin = {**dataset.provenance, "items_without_features": missing}
    return replace(dataset, features=features, roles=dict.fromkeys(features, "exposure"), provenance=origin)


def write_ads_fixture(raw: Path, seed: int = 0) -> None:
    """Write six users and eight ads, one without a brand and one without features.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.taobao_ads import write_ads_fixture
    >>> write_ads_fixture(Path("ads"))
    >>> for path in sorted(Path("ads").iterdir()):
    ...     print(path.name, *path.read_text().split()[:2])
    ad_feature.csv adgroup_id,cate_id,campaign_id,customer,brand,price 10,0,1,1,0,10.5
    behavior_log.csv user,time_stamp,btag,cate,brand 0,1494214141,buy,0,0
    raw_sample.csv user,time_stamp,adgroup_id,pid,nonclk,clk 0,1494228919,11,430548_1007,0,1
    """
    raw.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    sample, log = ["user,time_stamp,adgroup_id,pid,nonclk,clk"], ["user,time_stamp,btag,cate,brand"]
    for user in range(6):
        for ad in rng.choice(8, size=6, replace=False):
            clicked, time = int(rng.random() < 0.7), 1_494_137_644 + int(rng.integers(100_000))
            sample.append(f"{user},{time},{10 + ad},430548_1007,{1 - clicked},{clicked}")
            if clicked and rng.random() < 0.7:
                log.append(f"{user},{time + 9},{TAGS[1 + rng.integers(3)]},{ad % 3},{ad % 2}")
        log.append(f"{user},1494137000,pv,0,0")
    ads = ["adgroup_id,cate_id,campaign_id,customer,brand,price"]
    ads += [f"{10 + ad},{ad % 3},1,1,{'NULL' if ad == 3 else ad % 2},{10.5 * (ad + 1)}" for ad in range(7)]
    for name, lines in ((SAMPLE, sample), (ADS, ads), (LOG, log)):
        (raw / name).write_text("\n".join(lines) + "\n")


def _read_ads(file: Path) -> pd.DataFrame:
    """Category, brand (`UNKNOWN` where there is none) and price by ad."""
    chunk = read_all(file, _ADS, delimiter=",", header=tuple(_ADS))
    ads = pd.DataFrame({**chunk.columns, "brand": _brands(chunk)})
    chunk.expect("cate_id", chunk.columns["cate_id"] >= 0, "a number that is not negative")
    ads = ads.set_index("adgroup_id")
    repeated = ads.index.duplicated()
    if repeated.any():
        row = int(np.argmax(repeated))
        raise DataError(f"ad {ads.index[row]} is described twice", expected="one line an ad", where=chunk.where(row))
    return ads


def _brands(chunk: Chunk) -> np.ndarray:
    texts = pd.Series(chunk.columns["brand"])
    texts = texts.where(~texts.isin(["", "NULL"]), str(UNKNOWN))
    numbers = texts.str.fullmatch(r"\d{1,18}") | (texts == str(UNKNOWN))
    chunk.expect("brand", numbers.to_numpy(bool), "a number that is not negative, NULL, or nothing")
    return texts.astype(np.int64).to_numpy()


def _link(builder: EventBuilder, clicks: pd.DataFrame, ads: pd.DataFrame, file: Path) -> dict[str, int]:
    """Add the log's carts, favourites and buys to the ads clicked before, and count what becomes of its rows."""
    by_ad = ads[ads["brand"] != UNKNOWN][["cate_id", "brand"]].rename(columns={"cate_id": "cate"})
    # The log names no ads: its rows are linked by user, category and brand, after the user's first click on the ad.
    first = clicks.sort_values("clicked_at", kind="stable").drop_duplicates(["user", "ad"])
    clicked = first.join(by_ad, on="ad", how="inner")
    counts = {"log_rows": 0, "log_views": 0, "log_rows_linked": 0, "events_linked": 0}
    for chunk in read_chunks(file, _LOG, delimiter=",", header=tuple(_LOG)):
        codes = pd.Index(TAGS, dtype=object).get_indexer(chunk.columns["btag"])
        chunk.expect("btag", codes >= 0, ", ".join(TAGS))
        table = pd.DataFrame({name: chunk.columns[name] for name in ("user", "time_stamp", "cate", "brand")})
        table = table.assign(tag=codes, row=np.arange(len(chunk)))[codes > 0]
        joined = table.merge(clicked, on=["user", "cate", "brand"])
        joined = joined[joined["time_stamp"] >= joined["clicked_at"]]
        # `BEHAVIOURS` has `show` in front of the tags, so a code there is one higher.
        codes_of = (joined["tag"] + 1).to_numpy(np.int8)
        builder.add(joined["user"].to_numpy(), joined["ad"].to_numpy(), codes_of, joined["time_stamp"].to_numpy())
        counts["log_rows"] += len(chunk)
        counts["log_views"] += len(chunk) - len(table)
        counts["log_rows_linked"] += joined["row"].nunique()
        counts["events_linked"] += len(joined)
    return counts
