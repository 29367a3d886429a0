"""What a source is: one file that knows one raw layout, and nothing else in graphrec does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from graphrec.data.dataset import InteractionDataset
from graphrec.registry import Registry


class SourceOptions(BaseModel):
    """Options of a source; each is an `option` of `graphrec prepare`. Unknown ones are errors.

    >>> class MyOptions(SourceOptions):
    ...     least_rating: int = 4
    >>> MyOptions()
    MyOptions(least_rating=4)
    >>> from graphrec.validation import validated
    >>> validated(MyOptions, {"least_ratng": 3}, "my source", what="option")
    Traceback (most recent call last):
    graphrec.errors.RecipeError: unknown option `least_ratng`; did you mean `least_rating`?
      expected: one of least_rating
      got: `least_ratng = 3`
      where: my source
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Source(ABC):
    r"""Reads one raw layout.

    A source is a class with a name (given by `@sources.register`), its options, `load`, and `write_fixture`, which
    writes a small valid example in the raw layout for the contract test.

    >>> import pandas as pd
    >>> from graphrec.data.dataset import dataset_from_events
    >>> class Pairs(Source):
    ...     "Lines `user item`, each a click."
    ...     @classmethod
    ...     def load(cls, raw, options):
    ...         events = pd.read_csv(raw / "pairs.txt", sep=" ", names=["user", "item"]).assign(behaviour="click")
    ...         feedback = {"click": ("click",), "like": ("click",)}
    ...         return dataset_from_events("pairs", events, feedback=feedback, provenance={})
    ...     @classmethod
    ...     def write_fixture(cls, raw, seed=0):
    ...         _ = (raw / "pairs.txt").write_text("7 30\n8 30\n")
    >>> Pairs.write_fixture(Path())
    >>> Pairs.load(Path(), Pairs.Options()).user_ids.tolist()
    ['7', '8']
    """

    name: ClassVar[str]
    Options: ClassVar[type[SourceOptions]] = SourceOptions

    @classmethod
    @abstractmethod
    def load(cls, raw: Path, options: SourceOptions) -> InteractionDataset:
        """Read the folder (or file) `raw`.

        Raises:
            DataError: a file is missing or malformed; names the file and, for text, the line.
        """

    @classmethod
    @abstractmethod
    def write_fixture(cls, raw: Path, seed: int = 0) -> None:
        """Write a small valid example of the raw layout into the folder `raw`."""


sources: Registry[Source] = Registry("source", Source, group="graphrec.sources")
