"""What sources share whose test split was exposed at random.

Such a source puts the events of the randomised (or nearly full) exposure into the part `test`, all others into
`train`, and names that part in its provenance under `randomised_exposure`. The part `valid` is drawn from the likes of
train, since whatever is chosen on randomised exposure spends it. The split `given` keeps these parts.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np
import pandas as pd
from pydantic import Field

from graphrec.data.dataset import InteractionDataset
from graphrec.data.source import SourceOptions
from graphrec.data.splitters import distinct, keys

TRAIN, VALID, TEST = range(3)


class RandomisedOptions(SourceOptions):
    """Options of every source with a randomised test split.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.coat import Coat
    >>> from graphrec.data.sources.randomised import RandomisedOptions
    >>> RandomisedOptions()
    RandomisedOptions(valid=0.1, seed=0)
    >>> Coat.write_fixture(Path("coat"))
    >>> gr.prepare("coat", "coat", "prepared", {"valid": 0})
    Traceback (most recent call last):
    graphrec.errors.RecipeError: coat option `valid` has a wrong value
      expected: greater than 0
      got: `0`
      where: `options`
    """

    valid: float = Field(0.1, gt=0, lt=1)
    """Share of the liked pairs of train that becomes the part `valid`, drawn at random."""
    seed: int = Field(0, ge=0)
    """Seed of that draw."""


def with_valid(dataset: InteractionDataset, options: RandomisedOptions) -> InteractionDataset:
    """Draw the part `valid` from the likes of train and record which part was exposed at random.

    Every event of a drawn pair leaves train.

    >>> import pandas as pd
    >>> from graphrec.data.dataset import dataset_from_events
    >>> from graphrec.data.sources.randomised import RandomisedOptions, with_valid
    >>> events = pd.DataFrame(
    ...     [("ann", "x", "train"), ("ann", "y", "train"), ("ben", "x", "train"), ("ben", "y", "test")],
    ...     columns=["user", "item", "part"],
    ... ).assign(behaviour="like")
    >>> dataset = dataset_from_events("films", events, feedback={"click": ("like",), "like": ("like",)}, provenance={})
    >>> drawn = with_valid(dataset, RandomisedOptions(valid=0.3))
    >>> drawn.interactions["part"].tolist()
    ['train', 'train', 'valid', 'test']
    >>> dict(drawn.provenance)
    {'randomised_exposure': 'test', 'valid_pairs_drawn': 1}
    """
    events = dataset.interactions
    codes = events["part"].cat.codes.to_numpy()
    train = np.flatnonzero(codes == TRAIN)
    pairs = keys(dataset, events.iloc[train])
    liked = distinct(pairs[events["behaviour"].iloc[train].isin(dataset.feedback["like"]).to_numpy()])
    # Rounded up, so that a small dataset has a validation pair, too.
    size = ceil(options.valid * len(liked))
    drawn = np.random.default_rng(options.seed).permutation(liked)[:size]
    parts = codes.copy()
    parts[train[np.isin(pairs, drawn)]] = VALID
    part = pd.Categorical.from_codes(parts, dtype=events["part"].dtype)
    record = {"randomised_exposure": "test", "valid_pairs_drawn": size}
    return replace(dataset, interactions=events.assign(part=part), provenance={**dataset.provenance, **record})
