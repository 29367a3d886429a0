"""What a source is: one file that knows one raw layout, and nothing else in graphrec does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from graphrec.data.dataset import InteractionDataset
from graphrec.registry import Registry


class SourceOptions(BaseModel):
    """Options of a source; each is an `option` of `graphrec prepare`. Unknown ones are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(ABC):
    """Reads one raw layout.

    A source is a class with a name (given by `@sources.register`), its options, `load`, and `write_fixture`, which
    writes a small valid example in the raw layout for the contract test.
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
