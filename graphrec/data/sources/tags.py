"""A bag of tags for each item, from a table with one line an item."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from graphrec.data.bags import bag
from graphrec.data.dataset import Feature
from graphrec.data.readers.chunks import Chunk
from graphrec.data.readers.raw_files import number_ids
from graphrec.errors import DataError

_NUMBER = re.compile(r"-?\d+")


def read_tags(
    chunks: Iterable[Chunk], item: str, tags: str, pattern: re.Pattern[str], expected: str, item_ids: np.ndarray
) -> Feature:
    """The whole numbers in the column `tags`, for the items in `item_ids`; others are ignored.

    Args:
        chunks: with an int column `item` and a str column `tags`.
        pattern: what a text of tags must match; `expected` says it to the reader of an error.

    Raises:
        DataError: an item has two lines, or a text does not match; names file and line.

    >>> import re
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from graphrec.data.readers.chunks import Column, read_chunks
    >>> from graphrec.data.sources.tags import read_tags
    >>> _ = Path("videos.txt").write_text("7;12,65")
    >>> columns = {"video": Column(0, "int"), "tag": Column(1, "str")}
    >>> chunks = read_chunks(Path("videos.txt"), columns, delimiter=";", width=2)
    >>> item_ids = np.array(["7", "8"], dtype=object)
    >>> feature = read_tags(chunks, "video", "tag", re.compile("[0-9,]+"), "tags such as 12,65", item_ids)
    >>> feature.columns, feature.values.toarray().tolist(), feature.mask.tolist()
    (('12', '65'), [[0.5, 0.5], [0.0, 0.0]], [True, False])
    """
    index = pd.Index(item_ids.astype(np.int64))
    described = np.zeros(len(index), dtype=bool)
    rows: list[int] = []
    numbers: list[int] = []
    source = ""
    for chunk in chunks:
        source = chunk.file.name
        texts = chunk.columns[tags]
        # Texts repeat a lot, so each distinct one is parsed once.
        numbers_of = {
            text: [int(number) for number in _NUMBER.findall(text)] for text in set(texts) if pattern.fullmatch(text)
        }
        chunk.expect(tags, np.fromiter((text in numbers_of for text in texts), dtype=bool, count=len(texts)), expected)
        positions = index.get_indexer(chunk.columns[item])
        for line in np.flatnonzero(positions >= 0).tolist():
            row = int(positions[line])
            if described[row]:
                where = chunk.where(line)
                raise DataError(f"item {item_ids[row]} is described twice", expected="one line an item", where=where)
            described[row] = True
            rows += [row] * len(numbers_of[texts[line]])
            numbers += numbers_of[texts[line]]
    names, columns = number_ids(np.asarray(numbers, dtype=np.int64))
    feature = bag(np.asarray(rows, dtype=np.int64), columns, np.ones(len(rows)), (len(item_ids), len(names)), names)
    return Feature(feature.values, feature.mask, feature.columns, f"{source}, tags in equal shares")
