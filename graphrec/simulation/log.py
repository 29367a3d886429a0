"""What the users of a world did: who was shown what, clicked it, and liked it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphrec.seeding import numpy_generator
from graphrec.simulation.showing import arrival, number_shown, popularity, shows_alike
from graphrec.simulation.size import require_memory
from graphrec.simulation.world import Latents, WorldConfig, click_given_shown, like_given_click

# 1 January 2019, UTC, and the length of a day, in milliseconds.
START = 1_546_300_800_000
DAY = 86_400_000
# Shares of the likes that show as a finish alone and as a thumb alone; the others show as both.
FINISH_ONLY = 0.75
THUMBS_UP_ONLY = 0.10


@dataclass(frozen=True)
class Log:
    """The clicks of a world in order of time, with what followed each.

    Shapes:
        user, item: `[E]` rows of the world; timestamp: `[E]` unix milliseconds;
        click, like: `[E]` bool; a like is a click;
        mark: `[E]` uniform numbers that say how a like shows.

    >>> from graphrec.simulation.world import draw_latents
    >>> config = WorldConfig(users=4, items=6, shown=3)
    >>> log = draw_log(config, draw_latents(config))
    >>> log.user.tolist(), log.like.tolist(), log.stars.tolist()
    ([3, 0, 1, 1], [False, False, True, False], [1, 1, 4, 1])
    """

    user: np.ndarray
    item: np.ndarray
    timestamp: np.ndarray
    click: np.ndarray
    like: np.ndarray
    mark: np.ndarray

    @property
    def finish(self) -> np.ndarray:
        """Likes that show as a video watched to its end, alone or with a thumb."""
        return self.like & ((self.mark < FINISH_ONLY) | (self.mark >= FINISH_ONLY + THUMBS_UP_ONLY))

    @property
    def thumbs_up(self) -> np.ndarray:
        """Likes that show as a thumb, alone or with a finish."""
        return self.like & (self.mark >= FINISH_ONLY)

    @property
    def stars(self) -> np.ndarray:
        """Likes and other clicks as ratings, see `stars`."""
        return stars(self.like, self.mark)


def stars(like: np.ndarray, mark: np.ndarray) -> np.ndarray:
    """A like as 4 or 5 stars, no like as 1 to 3, each as likely: `[E]` int8.

    >>> stars(np.array([True, True, False, False]), np.array([0.2, 0.8, 0.2, 0.9]))
    array([4, 5, 1, 3], dtype=int8)
    """
    return np.where(like, 4 + (mark >= 0.5), 1 + np.floor(3 * mark)).astype(np.int8)


def draw_log(config: WorldConfig, latents: Latents, block: int = 512, unclicked: bool = False) -> Log:
    """Show, click and like, a block of users at a time.

    Every user has a stream of their own, so the log does not depend on `block`; and everything is drawn for
    every item shown, so two worlds that differ in strength alone have the same clicks at the same times.

    Args:
        unclicked: keep what was shown and not clicked.

    Raises:
        DataError: the log needs more memory than the machine has.

    Three items are shown to each of four users; a third of the twelve are clicked:

    >>> from graphrec.simulation.world import draw_latents
    >>> config = WorldConfig(users=4, items=6, shown=3)
    >>> latents = draw_latents(config)
    >>> len(draw_log(config, latents, unclicked=True).user), len(draw_log(config, latents).user)
    (12, 4)
    """
    counts, popular = number_shown(config), popularity(config)
    parts: list[tuple[np.ndarray, ...]] = []
    for start in range(0, config.users, block):
        users = np.arange(start, min(start + block, config.users))
        parts.append(_draw_block(config, latents, counts, popular, users, unclicked))
        if start == 0:
            # The blocks, the whole log and the sorted log are in memory together.
            require_memory(3 * sum(column.nbytes for column in parts[0]) * config.users // len(users))
    log = Log(*(np.concatenate(columns) for columns in zip(*parts)))
    order = np.lexsort((log.item, log.user, log.timestamp))
    return Log(*(column[order] for column in vars(log).values()))


def _draw_block(
    config: WorldConfig, latents: Latents, counts: np.ndarray, popular: np.ndarray, users: np.ndarray, unclicked: bool
) -> tuple[np.ndarray, ...]:
    """The columns of a `Log` for some users."""
    ends = np.cumsum(counts[users])
    item, timestamp = (np.empty(ends[-1], dtype=np.int64) for _ in range(2))
    uniform = np.empty((3, ends[-1]))
    for user, count, end in zip(users.tolist(), counts[users].tolist(), ends.tolist()):
        here = slice(end - count, end)
        random = numpy_generator(config.seed, "log", user)
        if shows_alike(config):
            item[here] = random.choice(config.items, count, replace=False)
        else:
            # Which items come first counts, and not their order: times of the log are drawn apart.
            item[here] = np.argpartition(arrival(config, latents, popular, user, random), count - 1)[:count]
        uniform[:, here] = random.random((3, count))
        timestamp[here] = START + random.integers(0, config.days * DAY, count)
    user_of = np.repeat(users, counts[users])
    # einsum rather than a matrix product: its sums do not depend on how many users are in the block.
    match = config.match_scale * np.einsum("sd,sd->s", latents.taste[user_of], latents.content[item])
    attraction = config.attraction_scale * np.einsum(
        "sd,sd->s", latents.exposure_taste[user_of], latents.exposure[item]
    )
    click = uniform[0] < click_given_shown(config, match, attraction)
    before_end = 1 - (timestamp - START) / (config.days * DAY)
    like = click & (uniform[1] < like_given_click(config, match, latents.confounder[item], before_end))
    columns = (user_of, item, timestamp, click, like, uniform[2])
    return columns if unclicked else tuple(column[click] for column in columns)
