"""KuaiRec: a sparse matrix of views to learn from and a nearly full one to test on (Gao et al., CIKM 2022).

Files, comma separated, the first line names the columns:

big_matrix.csv       user_id, video_id, play_duration, video_duration, time, date, timestamp, watch_ratio
small_matrix.csv     the same columns; nearly every user with every video
item_categories.csv  video_id, feat (a list such as "[27, 9]")
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydantic import Field

from graphrec.data.dataset import Feature, InteractionDataset
from graphrec.data.readers.chunks import Chunk, Column, read_chunks
from graphrec.data.readers.events import EventBuilder
from graphrec.data.readers.raw_files import provenance, require_files
from graphrec.data.source import Source, SourceOptions, sources
from graphrec.data.sources.randomised import TEST, TRAIN, RandomisedOptions, with_valid
from graphrec.data.sources.tags import read_tags

FILES = ("big_matrix.csv", "small_matrix.csv", "item_categories.csv")
HEADER = ("user_id", "video_id", "play_duration", "video_duration", "time", "date", "timestamp", "watch_ratio")
NO_TIME = -1
_COLUMNS = {
    "user_id": Column("user_id", "int"),
    "video_id": Column("video_id", "int"),
    "timestamp": Column("timestamp", "float", optional=True),
    "watch_ratio": Column("watch_ratio", "float"),
}
# Numbers of up to 18 digits fit into int64.
_LIST = re.compile(r"\[\s*(\d{1,18}(\s*,\s*\d{1,18})*)?\s*\]")


class KuaiRecOptions(RandomisedOptions):
    """Options of the source `kuairec`.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.kuairec import KuaiRec, KuaiRecOptions
    >>> KuaiRec.write_fixture(Path("views"))
    >>> KuaiRecOptions().like_above
    2.0
    >>> [len(KuaiRec.load(Path("views"), KuaiRecOptions(like_above=share)).pairs("like")) for share in (0.5, 2)]
    [54, 31]
    """

    like_above: float = Field(2.0, ge=0)
    """A view is a like if the share of the video that was watched is larger; 2 is the example of the data's README."""


@sources.register("kuairec")
class KuaiRec(Source):
    """Views of short videos with tags; the test split is a nearly full matrix.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.kuairec import KuaiRec
    >>> KuaiRec.write_fixture(Path("views"))
    >>> dataset = gr.load(gr.prepare("kuairec", "views", "prepared"))
    >>> dataset.num_users, dataset.num_items, dataset.features["tags"].columns
    (9, 10, ('8', '9', '10', '27'))
    >>> test = dataset.pairs("click").query("part == 'test'")
    >>> len(test), test["user"].nunique() * test["item"].nunique()
    (19, 20)
    """

    Options = KuaiRecOptions

    @classmethod
    def load(cls, raw: Path, options: SourceOptions) -> InteractionDataset:
        assert isinstance(options, KuaiRecOptions)
        big, small, categories = files = require_files(raw, FILES, "kuairec")
        builder = EventBuilder(("view", "like"))
        rows: dict[str, int] = {}
        without_time = 0
        for file, part in ((big, TRAIN), (small, TEST)):
            rows[file.name] = 0
            for chunk in read_chunks(file, _COLUMNS, delimiter=",", header=HEADER):
                _add(builder, chunk, part, options.like_above)
                rows[file.name] += len(chunk)
                without_time += int(np.isnan(chunk.columns["timestamp"]).sum())
        origin = {
            **provenance("kuairec", "kuairec", options, files),
            "rows": rows,
            "rows_without_time": without_time,
            "time_unit": "milliseconds since 1970",
        }
        dataset = builder.build("kuairec", feedback={"click": ("view",), "like": ("like",)}, provenance=origin)
        tags = _tags(categories, dataset.item_ids)
        return with_valid(replace(dataset, features={"tags": tags}, roles={"tags": "content"}), options)

    @classmethod
    def write_fixture(cls, raw: Path, seed: int = 0) -> None:
        """Write nine users and ten videos; a full matrix of four by five but for one pair, and three tags."""
        raw.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        lines: dict[str, list[str]] = {name: [",".join(HEADER)] for name in FILES[:2]}
        for user in range(9):
            for video in range(10):
                full = user < 4 and video < 5
                if (user, video) == (1, 2) or (not full and rng.random() < 0.4):
                    continue
                played, length = int(rng.integers(500, 40_000)), 10_000
                seconds = 1_593_878_903 + int(rng.integers(100_000))
                time = "" if full and video == 3 else f"{seconds}.438"
                cells = (user, video, played, length, "2020-07-05 00:08:23.438", 20200705, time, played / length)
                lines[FILES[full]].append(",".join(map(str, cells)))
        tags = ['0,"[8]"', '1,"[27, 9]"', "2,[]", *(f'{video},"[{9 + video % 2}]"' for video in range(3, 10))]
        for name, content in (*lines.items(), (FILES[2], ["video_id,feat", *tags])):
            (raw / name).write_text("\n".join(content) + "\n")


def _add(builder: EventBuilder, chunk: Chunk, part: int, like_above: float) -> None:
    ratio, seconds = chunk.columns["watch_ratio"], chunk.columns["timestamp"]
    chunk.expect("watch_ratio", ratio >= 0, "a number that is not negative")
    timed = ~np.isnan(seconds)
    chunk.expect("timestamp", ~timed | (np.abs(seconds) < 1e12), "seconds since 1970, or nothing")
    # NaN cannot become a whole number, so it is replaced before the conversion.
    times = np.where(timed, np.round(np.where(timed, seconds, 0) * 1000), NO_TIME).astype(np.int64)
    users, videos = chunk.columns["user_id"], chunk.columns["video_id"]
    for code, some in enumerate((np.ones(len(chunk), dtype=bool), ratio > like_above)):
        size = int(some.sum())
        behaviours, parts = np.full(size, code, np.int8), np.full(size, part, np.int8)
        builder.add(users[some], videos[some], behaviours, times[some], parts)


def _tags(file: Path, item_ids: np.ndarray) -> Feature:
    columns = {"video_id": Column("video_id", "int"), "feat": Column("feat", "str")}
    chunks = read_chunks(file, columns, delimiter=",", header=("video_id", "feat"), quoted=True)
    return read_tags(chunks, "video_id", "feat", _LIST, "a list of tags such as [27, 9]", item_ids)
