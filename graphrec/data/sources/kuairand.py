"""KuaiRand: feeds of a video app into which random videos were slipped (Gao et al., CIKM 2022).

Files of one version (Pure, 1K or 27K), comma separated, the first line names the columns:

log_standard_*.csv          what the recommender showed: user_id, video_id, time_ms, is_click, is_like, ..., is_rand
log_random_*.csv            what was shown at random, likewise
video_features_basic_*.csv  video_id, ..., tag (such as "12,65")
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from graphrec.data.dataset import InteractionDataset
from graphrec.data.readers.chunks import Chunk, Column, read_chunks
from graphrec.data.readers.events import EventBuilder
from graphrec.data.readers.raw_files import how_to_obtain, listing, provenance
from graphrec.data.source import Source, SourceOptions, sources
from graphrec.data.sources.choice import Names, chosen
from graphrec.data.sources.randomised import TEST, TRAIN, RandomisedOptions, with_valid
from graphrec.data.sources.tags import read_tags
from graphrec.errors import DataError

STANDARD, RANDOM, VIDEOS = "log_standard_*.csv", "log_random_*.csv", "video_features_basic_*.csv"
SIGNALS = {
    "click": "is_click",
    "long_view": "long_view",
    "like": "is_like",
    "follow": "is_follow",
    "comment": "is_comment",
    "forward": "is_forward",
    "hate": "is_hate",
}
BEHAVIOURS = ("show", *SIGNALS)
HEADER = ("user_id", "video_id", "time_ms", *SIGNALS.values(), "is_rand")
_COLUMNS = {name: Column(name, "int") for name in HEADER}
# Numbers of up to 18 digits fit into int64.
_TAGS = re.compile(r"(-?\d{1,18}(\s*,\s*-?\d{1,18})*)?")


class KuaiRandOptions(RandomisedOptions):
    """Options of the source `kuairand`.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.kuairand import KuaiRand, KuaiRandOptions
    >>> KuaiRand.write_fixture(Path("feed"))
    >>> for options in (KuaiRandOptions(), KuaiRandOptions(like="like")):
    ...     dataset = KuaiRand.load(Path("feed"), options)
    ...     print(options.like, len(dataset.pairs("like")))
    long_view,like 35
    like 10
    """

    like: Names = "long_view,like"
    """Signals that are the like: names, several separated by commas."""


@sources.register("kuairand")
class KuaiRand(Source):
    """Shown videos with seven signals and tags; the test split was exposed at random.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.kuairand import KuaiRand
    >>> KuaiRand.write_fixture(Path("feed"))
    >>> dataset = gr.load(gr.prepare("kuairand", "feed", "prepared"))
    >>> dataset.behaviours
    ('show', 'click', 'long_view', 'like', 'follow', 'comment', 'forward', 'hate')
    >>> shown = dataset.interactions.query("behaviour == 'show'")
    >>> shown["part"].value_counts().to_dict(), dataset.provenance["randomised_exposure"]
    ({'train': 42, 'test': 9, 'valid': 3}, 'test')
    """

    Options = KuaiRandOptions

    @classmethod
    def load(cls, raw: Path, options: SourceOptions) -> InteractionDataset:
        assert isinstance(options, KuaiRandOptions)
        like = chosen(options.like, tuple(SIGNALS))
        logs = [*_find(raw, STANDARD), *_find(raw, RANDOM)]
        videos = _find(raw, VIDEOS)
        builder = EventBuilder(BEHAVIOURS)
        rows = {}
        for file in logs:
            rows[file.name] = 0
            for chunk in read_chunks(file, _COLUMNS, delimiter=",", header=HEADER):
                _add(builder, chunk)
                rows[file.name] += len(chunk)
        origin = {
            **provenance("kuairand", "kuairand", options, [*logs, *videos]),
            "rows": rows,
            "time_unit": "milliseconds since 1970",
        }
        dataset = builder.build("kuairand", feedback={"click": ("click",), "like": like}, provenance=origin)
        columns = {"video_id": Column("video_id", "int"), "tag": Column("tag", "str", optional=True)}
        chunks = (
            chunk
            for file in videos
            for chunk in read_chunks(file, columns, delimiter=",", header=("video_id", "tag"), quoted=True)
        )
        tags = read_tags(chunks, "video_id", "tag", _TAGS, "tags such as 12,65, or nothing", dataset.item_ids)
        return with_valid(replace(dataset, features={"tags": tags}, roles={"tags": "content"}), options)

    @classmethod
    def write_fixture(cls, raw: Path, seed: int = 0) -> None:
        """Write nine users and eight videos, one of them without a tag; a fifth of the rows were shown at random."""
        raw.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        names = ("log_standard_4_08_to_4_21_pure.csv", "log_random_4_22_to_5_08_pure.csv")
        lines: dict[str, list[str]] = {name: [",".join((*HEADER, "tab"))] for name in names}
        for user in range(9):
            for position, video in enumerate(rng.permutation(8)[:6]):
                signals = (rng.random(len(SIGNALS)) < (0.8, 0.6, 0.3, 0.1, 0.1, 0.1, 0.1)).astype(int)
                time = 1_649_408_076_860 + int(rng.integers(10**9))
                at_random = int(position == 5)
                cells = (user, video, time, *signals, at_random, 1)
                lines[names[at_random]].append(",".join(map(str, cells)))
        tags = ["video_id,author_id,tag", '0,5,"12,65"', "1,5,", *(f"{video},6,{video % 3}" for video in range(2, 8))]
        for name, content in (*lines.items(), ("video_features_basic_pure.csv", tags)):
            (raw / name).write_text("\n".join(content) + "\n")


def _find(raw: Path, pattern: str) -> list[Path]:
    files = sorted(Path(raw).glob(pattern))
    if not files:
        raise DataError(
            f"the layout `kuairand` lacks {pattern}",
            expected=f"a folder with {STANDARD}, {RANDOM} and {VIDEOS} of one version",
            got=listing(raw),
            where=raw,
            next_step=how_to_obtain("kuairand", raw),
        )
    return files


def _add(builder: EventBuilder, chunk: Chunk) -> None:
    """Every row is a `show`, and an event more for each signal that is set; `is_rand` decides the part."""
    for name in (*SIGNALS.values(), "is_rand"):
        chunk.expect(name, (chunk.columns[name] == 0) | (chunk.columns[name] == 1), "0 or 1")
    parts = np.where(chunk.columns["is_rand"] == 1, TEST, TRAIN).astype(np.int8)
    for code, name in enumerate(BEHAVIOURS):
        some = chunk.columns[SIGNALS[name]] == 1 if name in SIGNALS else np.ones(len(chunk), dtype=bool)
        users, videos, times = (chunk.columns[column][some] for column in ("user_id", "video_id", "time_ms"))
        builder.add(users, videos, np.full(len(users), code, np.int8), times, parts[some])
