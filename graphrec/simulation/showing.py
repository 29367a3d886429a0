"""Who is shown what: uniformly at random, or by popularity and attraction, to users who come often or seldom.

An item has a propensity to be shown to a user,

    w_ui = exp(popularity_tail a_i + exposure_bias attraction_ui),   a_i standard normal,

and a user's items are drawn one after another without replacement, each in proportion to w. How many they are is
`shown`, or lognormal with that mean. Showing depends on user and item alone, never on the confounder, so it bends the
log and leaves every probability given that the item is shown as it is.
"""

from __future__ import annotations

import numpy as np

from graphrec.seeding import numpy_generator
from graphrec.simulation.world import Latents, WorldConfig


def number_shown(config: WorldConfig) -> np.ndarray:
    """How many items each user is shown `[U]`: at least one, at most all.

    The mean is `shown` before the bounds: shown exp(a z - a^2 / 2), z standard normal.

    >>> number_shown(WorldConfig(users=3)), number_shown(WorldConfig(users=3, activity_tail=1.0))
    (array([180, 180, 180]), array([228, 297,  77]))
    """
    if config.activity_tail == 0:
        return np.full(config.users, config.shown)
    z = numpy_generator(config.seed, "activity").standard_normal(config.users)
    mean = config.shown * np.exp(config.activity_tail * z - config.activity_tail**2 / 2)
    return np.clip(np.rint(mean), 1, config.items).astype(np.int64)


def popularity(config: WorldConfig) -> np.ndarray:
    """popularity_tail a_i `[I]`, the log of an item's propensity to be shown to whomever.

    >>> popularity(WorldConfig(items=4, shown=2, popularity_tail=1.0)).round(2)
    array([-0.73, -0.45, -2.28, -0.34])
    """
    if config.popularity_tail == 0:
        return np.zeros(config.items)
    return config.popularity_tail * numpy_generator(config.seed, "popularity").standard_normal(config.items)


def shows_alike(config: WorldConfig) -> bool:
    """Whether every set of items is as likely to be shown as any other of its size.

    >>> shows_alike(WorldConfig()), shows_alike(WorldConfig(exposure_bias=0.5))
    (True, False)
    """
    return config.exposure_bias == 0 and config.popularity_tail == 0


def arrival(
    config: WorldConfig, latents: Latents, popular: np.ndarray, user: int, random: np.random.Generator
) -> np.ndarray:
    """A time `[I]` at which each item would come to the user; those that come first are shown.

    The smallest of exponential times with rates w are a draw without replacement in proportion to w (Efraimidis and
    Spirakis, "Weighted random sampling with a reservoir", 2006). In logarithms, so that no rate overflows.

    The item whose log propensity is 50 comes first:

    >>> from graphrec.simulation.world import draw_latents
    >>> config = WorldConfig(users=1, items=3, shown=1)
    >>> times = arrival(config, draw_latents(config), np.array([0.0, 50.0, 0.0]), 0, np.random.default_rng(0))
    >>> int(times.argmin())
    1
    """
    times = np.log(random.standard_exponential(config.items)) - popular
    if config.exposure_bias != 0:
        attraction = config.attraction_scale * latents.exposure @ latents.exposure_taste[user]
        times -= config.exposure_bias * attraction
    return times
