"""What a simulated world is: a configuration and a writer in the raw layout of a public dataset."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel

from graphrec.registry import Registry
from graphrec.simulation.world import WorldConfig


class World(ABC):
    """Draws a world and writes it as the public dataset would come, with its truth beside it."""

    name: ClassVar[str]
    Config: ClassVar[type[BaseModel]] = WorldConfig

    @classmethod
    @abstractmethod
    def write(cls, config: BaseModel, folder: Path) -> Path:
        """Write the raw files and `truth/` into `folder`, all or nothing; returns the folder.

        Raises:
            DataError: `folder` holds what graphrec did not write.
        """


worlds: Registry[World] = Registry("world")
