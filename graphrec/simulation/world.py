"""A world: a structural causal model at the scale of a public dataset.

A hidden trait V of an item shows in its features and also makes people like it (V -> I, V -> L). User and item
meet in a match Z and a click C, and only those lead on to the like: the causal graph of HCR (section 3). Nothing is
learned; every number is drawn from these equations:

    taste p_u, q_i; exposure taste s_u, e_i        standard normal, p and s divided by sqrt(latent_width)
    v_i ~ Bernoulli(prevalence)                    hidden
    match = match_scale <p_u, q_i>;  attraction = attraction_scale <s_u, e_i>
    shown: see `showing.py`; by default a uniformly random set of items for each user
    P(click | shown) = sigmoid(match + attraction + click_intercept)
    P(like | click)  = sigmoid(match + g(time) v_i + like_intercept),  g = strength at the end of the log

Likes are rare without the confounder and few items have it. In such a world an observational and an
interventional ranking differ significantly; with a higher base rate they do not.

Without the confounder (strength 0) and with pictures that show e_i it is a world of visual bias: visual features draw
clicks by `attraction_scale`, and no like rests on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.special import expit

from graphrec.seeding import numpy_generator
from graphrec.simulation.size import require_memory

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
"""A share of items that is not all of them."""
Count = Annotated[int, Field(ge=1, le=10**9)]
"""How many there are of something."""
Width = Annotated[int, Field(ge=1, le=10**6)]
"""The length of a vector."""
Coefficient = Annotated[float, Field(ge=-1e6, le=1e6)]
"""A number that is added to a logit. Beyond the bounds sums of logits would lose all others, or overflow."""
Spread = Annotated[float, Field(ge=0.0, le=1e6)]
"""A standard deviation, or a scale."""


class WorldConfig(BaseModel):
    """Sizes and coefficients of the structural equations; a world adds what its features show.

    >>> WorldConfig(users=500, items=300).strength
    6.0
    >>> WorldConfig(items=100, shown=180)
    Traceback (most recent call last):
    pydantic_core._pydantic_core.ValidationError: 1 validation error for WorldConfig
      Value error, shown (180) must not exceed items (100); set a smaller shown ...
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    users: Count = 2000
    """U, number of users."""
    items: Count = 1500
    """I, number of items."""
    strength: Coefficient = 6.0
    """Confounding: added to the logit of a like where the item has the confounder; 0 is none."""
    shown: Count = 180
    """Sparsity: items shown to each user (with `activity_tail`, their mean); about a third of them are clicked."""
    prevalence: float = Field(default=0.1, gt=0.0, lt=1.0)
    """P(v = 1), the share of items that have the confounder."""
    match_scale: Spread = 2.5
    """Standard deviation of the match logit over user-item pairs."""
    attraction_scale: Spread = 2.0
    """Visual bias: standard deviation of the attraction logit over user-item pairs; 0 is none."""
    click_intercept: Coefficient = -1.5
    """Logit of a click at zero match and attraction."""
    like_intercept: Coefficient = -4.0
    """Logit of a like of a clicked item at zero match, without the confounder."""
    latent_width: Width = 8
    """Width of the taste and exposure-taste vectors."""
    exposure_bias: Spread = 0.0
    """Exposure bias: items are shown in proportion to exp(exposure_bias attraction); 0 shows without regard to it."""
    popularity_tail: Spread = 0.0
    """Standard deviation over items of the log of how often an item is shown; 0 shows all alike."""
    activity_tail: Spread = 0.0
    """Standard deviation over users of the log of how many items they are shown; 0 is `shown` for each."""
    drift: Coefficient = 0.0
    """How much the confounder's effect rises from the first day to the last, where it is `strength`; the truth is of
    the last."""
    days: int = Field(default=30, ge=1, le=36_500)
    """Length of the log in days."""
    seed: int = Field(default=0, ge=0)
    """Seed of every random stream."""

    @model_validator(mode="after")
    def _shown_at_most_items(self) -> WorldConfig:
        if self.shown > self.items:
            raise ValueError(f"shown ({self.shown}) must not exceed items ({self.items}); set a smaller shown")
        return self


@dataclass(frozen=True)
class Latents:
    """What the world knows and no log shows.

    Shapes (d is the latent width):
        taste, exposure_taste: `[U, d]`; content, exposure: `[I, d]`; confounder: `[I]` bool.

    >>> latents = draw_latents(WorldConfig(users=4, items=6, shown=3, prevalence=0.5))
    >>> latents.taste.shape, latents.content.shape, int(latents.confounder.sum())
    ((4, 8), (6, 8), 1)
    """

    taste: np.ndarray
    exposure_taste: np.ndarray
    content: np.ndarray
    exposure: np.ndarray
    confounder: np.ndarray


def draw_latents(config: WorldConfig) -> Latents:
    """Tastes of users, contents of items, and the hidden confounder.

    Raises:
        DataError: they need more memory than the machine has.

    Of another strength the latents are the same, so that worlds differ in what is set alone:

    >>> weak, strong = (draw_latents(WorldConfig(strength=strength)) for strength in (0, 6))
    >>> np.array_equal(weak.taste, strong.taste), float(weak.confounder.mean().round(2))
    (True, 0.1)
    """
    require_memory(2 * 8 * config.latent_width * (config.users + config.items))
    # A sum of d products of standard normals has variance d. Scaled, match and attraction have the deviations of the
    # settings.
    scale = config.latent_width**-0.5

    def normal(name: str, rows: int) -> np.ndarray:
        return numpy_generator(config.seed, name).standard_normal((rows, config.latent_width))

    return Latents(
        taste=scale * normal("taste", config.users),
        exposure_taste=scale * normal("exposure taste", config.users),
        content=normal("content", config.items),
        exposure=normal("exposure", config.items),
        confounder=numpy_generator(config.seed, "confounder").random(config.items) < config.prevalence,
    )


def click_given_shown(config: WorldConfig, match: np.ndarray, attraction: np.ndarray) -> np.ndarray:
    """P(click | shown) from the two logits.

    >>> click_given_shown(WorldConfig(), match=np.array([0.0, 2.0]), attraction=np.zeros(2)).round(2)
    array([0.18, 0.62])
    """
    return expit(match + attraction + config.click_intercept)


def like_given_click(
    config: WorldConfig, match: np.ndarray, confounder: np.ndarray | float, before_end: np.ndarray | float = 0.0
) -> np.ndarray:
    """P(like | click, v) from the match logit and the confounder (0 or 1), broadcast.

    Args:
        before_end: share of the log that is still to come, 0 at its end and 1 at its start.

    Without the confounder a like of a click is rare, with it the rule:

    >>> like_given_click(WorldConfig(), match=np.zeros(2), confounder=np.array([0, 1])).round(3)
    array([0.018, 0.881])
    """
    return expit(match + (config.strength - config.drift * before_end) * confounder + config.like_intercept)
