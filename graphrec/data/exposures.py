"""Pairs that were shown at random, where a dataset marks them: the basis of off-policy estimates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from graphrec.data.dataset import InteractionDataset
from graphrec.data.split import Split
from graphrec.data.splitters import distinct
from graphrec.errors import Argument, DataError, Phrase

MARK = "randomised_exposure"
"""Under this, a dataset's provenance names the split of the source that was exposed at random."""


@dataclass(frozen=True)
class Exposures:
    """What was shown at random, in the numbering of a split.

    Args:
        pairs: `[n, 2]` unique (user, item) pairs, none of them excluded.
        liked: `[n]` bool.
        excluded: `[E, 2]` pairs of train and valid, which no list may hold.
        pool: `[I]` bool, the items that exposure drew from: those shown to any user.

    >>> pairs, liked = np.array([[0, 1], [0, 2]]), np.array([False, True])
    >>> shown = Exposures(pairs, liked, excluded=np.array([[0, 0]]), pool=np.array([True, True, True, False]))
    >>> shown.pairs[shown.liked].tolist(), int(shown.pool.sum())
    ([[0, 2]], 3)
    """

    pairs: np.ndarray
    liked: np.ndarray
    excluded: np.ndarray
    pool: np.ndarray


def randomised_exposures(dataset: InteractionDataset, split: Split) -> Exposures:
    """The pairs of the source's split that was exposed at random.

    Every event of that split shows its pair, whether its behaviour plays a role or not. Pairs that are in train or
    valid too, or of users and items that train does not know, are left out: what remains of a user's showing is still
    a uniform draw from what remains of the pool, whether or not the showing avoided what the user had chosen.

    Args:
        dataset: what the split was made of.

    Raises:
        DataError: no split is marked as exposed at random, `split` does not keep it apart, or nothing of it is left.

    >>> from graphrec.data.split import SplitConfig, make_split
    >>> ratings = gr.simulate("coat", "raw", users=20, items=30, shown=20, random_test=5)
    >>> dataset = gr.load(gr.prepare("coat", ratings, "prepared"))
    >>> shown = randomised_exposures(dataset, make_split(dataset, SplitConfig(name="given")))
    >>> shown.pairs.shape, int(shown.liked.sum()), int(shown.pool.sum())
    ((100, 2), 10, 27)
    >>> randomised_exposures(gr.load(data), make_split(gr.load(data), SplitConfig()))
    Traceback (most recent call last):
    graphrec.errors.DataError: no split of the dataset is marked as exposed at random
      expected: `randomised_exposure` in its provenance, as the sources coat, kuairand, kuairec and yahoo_r3 set it
      got: dataset `tiktok` without
      where: dataset.provenance.randomised_exposure
      next step: evaluate on held-out likes, without `off_policy`
    """
    part = dataset.provenance.get(MARK)
    if part is None or "part" not in dataset.interactions:
        raise DataError(
            "no split of the dataset is marked as exposed at random",
            expected=f"`{MARK}` in its provenance, as the sources coat, kuairand, kuairec and yahoo_r3 set it",
            got=f"dataset `{dataset.name}` without",
            where=f"dataset.provenance.{MARK}",
            next_step=Phrase("evaluate on held-out likes, without {}", Argument("off_policy")),
        )
    if split.config.name != "given":
        raise DataError(
            "the randomised split is not held out",
            expected="the split `given`, which keeps the source's splits",
            got=f"split `{split.config.name}`",
            where="split.name",
            next_step="train with split.name=given in the recipe",
        )
    events = dataset.interactions[dataset.interactions["part"] == part]
    # The split has its own numbers and lacks some users and items, which become -1.
    user_of, item_of = (
        pd.Index(ids).get_indexer(external)
        for ids, external in ((split.dataset.user_ids, dataset.user_ids), (split.dataset.item_ids, dataset.item_ids))
    )
    users, items = user_of[events["user"]], item_of[events["item"]]
    in_train = (users >= 0) & (items >= 0)
    excluded = np.concatenate([split.train_pairs("click"), split.valid])
    width = split.dataset.num_items
    every = users[in_train] * width + items[in_train]
    likes = every[events["behaviour"].isin(dataset.feedback["like"]).to_numpy()[in_train]]
    fresh = distinct(every)
    fresh = fresh[~np.isin(fresh, excluded[:, 0] * width + excluded[:, 1])]
    if len(fresh) == 0:
        raise DataError(
            "no pair was shown at random that train and valid do not hold",
            got=f"{len(events)} events",
            where=f"split `{part}` of dataset `{dataset.name}`",
            next_step=Phrase("evaluate on held-out likes, without {}", Argument("off_policy")),
        )
    pool = np.zeros(width, dtype=bool)
    # Of all that was shown: a pair that train or valid holds was drawn from the same pool.
    pool[every % width] = True
    pairs = np.stack([fresh // width, fresh % width], axis=1)
    return Exposures(pairs, np.isin(fresh, likes), excluded, pool)
