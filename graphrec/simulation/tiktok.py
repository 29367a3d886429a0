"""The hidden-confounder world in the layout of the ICME-2019 short video challenge, track 2 (Tiktok).

    final_track2_train.txt     a viewed video a line, 12 tab-separated columns, no header
    track2_title.txt           JSON lines: item_id, title_features {word: count}
    track2_video_features.txt  JSON lines: item_id, video_feature_dim_128
    track2_audio_features.txt  JSON lines: item_id, audio_feature_128_dim
    world.json                 what was drawn
    truth/                     the latents, for scoring alone

A like shows as `finish`, as `like` (the thumb) or as both, no like as neither: finish or thumb is the like.
Cities, authors, channels, music and devices are drawn at random and mean nothing.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import BaseModel

from graphrec.files import replace_folder, write_json
from graphrec.simulation.base import World, worlds
from graphrec.simulation.features import FEATURE_WIDTH, WorldFeatures, draw_features
from graphrec.simulation.log import Log, draw_log
from graphrec.simulation.truth import Truth
from graphrec.simulation.world import WorldConfig, draw_latents, stream

MARKER = "world.json"


@worlds.register("tiktok")
class TiktokWorld(World):
    """A twin of Tiktok (ICME-2019 track 2) with a hidden confounder in the titles, or in the pictures."""

    @classmethod
    def write(cls, config: BaseModel, folder: Path) -> Path:
        assert isinstance(config, WorldConfig)
        return write_tiktok(config, folder)


def write_tiktok(config: WorldConfig, folder: Path) -> Path:
    """Draw the world and write it, all or nothing; returns the folder.

    Raises:
        DataError: `folder` holds what graphrec did not write.
    """
    latents = draw_latents(config)
    features = draw_features(config, latents)
    log = draw_log(config, latents)
    # Shuffled, so that no reader can take an id for a row number unnoticed.
    user_ids = stream(config.seed, "user ids").permutation(config.users)
    item_ids = stream(config.seed, "item ids").permutation(config.items)
    truth = Truth(
        config=config,
        latents=latents,
        user_ids=user_ids.astype(str).astype(object),
        item_ids=item_ids.astype(str).astype(object),
        user_rows=np.arange(config.users),
        item_rows=np.arange(config.items),
    )
    folder = Path(folder)
    with replace_folder(folder, MARKER) as part:
        _write_log(part / "final_track2_train.txt", config, log, user_ids, item_ids)
        _write_titles(part / "track2_title.txt", features, item_ids)
        _write_vectors(
            part / "track2_video_features.txt",
            "video_feature_dim_128",
            features.visual,
            features.has["visual"],
            item_ids,
        )
        _write_vectors(
            part / "track2_audio_features.txt",
            "audio_feature_128_dim",
            features.acoustic,
            features.has["acoustic"],
            item_ids,
        )
        truth.save(part / "truth")
        write_json(
            part / MARKER,
            {
                "world": TiktokWorld.name,
                "config": config.model_dump(),
                "clicks": len(log.user),
                "likes": int(log.like.sum()),
            },
        )
    return folder


def _write_log(path: Path, config: WorldConfig, log: Log, user_ids: np.ndarray, item_ids: np.ndarray) -> None:
    random = stream(config.seed, "columns without meaning")
    city_of_user, city_of_item = (random.integers(0, 400, size) for size in (config.users, config.items))
    author, music = (random.integers(0, config.items // 2 + 1, config.items) for _ in range(2))
    seconds = random.integers(5, 61, config.items)
    table = pd.DataFrame(
        {
            "uid": user_ids[log.user],
            "user_city": city_of_user[log.user],
            "item_id": item_ids[log.item],
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


def _write_titles(path: Path, features: WorldFeatures, item_ids: np.ndarray) -> None:
    titles = features.titles
    with open(path, "w", encoding="utf-8") as stream:
        for row, item_id in enumerate(item_ids.tolist()):
            here = slice(titles.indptr[row], titles.indptr[row + 1])
            counts = dict(zip(map(str, titles.indices[here].tolist()), titles.data[here].tolist()))
            stream.write(json.dumps({"item_id": item_id, "title_features": counts}) + "\n")


def _write_vectors(path: Path, key: str, values: np.ndarray, has: np.ndarray, item_ids: np.ndarray) -> None:
    """Nine significant digits bring every float32 back to the bit; a missing vector is an empty list."""
    numbers = ", ".join(["%.9g"] * FEATURE_WIDTH)
    with open(path, "w", encoding="utf-8") as stream:
        for item_id, vector, present in zip(item_ids.tolist(), values, has.tolist()):
            body = numbers % tuple(vector.tolist()) if present else ""
            stream.write(f'{{"item_id": {item_id}, "{key}": [{body}]}}\n')
