"""Amazon reviews of 2014 (McAuley et al., SIGIR 2015), one category at a time, in any of its published forms.

The files of a category X, of which one of the first three is needed:

ratings_X.csv, reviews_X_5.json.gz or X.txt           who rated what (`amazon_log`)
meta_X.json.gz, image_features_X.b                    what items look like (`amazon_items`), with ratings or reviews
X_item2attributes.json                                likewise, with the lists
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import Field

from graphrec.data.dataset import Feature, InteractionDataset
from graphrec.data.filters import FilterConfig, filtered
from graphrec.data.readers.raw_files import how_to_obtain, listing, provenance, with_world
from graphrec.data.source import Source, SourceOptions, sources
from graphrec.data.sources.amazon_items import RECORD, read_attributes, read_images, read_meta
from graphrec.data.sources.amazon_log import read_lists, read_ratings, read_reviews
from graphrec.errors import DataError

Layout = Literal["ratings", "reviews", "lists"]
# Longer endings come first: else `reviews_X_5.json` would be of a category X_5.
_PATTERNS: dict[Layout, tuple[tuple[str, str], ...]] = {
    "ratings": (("ratings_", ".csv"), ("ratings_", ".csv.gz")),
    "reviews": (("reviews_", "_5.json.gz"), ("reviews_", "_5.json"), ("reviews_", ".json.gz"), ("reviews_", ".json")),
    "lists": (("", ".txt"),),
}
# Else `README.txt` would pass for the lists of a category README.
_NO_CATEGORY = ("SOURCE", "README", "LICENSE")


class AmazonOptions(SourceOptions):
    """Options of the source `amazon`.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.amazon import Amazon, AmazonOptions
    >>> Amazon.write_fixture(Path("coats"))
    >>> for options in (AmazonOptions(), AmazonOptions(filter="single_pass"), AmazonOptions(with_images=True)):
    ...     dataset = Amazon.load(Path("coats"), options)
    ...     print(dataset.num_users, "users,", dataset.num_items, "items")
    7 users, 8 items
    7 users, 4 items
    7 users, 7 items
    """

    category: str | None = None
    """Such as `Beauty`, as in the names of the files; needed where the folder holds several."""
    layout: Literal["auto", "ratings", "reviews", "lists"] = "auto"
    """`ratings`: ratings_X.csv; `reviews`: reviews_X_5.json.gz; `lists`: X.txt; `auto`: by the files."""
    like_at: float = Field(4, ge=1, le=5)
    """Least rating that is a like; every rating is a click. Lists have no ratings: there the click is the like."""
    filter: Literal["none", "single_pass", "k_core"] = "none"
    """Of users and items with fewer than `min_pairs` pairs: `single_pass` removes those that have so few at the outset
    (as CausalRec), `k_core` repeats until none is left."""
    min_pairs: int = Field(5, ge=1)
    """Least number of pairs; with `filter` only."""
    with_images: bool = False
    """Whether items without visual features are left out, after the filter (CausalRec does)."""


@sources.register("amazon")
class Amazon(Source):
    """Ratings of one Amazon category of 2014, with pictures, price, brand, category and title if present.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.amazon import Amazon
    >>> Amazon.write_fixture(Path("coats"))
    >>> sorted(path.name for path in Path("coats").iterdir())
    ['image_features_Coats.b', 'meta_Coats.json.gz', 'ratings_Coats.csv']
    >>> dataset = gr.load(gr.prepare("amazon", "coats", "prepared"))
    >>> {name: feature.width for name, feature in dataset.features.items()}
    {'category': 5, 'main_category': 1, 'brand': 2, 'price': 6, 'title': 4, 'visual': 4096}
    >>> dataset.features["brand"].columns, dataset.features["visual"].mask.tolist().count(False)
    (('brand 0', 'brand 1'), 1)
    """

    Options = AmazonOptions

    @classmethod
    def load(cls, raw: Path, options: SourceOptions) -> InteractionDataset:
        assert isinstance(options, AmazonOptions)
        log = _find_log(Path(raw), options)
        if log.layout == "lists":
            builder, rows = read_lists(log.file)
        else:
            read = read_ratings if log.layout == "ratings" else read_reviews
            builder, rows = read(log.file, options.like_at)
        files = [log.file, *log.companions()]
        origin: dict[str, Any] = {
            **provenance("amazon", log.layout, options, files),
            "category": log.category,
            "rows": rows,
            "time_unit": "place in the user's list" if log.layout == "lists" else "seconds since 1970",
        }
        feedback = {"click": ("click",), "like": ("click" if log.layout == "lists" else "like",)}
        dataset = _filtered(builder.build("amazon", feedback=feedback, provenance=origin), options)
        features, counts = _features(log, dataset.item_ids)
        origin = {**dataset.provenance, **counts}
        dataset = replace(dataset, features=features, roles=dict.fromkeys(features, "exposure"), provenance=origin)
        return with_world(_with_images(dataset, log) if options.with_images else dataset, log.file.parent)

    @classmethod
    def write_fixture(cls, raw: Path, seed: int = 0) -> None:
        """Write seven users and eight items as ratings; one item without a record, one without a picture."""
        raw.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        items = [f"B00{number:07d}" for number in range(8)]
        lines, metas = [], []
        for user in range(7):
            for item in rng.choice(8, size=5, replace=False):
                lines.append(f"A{user}X,{items[item]},{rng.integers(1, 6)}.0,{1_390_000_000 + rng.integers(10**6)}\n")
        for number, item in enumerate(items[:7]):
            meta = {"asin": item, "title": f"A coat of kind {number}", "price": 9.5 + number, "imUrl": "http://x"}
            meta |= {
                "brand": f"brand {number % 2}",
                "categories": [["Clothing", "Women"], ["Clothing", f"c{number % 3}"]],
            }
            metas.append(f"{meta!r}\n" if number else f"{json.dumps({'asin': item})}\n")
        records = np.zeros(7, dtype=RECORD)
        records["asin"] = items[1:]
        records["vector"] = rng.random((7, 4096)) * (rng.random((7, 4096)) < 0.1)
        (raw / "ratings_Coats.csv").write_text("".join(lines))
        (raw / "meta_Coats.json.gz").write_bytes(gzip.compress("".join(metas).encode(), mtime=0))
        (raw / "image_features_Coats.b").write_bytes(records.tobytes())


class _Log(NamedTuple):
    """Who rated what: one file, its layout, and the category in its name."""

    layout: Layout
    category: str
    file: Path

    def companions(self) -> list[Path]:
        """The files about the items that are present."""
        x = self.category
        about = (f"meta_{x}.json.gz", f"meta_{x}.json", f"image_features_{x}.b")
        names = (f"{x}_item2attributes.json",) if self.layout == "lists" else about
        return [file for name in names if (file := self.file.parent / name).is_file()]


def _find_log(raw: Path, options: AmazonOptions) -> _Log:
    files = [raw] if raw.is_file() else sorted(raw.iterdir()) if raw.is_dir() else []
    every = [log for file in files if (log := _as_log(file)) is not None]
    fitting = [
        log for log in every if options.layout in ("auto", log.layout) and options.category in (None, log.category)
    ]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        problem = f"{len(fitting)} files fit"
    else:
        problem = "no file fits the options" if every else "no Amazon ratings, reviews or lists are here"
    raise DataError(
        problem,
        expected="one of ratings_X.csv, reviews_X_5.json.gz or X.txt"
        + (f" with X = {options.category}" if options.category else ""),
        got=", ".join(log.file.name for log in fitting or every) or listing(raw),
        where=raw,
        next_step=_choice(fitting, every, options) if every else how_to_obtain("amazon", raw),
    )


def _choice(fitting: list[_Log], every: list[_Log], options: AmazonOptions) -> str:
    """Which option tells the files apart, or leads to one that is here."""
    of_category = [log for log in fitting or every if options.category in (None, log.category)]
    several = len({log.category for log in fitting}) > 1
    if several or not of_category:
        option, names = "category", [log.category for log in fitting or every]
    else:
        option, names = "layout", [log.layout for log in of_category]
    return f"set the option {option} to one of {', '.join(dict.fromkeys(names))}"


def _as_log(file: Path) -> _Log | None:
    for layout, patterns in _PATTERNS.items():
        for start, end in patterns:
            name = file.name
            if name.startswith(start) and name.endswith(end) and len(name) > len(start) + len(end):
                category = name[len(start) : len(name) - len(end)]
                return None if category.upper() in _NO_CATEGORY else _Log(layout, category, file)
    return None


def _filtered(dataset: InteractionDataset, options: AmazonOptions) -> InteractionDataset:
    if options.filter == "none":
        # The default is there without a filter, too, so only a value that was set is refused.
        if "min_pairs" in options.model_fields_set:
            raise DataError(
                "the option min_pairs needs a filter",
                expected="filter=single_pass or filter=k_core as well",
                got=f"min_pairs={options.min_pairs}",
                where="option min_pairs",
                next_step="set the option filter, or drop min_pairs",
            )
        return dataset
    config = FilterConfig(kind=options.filter, users=options.min_pairs, items=options.min_pairs)
    active = filtered(dataset, config)
    origin = dict(active.provenance)
    origin["filter"] = origin.pop("recipe_filter")  # a recipe may filter once more
    return replace(active, provenance=origin)


def _features(log: _Log, item_ids: np.ndarray) -> tuple[dict[str, Feature], dict[str, int]]:
    row_of = {item: row for row, item in enumerate(item_ids)}
    features: dict[str, Feature] = {}
    counts: dict[str, int] = {}
    for file in log.companions():
        if file.suffix == ".b":
            features["visual"] = read_images(file, row_of)
        elif log.layout == "lists":
            features["attributes"] = read_attributes(file, item_ids)
        else:
            described, counts = read_meta(file, row_of)
            features |= described
    return features, counts


def _with_images(dataset: InteractionDataset, log: _Log) -> InteractionDataset:
    if "visual" not in dataset.features:
        raise DataError(
            "the option with_images needs visual features",
            expected=f"image_features_{log.category}.b next to {log.file.name}",
            got=listing(log.file.parent),
            where=log.file.parent,
            next_step="obtain that file, or drop the option with_images",
        )
    events = dataset.interactions
    seen = dataset.features["visual"].mask[events["item"].to_numpy()]
    if not seen.any():
        raise DataError("no item has visual features", got=f"{dataset.num_items} items", where=log.file.parent)
    described = events[seen]
    smaller = dataset.subset(described, np.unique(described["user"]), np.unique(described["item"]))
    removed = {
        "users_removed": dataset.num_users - smaller.num_users,
        "items_removed": dataset.num_items - smaller.num_items,
        "events_removed": len(events) - len(described),
    }
    return replace(smaller, provenance={**dataset.provenance, "with_images": removed})
