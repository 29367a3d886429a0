"""The hidden-confounder world in the layout of the Tmall log (IJCAI-15), which the source `taobao` reads as `tmall`.

    user_log_format1.csv   header user_id,item_id,cat_id,seller_id,brand_id,time_stamp,action_type; time_stamp is mmdd;
                           action 0 click, 1 cart, 2 purchase, 3 favourite

The like is the purchase. Category, seller and brand are seen before the click and show the exposure taste; seller and
brand show the confounder, too, as a price or a promise of quality would. A purchase follows its click on the same day;
there are no carts and no favourites. The layout has days in place of times.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from graphrec.simulation.base import Drawn, World, worlds
from graphrec.simulation.features import LabelConfig, item_label, present
from graphrec.simulation.log import DAY, START
from graphrec.simulation.world import Count

LOG = "user_log_format1.csv"
FIRST_DAY = np.datetime64("2015-05-11")
CLICK, PURCHASE = 0, 2


class TaobaoConfig(LabelConfig):
    """Sizes and coefficients of a twin of Taobao's log.

    >>> TaobaoConfig().sellers, TaobaoConfig(brands=10).brands
    (120, 10)
    """

    categories: Count = 60
    """Number of categories that items are drawn into; so with `sellers` and `brands`."""
    sellers: Count = 120
    """Number of sellers."""
    brands: Count = 120
    """Number of brands."""
    days: int = Field(default=30, ge=1, le=235)
    """Length of the log in days, which start on 11 May and end within the year."""


@worlds.register("taobao")
class TaobaoWorld(World):
    """A twin of Taobao (the Tmall log) with a hidden confounder in sellers and brands.

    >>> folder = TaobaoWorld.write(TaobaoConfig(users=20, items=10, shown=5), Path("raw"))
    >>> pd.read_csv(folder / "user_log_format1.csv")["action_type"].value_counts().to_dict()
    {0: 35, 2: 10}
    """

    Config = TaobaoConfig

    @classmethod
    def write_raw(cls, config: TaobaoConfig, world: Drawn, folder: Path) -> None:
        log, labels = world.log, _item_labels(config, world)
        table = pd.DataFrame(
            {
                "user_id": world.user_ids[log.user],
                "item_id": world.item_ids[log.item],
                **{column: values[log.item] for column, values in labels.items()},
                "time_stamp": _days(log.timestamp),
                "action_type": CLICK,
            }
        )
        # The clicks are in order already; a stable sort sets each purchase behind its click.
        events = pd.concat([table, table[log.like].assign(action_type=PURCHASE)]).sort_index(kind="stable")
        events.to_csv(folder / LOG, index=False)

    @classmethod
    def data_notes(cls, config: TaobaoConfig) -> list[str]:
        return [
            f"one of {config.categories} categories, {config.sellers} sellers and {config.brands} brands shows e_i "
            f"with sharpness {config.label_taste:g}; seller and brand show v_i with sharpness "
            f"{config.label_confounder:g}; the brand is missing from {config.missing:.0%} of the items",
            "action 0 is the click, action 2 (purchase) the like",
        ]


def _item_labels(config: TaobaoConfig, world: Drawn) -> dict[str, np.ndarray]:
    """Category, seller and brand of every item: whole numbers from 1 as text, empty where the brand is missing."""
    exposure, confounder = world.latents.exposure, world.latents.confounder
    labels = {
        "cat_id": item_label(config, "category", exposure, config.categories),
        "seller_id": item_label(config, "seller", exposure, config.sellers, confounder),
        "brand_id": item_label(config, "brand", exposure, config.brands, confounder),
    }
    text = {column: (1 + values).astype(str).astype(object) for column, values in labels.items()}
    text["brand_id"][~present(config, config.missing, "brand")] = ""
    return text


def _days(timestamp: np.ndarray) -> np.ndarray:
    """The day of each event as mmdd."""
    days = pd.to_datetime(FIRST_DAY + (timestamp - START) // DAY * np.timedelta64(1, "D"))
    return days.strftime("%m%d").to_numpy()
