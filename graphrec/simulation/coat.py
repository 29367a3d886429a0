"""A world of self-selected ratings in the layout of Coat, with a test split of uniformly random exposure.

    train.ascii, test.ascii      [U, I] ratings 1 to 5, 0 where there is none; spaces between
    user_item_features/          item_features.ascii, user_features.ascii: zeros and ones; *_map.txt name the columns

Users rate in `train` what they clicked; in `test` they rate coats that were drawn for them uniformly at random among
the others. Four stars or more are a like. So likes of the test split follow P(like | user, do(item is clicked)),
for the item with the confounder that it has. An item's attributes show the exposure taste; a user's show the taste.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import model_validator

from graphrec.causal import CausalGraph
from graphrec.seeding import numpy_generator
from graphrec.simulation.base import Drawn, World, worlds
from graphrec.simulation.equations import visual_bias_graph
from graphrec.simulation.features import LabelConfig, draw_labels, item_label, present
from graphrec.simulation.log import stars
from graphrec.simulation.world import Coefficient, Count, Latents, WorldConfig, like_given_click

FOLDER = "user_item_features"
ITEM_ATTRIBUTES = {"gender": 2, "jackettype": 16, "color": 13, "onfrontpage": 2}
USER_ATTRIBUTES = {"gender": 2, "age": 6, "location": 3, "fashioninterest": 3}


class CoatConfig(LabelConfig):
    """Sizes and coefficients of a twin of Coat; the sizes by default are Coat's own.

    >>> CoatConfig().users, CoatConfig().items, CoatConfig().random_test
    (290, 300, 16)
    """

    users: Count = 290
    """U, number of users."""
    items: Count = 300
    """I, number of items."""
    shown: Count = 72
    """Sparsity: items shown to each user (with `activity_tail`, their mean); about a third of them are clicked."""
    strength: Coefficient = 0.0
    """Confounding: added to the logit of a like where the item has the confounder; 0 is none."""
    random_test: Count = 16
    """Items that each user rates in the random test."""

    @model_validator(mode="after")
    def _test_has_room(self) -> CoatConfig:
        room = self.items - (self.items if self.activity_tail else self.shown)
        if self.random_test > room:
            raise ValueError(
                f"random_test ({self.random_test}) must not exceed the items that a user may not have been shown "
                f"({room}{', as activity_tail lets a user be shown all' if self.activity_tail else ''})"
            )
        return self


@worlds.register("coat")
class CoatWorld(World):
    """A twin of Coat: self-selected ratings to train on, ratings of uniformly random coats to test on.

    >>> folder = CoatWorld.write(CoatConfig(users=5, items=20, shown=10, random_test=4), Path("raw"))
    >>> (np.loadtxt(folder / "test.ascii") > 0).sum(axis=1)
    array([4, 4, 4, 4, 4])
    """

    Config = CoatConfig
    target = "satisfaction"

    @classmethod
    def write_raw(cls, config: CoatConfig, world: Drawn, folder: Path) -> None:
        train = np.zeros((config.users, config.items), dtype=np.int8)
        train[world.log.user, world.log.item] = world.log.stars
        np.savetxt(folder / "train.ascii", train, fmt="%d")
        np.savetxt(folder / "test.ascii", draw_random_test(config, world.latents, train > 0), fmt="%d")
        (folder / FOLDER).mkdir()
        for kind, attributes in (("item", ITEM_ATTRIBUTES), ("user", USER_ATTRIBUTES)):
            marks = []
            for name, count in attributes.items():
                if kind == "item":
                    label = item_label(config, name, world.latents.exposure, count, world.latents.confounder)
                    has = present(config, config.missing, name)
                else:
                    # Back to standard normal, so that a user's labels are as sharp as an item's.
                    taste = config.latent_width**0.5 * world.latents.taste
                    label = draw_labels(config.seed, f"user {name}", config.label_taste * taste, count)
                    has = np.ones(config.users, dtype=bool)
                marks.append(np.eye(count, dtype=np.int8)[label] * has[:, None])
            np.savetxt(folder / FOLDER / f"{kind}_features.ascii", np.concatenate(marks, axis=1), fmt="%d")
            names = [f"{name}:{value}\n" for name, count in attributes.items() for value in range(count)]
            (folder / FOLDER / f"{kind}_features_map.txt").write_text("".join(names), encoding="utf-8")

    @classmethod
    def data_notes(cls, config: CoatConfig) -> list[str]:
        return [
            f"{', '.join(ITEM_ATTRIBUTES)} show e_i with sharpness {config.label_taste:g} and v_i with sharpness "
            f"{config.label_confounder:g}; each is missing from {config.missing:.0%} of the coats",
            "a rating is a click; four or five stars, as likely, are a like, one to three are none",
            f"test: {config.random_test} coats a user, drawn uniformly from those without a rating in train, each "
            "rated as if it had been clicked",
        ]

    @classmethod
    def graph(cls, config: WorldConfig) -> CausalGraph:
        return visual_bias_graph(config)

    @classmethod
    def ids(cls, config: WorldConfig) -> tuple[np.ndarray, np.ndarray]:
        """Row and column numbers: the layout has no others."""
        return np.arange(config.users).astype(str).astype(object), np.arange(config.items).astype(str).astype(object)


def draw_random_test(config: CoatConfig, latents: Latents, rated: np.ndarray) -> np.ndarray:
    """Ratings `[U, I]` int8 of the random test, 0 where there is none.

    Args:
        rated: `[U, I]` bool, which pairs are in train.

    Each user rates as many coats as asked for, none of those that are rated already:

    >>> from graphrec.simulation.world import draw_latents
    >>> config = CoatConfig(users=2, items=6, shown=3, random_test=2)
    >>> rated = np.array([[True, True, True, True, False, False]] * 2)
    >>> draw_random_test(config, draw_latents(config), rated) > 0
    array([[False, False, False, False,  True,  True],
           [False, False, False, False,  True,  True]])
    """
    ratings = np.zeros((config.users, config.items), dtype=np.int8)
    for user in range(config.users):
        random = numpy_generator(config.seed, "random test", user)
        items = random.choice(np.flatnonzero(~rated[user]), config.random_test, replace=False)
        match = config.match_scale * latents.content[items] @ latents.taste[user]
        like = random.random(len(items)) < like_given_click(config, match, latents.confounder[items])
        ratings[user, items] = stars(like, random.random(len(items)))
    return ratings
