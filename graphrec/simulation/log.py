"""What the users of a world did: who was shown what, clicked it, and liked it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphrec.simulation.world import Latents, WorldConfig, click_given_shown, like_given_click, stream

START = 1_546_300_800_000
FINISH_ONLY = 0.75
THUMBS_UP_ONLY = 0.10


@dataclass(frozen=True)
class Log:
    """The clicks of a world in order of time, with what followed each.

    Shapes:
        user, item: `[E]` rows of the world; timestamp: `[E]` unix milliseconds;
        like, finish, thumbs_up: `[E]` bool.
    """

    user: np.ndarray
    item: np.ndarray
    timestamp: np.ndarray
    like: np.ndarray
    finish: np.ndarray
    thumbs_up: np.ndarray


def draw_log(config: WorldConfig, latents: Latents, block: int = 512) -> Log:
    """Show, click and like, a block of users at a time.

    Every user has a stream of their own, so the log does not depend on `block`; and everything is drawn for
    every item shown, so two worlds that differ in strength alone have the same clicks at the same times.
    """
    parts = [
        _draw_block(config, latents, np.arange(start, min(start + block, config.users)))
        for start in range(0, config.users, block)
    ]
    user, item, timestamp, like, mark = (np.concatenate(columns) for columns in zip(*parts))
    order = np.lexsort((item, user, timestamp))
    user, item, timestamp, like, mark = (column[order] for column in (user, item, timestamp, like, mark))
    return Log(
        user=user,
        item=item,
        timestamp=timestamp,
        like=like,
        finish=like & ((mark < FINISH_ONLY) | (mark >= FINISH_ONLY + THUMBS_UP_ONLY)),
        thumbs_up=like & (mark >= FINISH_ONLY),
    )


def _draw_block(config: WorldConfig, latents: Latents, users: np.ndarray) -> tuple[np.ndarray, ...]:
    """Clicks of some users: user, item, timestamp, like, and a uniform number that says how a like shows."""
    item = np.empty((len(users), config.shown), dtype=np.int64)
    uniform = np.empty((len(users), 3, config.shown))
    timestamp = np.empty((len(users), config.shown), dtype=np.int64)
    for row, user in enumerate(users):
        random = stream(config.seed, "log", int(user))
        item[row] = random.choice(config.items, config.shown, replace=False)
        uniform[row] = random.random((3, config.shown))
        timestamp[row] = START + random.integers(0, config.days * 86_400_000, config.shown)
    # einsum rather than a matrix product: its sums do not depend on how many users are in the block.
    match = config.match_scale * np.einsum("bd,bsd->bs", latents.taste[users], latents.content[item])
    attraction = config.attraction_scale * np.einsum(
        "bd,bsd->bs", latents.exposure_taste[users], latents.exposure[item]
    )
    clicked = uniform[:, 0] < click_given_shown(config, match, attraction)
    liked = uniform[:, 1] < like_given_click(config, match, latents.confounder[item])
    user = np.broadcast_to(users[:, None], item.shape)
    return user[clicked], item[clicked], timestamp[clicked], liked[clicked], uniform[:, 2][clicked]
