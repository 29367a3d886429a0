"""The hidden-confounder world in the layout of the ICME-2019 short video challenge, track 2 (Tiktok).

    final_track2_train.txt     a viewed video a line, 12 tab-separated columns, no header
    track2_title.txt           JSON lines: item_id, title_features {word: count}
    track2_video_features.txt  JSON lines: item_id, video_feature_dim_128
    track2_audio_features.txt  JSON lines: item_id, audio_feature_128_dim

One modality shows the exposure taste and the confounder, two the content. With `exposure_shows = "title"` pictures and
sounds show the content; with `"visual"` titles and sounds do. The source does not know which: a recipe on such data
sets `[data.roles]` with `visual = "exposure"` and `textual = "content"`.

A like shows as `finish`, as `like` (the thumb) or as both, no like as neither: finish or thumb is the like.
Cities, authors, channels, music and devices are drawn at random and mean nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field
from scipy import sparse

from graphrec.seeding import numpy_generator
from graphrec.simulation.base import Drawn, World, worlds
from graphrec.simulation.features import dense, draw_words, present
from graphrec.simulation.world import Latents, Share, Spread, WorldConfig

FEATURE_WIDTH = 128


class TiktokConfig(WorldConfig):
    """Sizes and coefficients of a twin of Tiktok.

    >>> TiktokConfig().exposure_shows, TiktokConfig(words=7.5).words
    ('title', 7.5)
    """

    feature_noise: Spread = 0.3
    """Standard deviation of the noise on visual and acoustic features; the signal's is sqrt(latent_width)."""
    words: float = Field(default=20.0, ge=1.0, le=10_000.0)
    """Mean words in a title (one plus a Poisson count)."""
    vocabulary: int = Field(default=1000, ge=2, le=10**6)
    """Number of different words that titles are drawn from."""
    word_taste: Spread = 0.7
    """How sharply what titles show picks an item's words: its exposure taste, or else its content."""
    word_confounder: Spread = 3.0
    """How sharply the confounder picks an item's words, or the length of its mark in pictures; 0 makes it invisible."""
    exposure_shows: Literal["title", "visual"] = "title"
    """The modality seen before the click: it shows exposure taste and confounder, the two others the content."""
    missing: Share = 0.0
    """Share of items without a modality, drawn for each modality by itself."""


@dataclass(frozen=True)
class TiktokFeatures:
    """Item features and where they are missing; rows without data are zero.

    Shapes:
        visual, acoustic: `[I, 128]` float32; titles: CSR `[I, vocabulary]` word counts;
        has: for each of `visual`, `acoustic`, `title` a mask `[I]` bool.

    >>> from graphrec.simulation.world import draw_latents
    >>> config = TiktokConfig(items=6, shown=3, vocabulary=20, missing=0.5)
    >>> features = draw_features(config, draw_latents(config))
    >>> features.visual.shape, features.titles.shape, features.has["title"].tolist()
    ((6, 128), (6, 20), [True, False, False, True, True, False])
    """

    visual: np.ndarray
    acoustic: np.ndarray
    titles: sparse.csr_array
    has: dict[str, np.ndarray]


@worlds.register("tiktok")
class TiktokWorld(World):
    """A twin of Tiktok (ICME-2019 track 2) with a hidden confounder in the titles, or in the pictures.

    >>> folder = TiktokWorld.write(TiktokConfig(users=3, items=6, shown=4), Path("raw"))
    >>> sorted(path.name for path in folder.glob("*.txt"))
    ['final_track2_train.txt', 'track2_audio_features.txt', 'track2_title.txt', 'track2_video_features.txt']
    """

    Config = TiktokConfig

    @classmethod
    def write_raw(cls, config: TiktokConfig, world: Drawn, folder: Path) -> None:
        features = draw_features(config, world.latents)
        _write_log(folder / "final_track2_train.txt", config, world)
        _write_titles(folder / "track2_title.txt", features, world.item_ids)
        for file, key, values, name in (
            ("track2_video_features.txt", "video_feature_dim_128", features.visual, "visual"),
            ("track2_audio_features.txt", "audio_feature_128_dim", features.acoustic, "acoustic"),
        ):
            _write_vectors(folder / file, key, values, features.has[name], world.item_ids)

    @classmethod
    def data_notes(cls, config: TiktokConfig) -> list[str]:
        shown = {"title": ("words of titles", "pictures and sounds"), "visual": ("pictures", "titles and sounds")}
        exposure, content = shown[config.exposure_shows]
        return [
            f"{exposure} show e_i and, with sharpness {config.word_confounder:g}, v_i; {content} show q_i; each "
            f"modality is missing from {config.missing:.0%} of the items",
            "a line of the log is a click; finish, thumb or both are the like",
        ]


