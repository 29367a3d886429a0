"""What the items of a world look like: one modality shows the exposure taste and the confounder, two the content.

With `exposure_shows = "title"` pictures and sounds show the content; with `"visual"` titles and sounds do. The source
does not know which: a recipe on such data sets `[data.roles]` with `visual = "exposure"` and `textual = "content"`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from graphrec.simulation.world import Latents, WorldConfig, stream

FEATURE_WIDTH = 128
TITLE_BLOCK = 1024


@dataclass(frozen=True)
class WorldFeatures:
    """Item features and where they are missing; rows without data are zero.

    Shapes:
        visual, acoustic: `[I, 128]` float32; titles: CSR `[I, vocabulary]` word counts;
        has: for each of `visual`, `acoustic`, `title` a mask `[I]` bool.
    """

    visual: np.ndarray
    acoustic: np.ndarray
    titles: sparse.csr_array
    has: dict[str, np.ndarray]


def draw_features(config: WorldConfig, latents: Latents) -> WorldFeatures:
    """Features of every item, clicked or not."""
    has = {
        name: stream(config.seed, f"missing {name}").random(config.items) >= config.missing
        for name in ("visual", "acoustic", "title")
    }
    titles = sparse.csr_array(_titles(config, latents).multiply(has["title"][:, None]))
    titles.eliminate_zeros()
    return WorldFeatures(
        visual=_dense(config, latents, "visual") * has["visual"][:, None],
        acoustic=_dense(config, latents, "acoustic") * has["acoustic"][:, None],
        titles=titles,
        has=has,
    )


def _dense(config: WorldConfig, latents: Latents, name: str) -> np.ndarray:
    """q W + noise `[I, 128]` float32, with a random map of the modality's own; e W + noise + v d where exposure shows.

    The mark d is a random direction of length `word_confounder`.
    """
    random_map = stream(config.seed, f"{name} map").standard_normal((config.latent_width, FEATURE_WIDTH))
    noise = stream(config.seed, f"{name} noise").standard_normal((config.items, FEATURE_WIDTH))
    if config.exposure_shows != name:
        return (latents.content @ random_map + config.feature_noise * noise).astype(np.float32)
    direction = stream(config.seed, f"{name} confounder").standard_normal(FEATURE_WIDTH)
    mark = config.word_confounder * direction / np.linalg.norm(direction)
    values = latents.exposure @ random_map + config.feature_noise * noise + np.outer(latents.confounder, mark)
    return values.astype(np.float32)


def _titles(config: WorldConfig, latents: Latents) -> sparse.csr_array:
    """Word counts, each word drawn from softmax(word_taste <e_i, w> + word_confounder v_i w').

    Where pictures show the exposure, q_i stands for e_i and v_i leaves no trace.

    A word has a standard normal vector w in the space of exposure tastes and a coordinate w' of its own
    for the confounder. With the default of 20 words the confounder is as plain as in a dense vector that
    carries it openly: a ridge classifier of v on 1,500 normalised bags (five folds, seeds 0 to 4)
    reaches an AUC of 0.9995 to 1.0000, and ridge regression finds 78 % of the variance of e. At the 7.5
    words of real titles it is 0.996 to 0.999 and 59 %. Each word of the default vocabulary stands in
    about 24 of 1,500 titles.
    """
    vectors = stream(config.seed, "words").standard_normal((config.vocabulary, config.latent_width + 1))
    lengths = 1 + stream(config.seed, "title lengths").poisson(config.words - 1, config.items)
    ends = np.cumsum(lengths)
    uniform = stream(config.seed, "title words").random(int(ends[-1]))
    exposed = config.exposure_shows == "title"
    shown = latents.exposure if exposed else latents.content
    mark = config.word_confounder * (latents.confounder & exposed)
    place = np.concatenate([config.word_taste * shown, mark[:, None]], axis=1)
    words = []
    for start in range(0, config.items, TITLE_BLOCK):
        stop = min(start + TITLE_BLOCK, config.items)
        logits = place[start:stop] @ vectors.T
        cumulative = np.cumsum(np.exp(logits - logits.max(axis=1, keepdims=True)), axis=1)
        cumulative /= cumulative[:, -1:]
        row = np.repeat(np.arange(stop - start), lengths[start:stop])
        first = ends[start] - lengths[start]
        # One sorted array for the whole block: row r's distribution lies between r and r + 1.
        stacked = (cumulative + np.arange(stop - start)[:, None]).ravel()
        found = np.searchsorted(stacked, uniform[first : first + len(row)] + row, side="right")
        words.append(np.minimum(found - row * config.vocabulary, config.vocabulary - 1))
    item = np.repeat(np.arange(config.items), lengths)
    counts = sparse.coo_array(
        (np.ones(len(item), dtype=np.int64), (item, np.concatenate(words))),
        shape=(config.items, config.vocabulary),
    )
    return sparse.csr_array(counts)
