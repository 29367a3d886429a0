"""The hidden-confounder world: a structural causal model at the scale of a public dataset.

A hidden trait V of an item colours its title, or its picture, and also makes people like it (V -> I, V -> L).
User and item meet in a match Z and a click C, and only those lead on to the like: the causal graph of HCR
(section 3). Nothing is learned; every number is drawn from these equations:

    taste p_u, q_i; exposure taste s_u, e_i        standard normal, p and s divided by sqrt(latent_width)
    v_i ~ Bernoulli(prevalence)                    hidden
    match = match_scale <p_u, q_i>;  attraction = attraction_scale <s_u, e_i>
    shown: a uniformly random set of items for each user
    P(click | shown) = sigmoid(match + attraction + click_intercept)
    P(like | click)  = sigmoid(match + strength v_i + like_intercept)

Likes are rare without the confounder and few items carry it. In such a world an observational and an
interventional ranking differ enough to be told apart; with a higher base rate they do not.

Without the confounder (strength 0) and with `exposure_shows = "visual"` it is a world of visual bias: looks
draw clicks by `attraction_scale`, and no like rests on them.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.special import expit

Share = Annotated[float, Field(ge=0.0, lt=1.0)]


class WorldConfig(BaseModel):
    """Sizes and coefficients of a hidden-confounder world."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    users: int = Field(default=2000, ge=1)
    """U, number of users."""
    items: int = Field(default=1500, ge=1)
    """I, number of items."""
    strength: float = 6.0
    """g, added to the logit of a like where the item carries the confounder; 0 is no confounding."""
    shown: int = Field(default=180, ge=1)
    """Items shown to each user, uniformly at random; about a third of them are clicked."""
    prevalence: float = Field(default=0.1, gt=0.0, lt=1.0)
    """P(v = 1), the share of items that carry the confounder."""
    match_scale: float = 2.5
    """Standard deviation of the match logit over user-item pairs."""
    attraction_scale: float = 2.0
    """Standard deviation of the attraction logit over user-item pairs."""
    click_intercept: float = -1.5
    """Logit of a click at zero match and attraction."""
    like_intercept: float = -4.0
    """Logit of a like of a clicked item at zero match, without the confounder."""
    latent_width: int = Field(default=8, ge=1)
    """Width of the taste and exposure-taste vectors."""
    feature_noise: float = Field(default=0.3, ge=0.0)
    """Standard deviation of the noise on visual and acoustic features; the signal's is sqrt(latent_width)."""
    words: float = Field(default=20.0, ge=1.0)
    """Mean words in a title (one plus a Poisson count)."""
    vocabulary: int = Field(default=1000, ge=2)
    """Number of different words that titles are drawn from."""
    word_taste: float = Field(default=0.7, ge=0.0)
    """How sharply what titles show picks an item's words: its exposure taste, or else its content."""
    word_confounder: float = Field(default=3.0, ge=0.0)
    """How sharply the confounder picks an item's words, or the length of its mark in pictures; 0 makes it invisible."""
    exposure_shows: Literal["title", "visual"] = "title"
    """The modality seen before the click: it shows exposure taste and confounder, the two others the content."""
    missing: Share = 0.0
    """Share of items without a modality, drawn for each modality by itself."""
    days: int = Field(default=30, ge=1)
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
    """

    taste: np.ndarray
    exposure_taste: np.ndarray
    content: np.ndarray
    exposure: np.ndarray
    confounder: np.ndarray


def stream(seed: int, name: str, *numbers: int) -> np.random.Generator:
    """The random stream of that name: what one part of the world draws never shifts what another draws."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()), *numbers)))


def draw_latents(config: WorldConfig) -> Latents:
    """Tastes of users, contents of items, and the hidden confounder."""
    scale = config.latent_width**-0.5

    def normal(name: str, rows: int) -> np.ndarray:
        return stream(config.seed, name).standard_normal((rows, config.latent_width))

    return Latents(
        taste=scale * normal("taste", config.users),
        exposure_taste=scale * normal("exposure taste", config.users),
        content=normal("content", config.items),
        exposure=normal("exposure", config.items),
        confounder=stream(config.seed, "confounder").random(config.items) < config.prevalence,
    )


def click_given_shown(config: WorldConfig, match: np.ndarray, attraction: np.ndarray) -> np.ndarray:
    """P(click | shown) from the two logits."""
    return expit(match + attraction + config.click_intercept)


def like_given_click(config: WorldConfig, match: np.ndarray, confounder: np.ndarray | float) -> np.ndarray:
    """P(like | click, v) from the match logit and the confounder (0 or 1), broadcast."""
    return expit(match + config.strength * confounder + config.like_intercept)
