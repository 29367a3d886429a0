"""Item features of a world: pictures, words and labels that show a latent, and with it perhaps the confounder."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from graphrec.seeding import numpy_generator
from graphrec.simulation.world import Latents, Share, Spread, WorldConfig

WORD_BLOCK = 1024


class PictureConfig(WorldConfig):
    """A world whose items are known by a picture that shows exposure taste and confounder.

    >>> PictureConfig().mark, PictureConfig(missing=0.2).missing
    (3.0, 0.2)
    """

    feature_noise: Spread = 0.3
    """Standard deviation of the noise on the picture's numbers; the signal's is sqrt(latent_width)."""
    mark: Spread = 3.0
    """Length of the confounder's mark in pictures; 0 makes it invisible."""
    missing: Share = 0.0
    """Share of items without a picture."""


class LabelConfig(WorldConfig):
    """A world whose items are known by labels, such as a brand.

    >>> LabelConfig().label_taste, LabelConfig(label_confounder=0).label_confounder
    (2.0, 0.0)
    """

    label_taste: Spread = 2.0
    """How sharply the latent that a label shows picks it; 0 draws labels by chance."""
    label_confounder: Spread = 3.0
    """How sharply the confounder picks the labels that show it; 0 makes it invisible."""
    missing: Share = 0.0
    """Share of items without a label, drawn for each kind of label by itself."""


def present(config: WorldConfig, missing: float, name: str) -> np.ndarray:
    """Which items `[I]` bool have the modality of that name.

    >>> present(WorldConfig(items=6, shown=3), missing=0.5, name="visual")
    array([False,  True,  True, False, False,  True])
    """
    return numpy_generator(config.seed, f"missing {name}").random(config.items) >= missing


def dense(
    config: WorldConfig,
    name: str,
    shown: np.ndarray,
    width: int,
    noise: float,
    confounder: np.ndarray | None = None,
    mark: float = 0.0,
) -> np.ndarray:
    """shown W + noise (+ v d) `[I, width]` float32, with a random map W of the modality's own.

    Args:
        name: of the modality, and of its random streams.
        shown: `[I, latent width]` the latent that the modality shows.
        confounder: v `[I]`, where the modality shows it too, along a random direction d of length `mark`.

    Two items with the same latent differ by the mark of the item that has the confounder:

    >>> config = WorldConfig(items=2, shown=1, latent_width=1)
    >>> values = dense(config, "visual", np.ones((2, 1)), 4, noise=0.0, confounder=np.array([0, 1]), mark=3.0)
    >>> values.shape, float(np.linalg.norm(values[1] - values[0]).round(3))
    ((2, 4), 3.0)
    """
    random_map = numpy_generator(config.seed, f"{name} map").standard_normal((config.latent_width, width))
    values = shown @ random_map + noise * numpy_generator(config.seed, f"{name} noise").standard_normal(
        (config.items, width)
    )
    if confounder is not None:
        direction = numpy_generator(config.seed, f"{name} confounder").standard_normal(width)
        values = values + np.outer(confounder, mark * direction / np.linalg.norm(direction))
    return values.astype(np.float32)


def picture(config: PictureConfig, latents: Latents, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture of each item `[I, width]` float32 that shows e_i and v_i, and which items have it `[I]` bool.

    >>> from graphrec.simulation.world import draw_latents
    >>> config = PictureConfig(users=4, items=6, shown=3, missing=0.5)
    >>> values, has = picture(config, draw_latents(config), width=5)
    >>> has.tolist(), np.array_equal(values.any(axis=1), has)
    ([False, True, True, False, False, True], True)
    """
    has = present(config, config.missing, "visual")
    # Drawn for every item and masked afterwards: `missing` does not change the pictures that are left.
    values = dense(config, "visual", latents.exposure, width, config.feature_noise, latents.confounder, config.mark)
    return values * has[:, None], has


def draw_words(
    item_vectors: np.ndarray, vectors: np.ndarray, lengths: np.ndarray, uniform: np.ndarray
) -> sparse.csr_array:
    """Word counts `[I, vocabulary]`, each word of an item drawn from softmax(<the item, the word's vector>).

    Args:
        item_vectors: `[I, k]`; vectors: `[vocabulary, k]`; lengths: `[I]` words an item, each at least one;
        uniform: as many uniform numbers as there are words.

    An item whose vector is the first word's has that word alone:

    >>> vectors = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> draw_words(50 * vectors, vectors, lengths=np.array([3, 2]), uniform=np.linspace(0.1, 0.9, 5)).toarray()
    array([[3, 0],
           [0, 2]])
    """
    items, vocabulary = len(item_vectors), len(vectors)
    ends = np.cumsum(lengths)
    words = []
    for start in range(0, items, WORD_BLOCK):
        stop = min(start + WORD_BLOCK, items)
        logits = item_vectors[start:stop] @ vectors.T
        cumulative = np.cumsum(np.exp(logits - logits.max(axis=1, keepdims=True)), axis=1)
        cumulative /= cumulative[:, -1:]
        row = np.repeat(np.arange(stop - start), lengths[start:stop])
        first = ends[start] - lengths[start]
        # One sorted array for the whole block: row r's distribution lies between r and r + 1.
        stacked = (cumulative + np.arange(stop - start)[:, None]).ravel()
        word = np.searchsorted(stacked, uniform[first : first + len(row)] + row, side="right")
        # Rounding of a row number plus a number near 1 may step into the next row's words.
        words.append(np.clip(word - row * vocabulary, 0, vocabulary - 1))
    item = np.repeat(np.arange(items), lengths)
    ones = np.ones(len(item), dtype=np.int64)
    return sparse.csr_array(sparse.coo_array((ones, (item, np.concatenate(words))), shape=(items, vocabulary)))


def draw_labels(seed: int, name: str, entity_vectors: np.ndarray, count: int) -> np.ndarray:
    """One of `count` labels for each row of `entity_vectors` `[N, k]`, as a word is drawn: `[N]`, from 0.

    >>> draw_labels(0, "colour", entity_vectors=np.array([[99.0, 0.0], [99.0, 0.0], [0.0, 99.0]]), count=20)
    array([ 6,  6, 18])
    """
    rows, width = entity_vectors.shape
    vectors = numpy_generator(seed, f"{name} labels").standard_normal((count, width))
    uniform = numpy_generator(seed, f"{name} draws").random((rows,))
    return draw_words(entity_vectors, vectors, np.ones(rows, dtype=np.int64), uniform).indices.astype(np.int64)


def item_label(
    config: LabelConfig, name: str, shown: np.ndarray, count: int, confounder: np.ndarray | None = None
) -> np.ndarray:
    """A label of every item `[I]`, from 0, drawn from softmax(label_taste <shown_i, l> + label_confounder v_i l').

    Args:
        shown: `[I, latent width]` the latent that the label shows.
        confounder: v `[I]`, where the label shows it too.

    >>> config = LabelConfig(items=3, shown=2, label_taste=9.0)
    >>> item_label(config, "brand", np.array([[1.0] * 8, [1.0] * 8, [-1.0] * 8]), count=20)
    array([10, 10, 11])
    """
    item_vectors = config.label_taste * shown
    if confounder is not None:
        item_vectors = np.concatenate([item_vectors, config.label_confounder * confounder[:, None]], axis=1)
    return draw_labels(config.seed, name, item_vectors, count)
