"""Amazon 2014: what users rated, in the three forms in which a category X is published.

ratings_X.csv          user, item, rating, unix time; comma separated, no header
reviews_X_5.json.gz    a record a line: reviewerID, asin, overall (the rating), unixReviewTime, texts
X.txt                  a user a line: user, then items in the order of time; numbers from 1, no ratings (5-core)
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from graphrec.data.readers.chunks import Column, read_chunks
from graphrec.data.readers.events import EventBuilder
from graphrec.data.readers.lines import read_lines, read_records
from graphrec.errors import DataError

STARS = (1, 5)
_AT_ONCE = 100_000
_RATINGS = {
    "user": Column(0, "str"),
    "item": Column(1, "str"),
    "rating": Column(2, "float"),
    "time": Column(3, "int"),
}
_REVIEW = {"reviewerID": (str,), "asin": (str,), "overall": (int, float), "unixReviewTime": (int,)}


def read_ratings(file: Path, like_at: float) -> tuple[EventBuilder, int]:
    """The events (click, like) of a file of ratings, and its number of rows.

    Raises:
        DataError: the file is malformed; names file and line.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.amazon_log import read_ratings
    >>> _ = Path("ratings_Coats.csv").write_text("A1,B01,5.0,1390000000")
    >>> builder, rows = read_ratings(Path("ratings_Coats.csv"), like_at=4)
    >>> rows, len(builder)  # a click, and a like as well
    (1, 2)
    """
    builder, rows = EventBuilder(("click", "like")), 0
    for chunk in read_chunks(file, _RATINGS, delimiter=",", width=4):
        ratings = chunk.columns["rating"]
        chunk.expect("rating", (ratings >= STARS[0]) & (ratings <= STARS[1]), f"{STARS[0]} to {STARS[1]}")
        _add(builder, chunk.columns["user"], chunk.columns["item"], ratings, chunk.columns["time"], like_at)
        rows += len(chunk)
    return builder, rows


def read_reviews(file: Path, like_at: float) -> tuple[EventBuilder, int]:
    """As `read_ratings`, of a file of reviews.

    >>> import json
    >>> from pathlib import Path
    >>> from graphrec.data.sources.amazon_log import read_reviews
    >>> review = {"reviewerID": "A1", "asin": "B01", "overall": 3.0, "unixReviewTime": 1390000000}
    >>> _ = Path("reviews_Coats.json").write_text(json.dumps(review))
    >>> builder, rows = read_reviews(Path("reviews_Coats.json"), like_at=4)
    >>> rows, len(builder)  # a click alone
    (1, 1)
    """
    builder, rows = EventBuilder(("click", "like")), 0
    cells: dict[str, list[object]] = {key: [] for key in _REVIEW}

    def flush() -> None:
        users, items, ratings, times = (np.asarray(cells[key]) for key in _REVIEW)
        _add(builder, users.astype(object), items.astype(object), ratings, times, like_at)
        for column in cells.values():
            column.clear()

    for where, record in read_records(file, tuple(_REVIEW)):
        for key, kinds in _REVIEW.items():
            value = record[key]
            if type(value) not in kinds or value == "":
                expected = " or ".join(kind.__name__ for kind in kinds)
                raise DataError(f"`{key}` has a bad value", expected=expected, got=repr(value)[:80], where=where)
            cells[key].append(value)
        if not STARS[0] <= record["overall"] <= STARS[1]:
            raise DataError("`overall` has a bad value", expected="1 to 5", got=record["overall"], where=where)
        if not 0 <= record["unixReviewTime"] < 2**62:
            raise DataError("`unixReviewTime` has a bad value", got=record["unixReviewTime"], where=where)
        rows += 1
        if rows % _AT_ONCE == 0:
            flush()
    flush()
    return builder, rows


def read_lists(file: Path) -> tuple[EventBuilder, int]:
    """The clicks in a file of lists, and its number of users; the time of a click is its position in the user's list.

    A list that breaks off looks like a shorter list, so the last line must end with a line break as the others do.

    Raises:
        DataError: the file is malformed, or a user has two lines; names file and line.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.amazon_log import read_lists
    >>> with open("Coats.txt", "w") as file:
    ...     print("1 10 12 11", file=file)
    >>> builder, users = read_lists(Path("Coats.txt"))
    >>> dataset = builder.build("coats", feedback={"click": ("click",), "like": ("click",)}, provenance={})
    >>> users, dataset.item_ids[dataset.interactions["item"]].tolist(), dataset.interactions["timestamp"].tolist()
    (1, ['10', '12', '11'], [0, 1, 2])
    """
    builder = EventBuilder(("click",))
    lists: dict[int, list[int]] = {}
    where = ""
    for where, line in read_lines(file):
        cells = line.split()
        # Numbers of up to 18 digits fit into int64.
        wrong = [cell for cell in cells if not (cell.isascii() and cell.isdigit() and len(cell) < 19)]
        if wrong or len(cells) < 2:
            expected = "a user and at least one item, numbers separated by spaces"
            raise DataError("not a list of items", expected=expected, got=repr((wrong or [line])[0][:80]), where=where)
        user, *items = map(int, cells)
        if user in lists:
            raise DataError(f"user {user} has a second list", expected="one line a user", where=where)
        lists[user] = items
    with open(file, "rb") as stream:
        stream.seek(-1, os.SEEK_END)
        if stream.read() != b"\n":
            step = "obtain the file again, or end it with a line break if it is whole"
            raise DataError("the last list breaks off", expected="a line break at its end", where=where, next_step=step)
    lengths = [len(items) for items in lists.values()]
    users = np.repeat(np.fromiter(lists, dtype=np.int64), lengths)
    clicked = np.concatenate([np.asarray(items, dtype=np.int64) for items in lists.values()])
    positions = np.concatenate([np.arange(length) for length in lengths])
    builder.add(users, clicked, np.zeros(len(users), np.int8), positions)
    return builder, len(lists)


def _add(
    builder: EventBuilder,
    users: np.ndarray,
    items: np.ndarray,
    ratings: np.ndarray,
    times: np.ndarray,
    like_at: float,
) -> None:
    # Every rating is a click, and a high one is a like as well.
    for code, some in enumerate((ratings >= STARS[0], ratings >= like_at)):
        builder.add(users[some], items[some], np.full(int(some.sum()), code, np.int8), times[some])
