"""What a splitter is: one way to divide a dataset's events into train, valid and test."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from graphrec.data.dataset import InteractionDataset
from graphrec.registry import Registry


class SplitConfig(BaseModel):
    """How to divide a dataset.

    >>> SplitConfig().name, SplitConfig().train
    ('chronological', 0.7)
    >>> from graphrec.validation import validated
    >>> moments = {"name": "global_time", "until": [200, 100]}
    >>> validated(SplitConfig, moments, "my.toml", prefix="split.")
    Traceback (most recent call last):
    graphrec.errors.RecipeError: recipe key `split` has a wrong value
      expected: until has the last moment of train first, and a later one of valid
      got: `{'name': 'global_time', 'until': [200, 100]}`
      where: my.toml
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str = "chronological"
    """Of a registered splitter, or the import path of one; see `graphrec list splitters`."""
    train: float = Field(default=0.7, gt=0, lt=1)
    """Share of the clicks (chronological, global_time) or of each user's likes (random) that is train."""
    valid: float = Field(default=0.1, gt=0, lt=1)
    """Share of the clicks (global_time) or of each user's likes (random) that is valid; the rest is test."""
    until: tuple[int, int] | None = None
    """Last moments of train and of valid, in the unit of the dataset's times, instead of shares. For `global_time`
    only."""
    seed: int = Field(default=0, ge=0)
    """Seed of the draw. For `random` only."""
    unseen: Literal["drop", "keep"] = "drop"
    """What becomes of users and items that do not occur in train. `keep` ranks them with the rest, as published tables
    on given splits do; features may still tell something about such an item."""

    @model_validator(mode="after")
    def _moments_in_order(self) -> SplitConfig:
        if self.until is not None and self.until[0] >= self.until[1]:
            raise ValueError("until has the last moment of train first, and a later one of valid")
        return self


@dataclass(frozen=True)
class RawSplit:
    """What a splitter decides, in the dataset's own numbering; `make_split` checks and renumbers it.

    Args:
        train: the training events, rows of `dataset.interactions`.
        valid, test: `[n, 2]` int64 held-out like pairs.
        dropped: how many pairs were left out, by reason.

    >>> events = pd.DataFrame({"user": [0, 1], "item": [0, 0]})
    >>> raw_split = RawSplit(events, valid=np.array([[0, 1]]), test=np.array([[1, 1]]), dropped={"dropped_bots": 3})
    >>> len(raw_split.train), raw_split.valid.tolist(), raw_split.dropped
    (2, [[0, 1]], {'dropped_bots': 3})
    """

    train: pd.DataFrame
    valid: np.ndarray
    test: np.ndarray
    dropped: dict[str, int] = field(default_factory=dict)


class Splitter(ABC):
    """Divides a dataset.

    It only decides. `make_split` then drops held-out pairs that cannot be evaluated, counts them, and renumbers users
    and items. Behaviours without a feedback role (neither click nor like) belong into no split.

    >>> class Everything(Splitter):
    ...     "All events are train, all likes are valid and test."
    ...     @classmethod
    ...     def divide(cls, dataset, config):
    ...         likes = dataset.pairs("like")[["user", "item"]].to_numpy()
    ...         return RawSplit(dataset.interactions, likes, likes)
    """

    name: ClassVar[str]
    uses: ClassVar[frozenset[str]] = frozenset()
    """Those of the settings `train`, `valid`, `until` and `seed` that it reads; a warning names others that are set."""
    if_empty: ClassVar[str] = "use another split"
    """What to do where it leaves train, valid or test empty; the next step of that error."""

    @classmethod
    @abstractmethod
    def divide(cls, dataset: InteractionDataset, config: SplitConfig) -> RawSplit:
        """Decide which events are train and which liked pairs are held out.

        Equal arguments give equal results: whatever is drawn comes from `config.seed`.

        Raises:
            SplitError: the dataset lacks what this splitter needs, such as times.
        """


splitters: Registry[Splitter] = Registry("splitter", Splitter, group="graphrec.splitters")
