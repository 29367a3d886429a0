"""The world of visual bias in the layout of Amazon's product data of 2014.

    ratings_X.csv          user,item,rating,unix time; no header
    image_features_X.b     records of 10 bytes (the ASIN) and 4,096 little-endian float32
    meta_X.json.gz         a Python literal a line: asin, title, price, brand, categories

A rating is a click, four stars or more are a like. Visual features draw ratings: the picture shows the exposure taste.
No like rests on it. The category shows the content; titles, prices and brands mean nothing. `strength` above 0 adds a
hidden confounder, which pictures show.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from graphrec.causal import CausalGraph
from graphrec.seeding import numpy_generator
from graphrec.simulation.base import Drawn, World, worlds
from graphrec.simulation.equations import visual_bias_graph
from graphrec.simulation.features import PictureConfig, draw_labels, picture
from graphrec.simulation.world import Coefficient, Count, WorldConfig

WIDTH = 4096


class AmazonConfig(PictureConfig):
    """Sizes and coefficients of a twin of an Amazon category.

    >>> AmazonConfig().strength, AmazonConfig(category="Women").category
    (0.0, 'Women')
    """

    category: str = Field(default="Twin", pattern=r"^\w+$")
    """X in the files' names."""
    strength: Coefficient = 0.0
    """Confounding: added to the logit of a like where the item has the confounder; 0 is none."""
    departments: Count = 40
    """Number of categories inside X; an item's shows its content."""


@worlds.register("amazon")
class AmazonWorld(World):
    """A twin of Amazon's ratings (2014) with visual bias: pictures draw ratings that the match does not earn.

    >>> folder = AmazonWorld.write(AmazonConfig(users=20, items=10, shown=5), Path("raw"))
    >>> sorted(path.name for path in folder.iterdir())
    ['graphrec.json', 'image_features_Twin.b', 'meta_Twin.json.gz', 'ratings_Twin.csv', 'truth', 'world.json']
    >>> user, item, rating, _ = (folder / "ratings_Twin.csv").read_text().splitlines()[0].split(",")
    >>> user, item, rating
    ('A0000000000012', 'B000000004', '1.0')
    """

    Config = AmazonConfig
    target = "satisfaction"

    @classmethod
    def write_raw(cls, config: AmazonConfig, world: Drawn, folder: Path) -> None:
        log, x = world.log, config.category
        columns = (world.user_ids[log.user], world.item_ids[log.item], log.stars.astype(float), log.timestamp // 1000)
        table = pd.DataFrame(dict(enumerate(columns)))
        table.to_csv(folder / f"ratings_{x}.csv", header=False, index=False)
        values, has = picture(config, world.latents, WIDTH)
        with open(folder / f"image_features_{x}.b", "wb") as file:
            for row in np.flatnonzero(has):
                file.write(world.item_ids[row].encode("ascii") + values[row].astype("<f4").tobytes())
        departments = draw_labels(config.seed, "department", world.latents.content, config.departments).tolist()
        random = numpy_generator(config.seed, "columns without meaning")
        prices = np.round(random.lognormal(3, 1, config.items), 2).tolist()
        brands = random.integers(0, config.items // 20 + 1, config.items).tolist()
        # Without a time of writing and a name inside, the same world gives the same bytes.
        with open(folder / f"meta_{x}.json.gz", "wb") as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
            for asin, department, price, brand in zip(world.item_ids, departments, prices, brands):
                record = {"asin": asin, "title": f"Item {asin}", "price": price, "brand": f"Brand {brand}"}
                packed.write(f"{record | {'categories': [[x, f'Department {department}']]}}\n".encode())

    @classmethod
    def data_notes(cls, config: AmazonConfig) -> list[str]:
        return [
            f"pictures show e_i and, along a mark of length {config.mark:g}, v_i; they are missing from "
            f"{config.missing:.0%} of the items; one of {config.departments} departments shows q_i",
            "a rating is a click; four or five stars, as likely, are a like, one to three are none",
        ]

    @classmethod
    def graph(cls, config: WorldConfig) -> CausalGraph:
        return visual_bias_graph(config)

    @classmethod
    def ids(cls, config: WorldConfig) -> tuple[np.ndarray, np.ndarray]:
        """Shuffled, in the form of Amazon's ids."""
        user_ids, item_ids = super().ids(config)
        users = np.asarray([f"A{int(number):013d}" for number in user_ids], dtype=object)
        return users, np.asarray([f"B{int(number):09d}" for number in item_ids], dtype=object)
