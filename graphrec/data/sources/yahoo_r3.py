"""Yahoo! R3: ratings of songs, with a test split of randomly chosen songs (Marlin and Zemel, RecSys 2009).

Files, tab separated and without a header, each line user, song, rating from 1 to 5:

ydata-ymusic-rating-study-v1_0-train.txt    songs that the users chose to rate
ydata-ymusic-rating-study-v1_0-test.txt     ten songs a user, drawn at random
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import Field

from graphrec.data.dataset import InteractionDataset
from graphrec.data.readers.chunks import Column, read_chunks
from graphrec.data.readers.events import EventBuilder
from graphrec.data.readers.raw_files import provenance, require_files
from graphrec.data.source import Source, SourceOptions, sources
from graphrec.data.sources.randomised import TEST, TRAIN, RandomisedOptions, with_valid

FILES = ("ydata-ymusic-rating-study-v1_0-train.txt", "ydata-ymusic-rating-study-v1_0-test.txt")
_COLUMNS = {"user": Column(0, "int"), "item": Column(1, "int"), "rating": Column(2, "int")}


class YahooR3Options(RandomisedOptions):
    """Options of the source `yahoo_r3`.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.yahoo_r3 import YahooR3, YahooR3Options
    >>> YahooR3.write_fixture(Path("songs"))
    >>> YahooR3Options().like_at
    4
    >>> [len(YahooR3.load(Path("songs"), YahooR3Options(like_at=stars)).pairs("like")) for stars in (1, 4, 5)]
    [63, 28, 14]
    """

    like_at: int = Field(4, ge=1, le=5)
    """Least rating that is a like; every rating is a click."""


@sources.register("yahoo_r3")
class YahooR3(Source):
    """Ratings of songs; the test split was exposed at random. No features.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.yahoo_r3 import YahooR3
    >>> YahooR3.write_fixture(Path("songs"))
    >>> dataset = gr.load(gr.prepare("yahoo_r3", "songs", "prepared"))
    >>> dataset.num_users, dataset.num_items, dataset.features
    (8, 12, {})
    >>> dataset.provenance["randomised_exposure"], dataset.pairs("click")["part"].value_counts().to_dict()
    ('test', {'train': 45, 'test': 15, 'valid': 3})
    """

    Options = YahooR3Options

    @classmethod
    def load(cls, raw: Path, options: SourceOptions) -> InteractionDataset:
        assert isinstance(options, YahooR3Options)
        files = require_files(raw, FILES, "yahoo_r3")
        builder = EventBuilder(("click", "like"))
        lines = 0
        for file, part in zip(files, (TRAIN, TEST)):
            for chunk in read_chunks(file, _COLUMNS, delimiter="\t", width=3):
                rating = chunk.columns["rating"]
                lines += len(chunk)
                chunk.expect("rating", (rating >= 1) & (rating <= 5), "1 to 5")
                for code, rows in enumerate((rating >= 1, rating >= options.like_at)):
                    users, items = chunk.columns["user"][rows], chunk.columns["item"][rows]
                    size = len(users)
                    builder.add(users, items, np.full(size, code, np.int8), parts=np.full(size, part, np.int8))
        origin = {**provenance("yahoo_r3", "yahoo_r3", options, files), "rows": lines}
        dataset = builder.build("yahoo_r3", feedback={"click": ("click",), "like": ("like",)}, provenance=origin)
        return with_valid(dataset, options)

    @classmethod
    def write_fixture(cls, raw: Path, seed: int = 0) -> None:
        """Write eight users and twelve songs: six chosen ratings a user, and three of random songs for five users."""
        raw.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        lines: dict[str, list[str]] = {name: [] for name in FILES}
        for user in range(1, 9):
            order = rng.permutation(12) + 1
            for position, song in enumerate(order[:9] if user <= 5 else order[:6]):
                lines[FILES[position >= 6]].append(f"{user}\t{song}\t{rng.integers(1, 6)}\n")
        for name, rows in lines.items():
            (raw / name).write_text("".join(rows))
