"""Amazon 2014: what items look like.

meta_X.json.gz            a record a line, Python literals: asin, title, price, brand, categories, ...
image_features_X.b        records of 16,394 bytes: 10 of ASIN, then 4096 little-endian float32
X_item2attributes.json    with the 5-core lists: {"item": [attributes]}, numbers for categories and brands
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graphrec.data.bags import bag, one_hot, price_bands
from graphrec.data.dataset import Feature
from graphrec.data.readers.lines import read_records
from graphrec.data.readers.raw_files import number_ids
from graphrec.errors import DataError

RECORD = np.dtype([("asin", "S10"), ("vector", "<f4", (4096,))])
BANDS = 20
CATEGORY_IN = 10
"""A name of a path is a separate category if the paths of at least so many items share it; a rarer name counts as the
name above it."""
WORD_IN = 5
"""A word of a title counts if it is in the titles of so many items."""
_AT_ONCE = 1024
_DEAREST = 1e12
_LETTERS = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", dtype=np.uint8)
_WORD = re.compile(r"[a-z0-9]+")
_KINDS: dict[str, tuple[type, ...]] = {"title": (str,), "price": (int, float), "brand": (str,), "categories": (list,)}


def read_images(file: Path, row_of: Mapping[str, int]) -> Feature:
    """The vectors of the items in `row_of`, read by memory map; a second record of an item is ignored.

    Args:
        row_of: the row of each ASIN.

    Raises:
        DataError: a record is incomplete, its ASIN is malformed, or a number is not finite; names the record.

    >>> from pathlib import Path
    >>> import numpy as np
    >>> from graphrec.data.sources.amazon_items import RECORD, read_images
    >>> records = np.zeros(2, dtype=RECORD)
    >>> records["asin"], records["vector"] = ["B000000001", "B000000002"], 0.5
    >>> records.tofile("image_features_Coats.b")
    >>> feature = read_images(Path("image_features_Coats.b"), {"B000000002": 0, "B000000009": 1})
    >>> feature.values.shape, feature.values[:, 0].tolist(), feature.mask.tolist(), feature.encoder
    ((2, 4096), [0.5, 0.0], [True, False], 'CaffeNet')
    """
    size = file.stat().st_size
    whole, rest = divmod(size, RECORD.itemsize)
    if rest or not whole:
        raise DataError(
            "the file does not consist of whole records",
            expected=f"a multiple of {RECORD.itemsize:,} bytes: a 10-byte ASIN and 4096 float32 each",
            got=f"{size:,} bytes: {whole:,} whole records and {rest:,} bytes",
            where=f"{file}, record {whole} (counted from 0)",
            next_step="obtain the file again",
        )
    values = np.zeros((len(row_of), RECORD["vector"].shape[0]), dtype=np.float32)
    described = np.zeros(len(row_of), dtype=bool)
    records = np.memmap(file, dtype=RECORD, mode="r")
    for start in range(0, whole, _AT_ONCE):
        block = records[start : start + _AT_ONCE]
        asins = np.ascontiguousarray(block["asin"])
        letters = np.isin(asins.view(np.uint8), _LETTERS).reshape(-1, 10)
        _refuse(file, start, letters.sum(axis=1) < 10, "an ASIN is malformed", "10 digits and capital letters", asins)
        rows = np.array([row_of.get(asin.decode(), -1) for asin in asins.tolist()])
        # Of a repeated item the first record counts, within this block and over all blocks.
        _, first = np.unique(rows, return_index=True)
        first = first[rows[first] >= 0]
        new = np.sort(first[~described[rows[first]]])
        # The memory map reads the vectors of these items alone from the disk.
        vectors = np.asarray(block["vector"][new])
        finite = np.ones(len(block), dtype=bool)
        finite[new] = np.isfinite(vectors).all(axis=1)
        _refuse(file, start, ~finite, "a number is not finite", "4096 finite numbers", asins)
        values[rows[new]] = vectors
        described[rows[new]] = True
    mask = described & values.any(axis=1)
    return Feature(values, mask, provenance=f"{file.name}, as given", encoder="CaffeNet", layer="fc7")


def read_meta(file: Path, row_of: Mapping[str, int]) -> tuple[dict[str, Feature], dict[str, int]]:
    """Categories, brand, price and title of the items in `row_of`, and counts for the provenance.

    `category` is the bag of all names in `categories`, which is a list of paths from the general to the particular.
    `main_category` is one category an item: the deepest place of its first path that `CATEGORY_IN` items share, or else
    the path's top. The title is the bag of its words that `WORD_IN` items share.

    Raises:
        DataError: a line is no record, or a value of another kind; names file and line.

    >>> import gzip
    >>> from pathlib import Path
    >>> from graphrec.data.sources.amazon_items import read_meta
    >>> record = {"asin": "B000000001", "price": 9.5, "brand": "Fjord", "categories": [["Clothing", "Coats"]]}
    >>> _ = Path("meta_Coats.json.gz").write_bytes(gzip.compress(repr(record).encode()))
    >>> features, counts = read_meta(Path("meta_Coats.json.gz"), {"B000000001": 0, "B000000009": 1})
    >>> features["category"].columns, features["main_category"].columns, features["brand"].mask.tolist()
    (('Clothing', 'Coats'), ('Clothing',), [True, False])
    >>> counts
    {'items_without_meta': 1, 'items_described_again': 0}
    """
    records: dict[str, dict[str, Any]] = {}
    repeated = 0
    for where, record in read_records(file, ("asin",)):
        for key, kinds in _KINDS.items():
            value = record.get(key)
            if value is not None and (isinstance(value, bool) or not isinstance(value, kinds)):
                expected = " or ".join(kind.__name__ for kind in kinds)
                raise DataError(f"`{key}` has a bad value", expected=expected, got=repr(value)[:80], where=where)
        price = record.get("price")
        # Written so that NaN is refused, too: no comparison with NaN holds.
        if price is not None and not abs(price) < _DEAREST:
            raise DataError("`price` has a bad value", expected="an amount", got=repr(price)[:80], where=where)
        asin = record["asin"]
        if not isinstance(asin, str):
            raise DataError("`asin` has a bad value", expected="text", got=repr(asin)[:80], where=where)
        if asin in records:
            repeated += 1
        elif asin in row_of:
            records[asin] = {key: record.get(key) for key in _KINDS}
    ordered = [records.get(asin, {}) for asin in sorted(row_of, key=row_of.__getitem__)]
    brands = np.asarray([(record.get("brand") or "").strip() for record in ordered], dtype=object)
    prices = np.asarray([np.nan if record.get("price") is None else float(record["price"]) for record in ordered])
    titles = [set(_WORD.findall((record.get("title") or "").lower())) for record in ordered]
    shared = Counter(word for words in titles for word in words)
    main = np.asarray(_main_categories([_first_path(record.get("categories")) for record in ordered]), dtype=object)
    features = {
        "category": (_names(_texts(record.get("categories")) for record in ordered), "names in `categories`"),
        "main_category": (
            one_hot(main, main != ""),
            f"the deepest place of the first path in `categories` that {CATEGORY_IN} of the items kept share, one-hot",
        ),
        "brand": (one_hot(brands, brands != ""), "one-hot"),
        "price": (price_bands(prices, BANDS), f"log price in {BANDS} quantile bands of the items kept, one-hot"),
        "title": (
            _names({word for word in words if shared[word] >= WORD_IN} for words in titles),
            f"words in the titles of at least {WORD_IN} of the items kept",
        ),
    }
    counts = {"items_without_meta": len(row_of) - len(records), "items_described_again": repeated}
    return {
        name: Feature(feature.values, feature.mask, feature.columns, f"{file.name}, {note}")
        for name, (feature, note) in features.items()
    }, counts


def read_attributes(file: Path, item_ids: np.ndarray) -> Feature:
    """The bag of attributes of each item.

    Raises:
        DataError: not a JSON object of lists of numbers; names file and item.

    >>> from pathlib import Path
    >>> import numpy as np
    >>> from graphrec.data.sources.amazon_items import read_attributes
    >>> _ = Path("Coats_item2attributes.json").write_text('{"1": [12, 80], "2": [12]}')
    >>> feature = read_attributes(Path("Coats_item2attributes.json"), np.array(["1", "2", "3"], dtype=object))
    >>> feature.columns, feature.values.toarray().tolist(), feature.mask.tolist()
    (('12', '80'), [[0.5, 0.5], [1.0, 0.0], [0.0, 0.0]], [True, True, False])
    """
    expected = '{"item": [attributes], ..}, whole numbers'
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError("not a JSON file", expected=expected, got=str(error)[:200], where=file) from None
    if not isinstance(content, dict):
        raise DataError("not a JSON object", expected=expected, got=type(content).__name__, where=file)
    for item, attributes in content.items():
        if not isinstance(attributes, list) or any(
            type(number) is not int or not 0 <= number < 2**62 for number in attributes
        ):
            where = f'{file}, item "{item[:40]}"'
            raise DataError("not a list of attributes", expected=expected, got=repr(attributes)[:80], where=where)
    lists = [content.get(str(item), []) for item in item_ids]
    rows = np.repeat(np.arange(len(lists)), [len(attributes) for attributes in lists])
    numbers = np.asarray([number for attributes in lists for number in attributes], dtype=np.int64)
    names, columns = number_ids(numbers)
    feature = bag(rows, columns, np.ones(len(rows)), (len(lists), len(names)), names)
    return Feature(feature.values, feature.mask, feature.columns, f"{file.name}, in equal shares")


def _texts(value: Any) -> set[str]:
    """Every text in nested lists."""
    if isinstance(value, list):
        return set().union(*map(_texts, value))
    return {value} if isinstance(value, str) and value else set()


def _first_path(value: Any) -> tuple[str, ...]:
    """The names of the first of nested lists that holds any."""
    if not isinstance(value, list):
        return ()
    names = tuple(name for name in value if isinstance(name, str) and name)
    return names or next(filter(None, map(_first_path, value)), ())


def _main_categories(paths: Sequence[tuple[str, ...]]) -> list[str]:
    """For each path its longest start that `CATEGORY_IN` paths share, or else its first name; empty without a path."""
    starts = [[path[:end] for end in range(1, len(path) + 1)] for path in paths]
    counts = Counter(start for of_path in starts for start in of_path)
    shared = [[start for start in of_path if counts[start] >= CATEGORY_IN] or of_path[:1] for of_path in starts]
    return [" > ".join(of_path[-1]) if of_path else "" for of_path in shared]


def _names(sets: Iterable[set[str]]) -> Feature:
    """The bag of each item's names, in equal shares."""
    sets = list(sets)
    names = sorted(set().union(*sets))
    column_of = {name: column for column, name in enumerate(names)}
    rows = np.repeat(np.arange(len(sets)), [len(texts) for texts in sets])
    columns = np.asarray([column_of[name] for texts in sets for name in sorted(texts)], dtype=np.int64)
    return bag(rows, columns, np.ones(len(rows)), (len(sets), len(names)), names)


def _refuse(file: Path, start: int, wrong: np.ndarray, problem: str, expected: str, asins: np.ndarray) -> None:
    if wrong.any():
        record = int(np.argmax(wrong))
        where = f"{file}, record {start + record} (counted from 0), byte {(start + record) * RECORD.itemsize:,}"
        raise DataError(problem, expected=expected, got=f"ASIN {asins[record]!r}", where=where)
