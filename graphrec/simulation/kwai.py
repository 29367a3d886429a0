"""The hidden-confounder world in the layout of the Kuaishou user interest challenge (China MM 2018).

    train_interaction.txt   a photo shown to a user a line, 8 tab-separated columns, no header: user_id, photo_id,
                            click, like, follow, time, playing_time, duration_time
    final_visual_train/     a numpy file for each photo, named by its id, [1, width]

The cover is what is seen before the click: it shows the exposure taste and the confounder. What was shown and not
clicked is in the log. A like shows as a video played to its end, as `like` (the thumb) or as both, no like as neither;
some who like follow, too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from graphrec.seeding import numpy_generator
from graphrec.simulation.base import Drawn, World, worlds
from graphrec.simulation.features import PictureConfig, picture
from graphrec.simulation.world import Width

LOG = "train_interaction.txt"
PICTURES = "final_visual_train"
FOLLOW = 0.9


class KwaiConfig(PictureConfig):
    """Sizes and coefficients of a twin of Kwai.

    >>> KwaiConfig().width, KwaiConfig(width=16).width
    (2048, 16)
    """

    width: Width = 2048
    """Numbers in a picture."""


@worlds.register("kwai")
class KwaiWorld(World):
    """A twin of Kwai (China MM 2018) with a hidden confounder in the covers.

    A line is a photo shown, its third and fourth column are click and like:

    >>> folder = KwaiWorld.write(KwaiConfig(users=3, items=6, shown=4, width=8), Path("raw"))
    >>> lines = (folder / "train_interaction.txt").read_text().splitlines()
    >>> len(lines), sum(line.split()[2] == "1" for line in lines)
    (12, 6)
    """

    Config = KwaiConfig
    unclicked = True

    @classmethod
    def write_raw(cls, config: KwaiConfig, world: Drawn, folder: Path) -> None:
        log = world.log
        random = numpy_generator(config.seed, "columns without meaning")
        duration = random.integers(5, 61, config.items)[log.item]
        played = np.where(log.finish, duration, random.integers(0, duration))
        table = pd.DataFrame(
            {
                "user_id": world.user_ids[log.user],
                "photo_id": world.item_ids[log.item],
                "click": log.click.astype(np.int64),
                "like": log.thumbs_up.astype(np.int64),
                "follow": (log.like & (log.mark >= FOLLOW)).astype(np.int64),
                "time": log.timestamp,
                "playing_time": played * log.click,
                "duration_time": duration,
            }
        )
        table.to_csv(folder / LOG, sep="\t", header=False, index=False)
        (folder / PICTURES).mkdir()
        values, has = picture(config, world.latents, config.width)
        for row in np.flatnonzero(has):
            with open(folder / PICTURES / world.item_ids[row], "wb") as file:
                np.save(file, values[row : row + 1])

    @classmethod
    def data_notes(cls, config: KwaiConfig) -> list[str]:
        return [
            f"covers show e_i and, along a mark of length {config.mark:g}, v_i; "
            f"they are missing from {config.missing:.0%} of the photos",
            "a line of the log is a photo shown; played to its end, thumb or both are the like; "
            f"{1 - FOLLOW:.0%} of the likes are follows, too",
        ]