def draw_features(config: TiktokConfig, latents: Latents) -> TiktokFeatures:
    """Features of every item, clicked or not.

    Titles are about as long as asked for, and no item without a title has words:

    >>> from graphrec.simulation.world import draw_latents
    >>> config = TiktokConfig(items=200, vocabulary=50, words=7.5, missing=0.2)
    >>> features = draw_features(config, draw_latents(config))
    >>> lengths = features.titles.sum(axis=1)
    >>> float(lengths[features.has["title"]].mean().round(1)), int(lengths[~features.has["title"]].sum())
    (7.6, 0)
    """
    has = {name: present(config, config.missing, name) for name in ("visual", "acoustic", "title")}
    titles = sparse.csr_array(_titles(config, latents).multiply(has["title"][:, None]))
    # The product with a mask stores the zeros of missing titles; without them such a title has no words at all.
    titles.eliminate_zeros()
    exposed = config.exposure_shows == "visual"
    noise, mark = config.feature_noise, config.word_confounder
    if exposed:
        visual = dense(config, "visual", latents.exposure, FEATURE_WIDTH, noise, latents.confounder, mark)
    else:
        visual = dense(config, "visual", latents.content, FEATURE_WIDTH, noise)
    acoustic = dense(config, "acoustic", latents.content, FEATURE_WIDTH, noise)
    return TiktokFeatures(
        visual=visual * has["visual"][:, None],
        acoustic=acoustic * has["acoustic"][:, None],
        titles=titles,
        has=has,
    )


def _titles(config: TiktokConfig, latents: Latents) -> sparse.csr_array:
    """Word counts, each word drawn from softmax(word_taste <e_i, w> + word_confounder v_i w').

    Where pictures show the exposure, q_i takes the place of e_i and v_i leaves no trace.

    A word has a standard normal vector w in the space of exposure tastes and a coordinate w' of its own
    for the confounder. With the default of 20 words the confounder is as plain as in a dense vector that
    has it as a column: a ridge classifier of v on 1,500 normalised bags (five folds, seeds 0 to 4)
    reaches an AUC of 0.9995 to 1.0000, and ridge regression finds 78 % of the variance of e. At the 7.5
    words of real titles it is 0.996 to 0.999 and 59 %. Each word of the default vocabulary occurs in
    about 24 of 1,500 titles.
    """
    vectors = numpy_generator(config.seed, "words").standard_normal((config.vocabulary, config.latent_width + 1))
    lengths = 1 + numpy_generator(config.seed, "title lengths").poisson(config.words - 1, config.items)
    uniform = numpy_generator(config.seed, "title words").random(int(lengths.sum()))
    exposed = config.exposure_shows == "title"
    shown = latents.exposure if exposed else latents.content
    mark = config.word_confounder * (latents.confounder & exposed)
    item_vectors = np.concatenate([config.word_taste * shown, mark[:, None]], axis=1)
    return draw_words(item_vectors, vectors, lengths, uniform)


def _write_log(path: Path, config: TiktokConfig, world: Drawn) -> None:
    log = world.log
    random = numpy_generator(config.seed, "columns without meaning")
    city_of_user, city_of_item = (random.integers(0, 400, size) for size in (config.users, config.items))
    author, music = (random.integers(0, config.items // 2 + 1, config.items) for _ in range(2))
    seconds = random.integers(5, 61, config.items)
    table = pd.DataFrame(
        {
            "uid": world.user_ids[log.user],
            "user_city": city_of_user[log.user],
            "item_id": world.item_ids[log.item],
            "author_id": author[log.item],
            "item_city": city_of_item[log.item],
            "channel": random.integers(0, 5, len(log.user)),
            "finish": log.finish.astype(np.int64),
            "like": log.thumbs_up.astype(np.int64),
            "music_id": music[log.item],
            "did": log.user,
            "create_time": log.timestamp,
            "video_duration": seconds[log.item],
        }
    )
    table.to_csv(path, sep="\t", header=False, index=False)


def _write_titles(path: Path, features: TiktokFeatures, item_ids: np.ndarray) -> None:
    titles = features.titles
    with open(path, "w", encoding="utf-8") as file:
        for row, item_id in enumerate(map(int, item_ids)):
            here = slice(titles.indptr[row], titles.indptr[row + 1])
            counts = dict(zip(map(str, titles.indices[here].tolist()), titles.data[here].tolist()))
            file.write(json.dumps({"item_id": item_id, "title_features": counts}) + "\n")


def _write_vectors(path: Path, key: str, values: np.ndarray, has: np.ndarray, item_ids: np.ndarray) -> None:
    """Nine significant digits bring every float32 back to the bit; a missing vector is an empty list."""
    numbers = ", ".join(["%.9g"] * FEATURE_WIDTH)
    with open(path, "w", encoding="utf-8") as file:
        for item_id, vector, present in zip(item_ids, values, has.tolist()):
            body = numbers % tuple(vector.tolist()) if present else ""
            file.write(f'{{"item_id": {item_id}, "{key}": [{body}]}}\n')
