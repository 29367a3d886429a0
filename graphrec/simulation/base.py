"""What a simulated world is: a configuration, one draw for all, and a writer in the raw layout of a public dataset."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from graphrec.causal import CausalGraph
from graphrec.errors import ANOTHER_FOLDER, DataError
from graphrec.registry import Registry
from graphrec.seeding import numpy_generator
from graphrec.simulation.equations import equations, hidden_confounder_graph
from graphrec.simulation.log import Log, draw_log
from graphrec.simulation.truth import TENSORS, Truth
from graphrec.simulation.world import Latents, WorldConfig, draw_latents
from graphrec.system.owned_folder import write_own_json, write_own_text
from graphrec.system.replaced_folder import replace_folder

KIND = "world"
WORLD = "world.json"
TRUTH = "truth"
GRAPH = "dag.json"
EQUATIONS = "README.md"


@dataclass(frozen=True)
class Drawn:
    """A world that was drawn: what a writer writes.

    Args:
        user_ids, item_ids: `[U]`, `[I]` external ids as strings; rows of `log` and `latents` point into them.

    What `World.write_raw` is given; the log's rows point into the ids:

    >>> from graphrec.simulation import CoatWorld
    >>> config = CoatWorld.Config(users=5, items=20, shown=10, random_test=4)
    >>> latents = draw_latents(config)
    >>> world = Drawn(latents, draw_log(config, latents), *CoatWorld.ids(config))
    >>> world.user_ids[world.log.user][:3], world.item_ids[world.log.item][:3]
    (array(['3', '4', '2'], dtype=object), array(['5', '8', '14'], dtype=object))
    """

    latents: Latents
    log: Log
    user_ids: np.ndarray
    item_ids: np.ndarray


class World(ABC):
    """Draws a world and writes it in the raw layout of a public dataset, with its truth in the folder `truth/`.

    A world is a class with a `Config`, `write_raw` and `data_notes`, registered by `@worlds.register(name)`.

    >>> class Clicks(World):
    ...     "Clicks alone, a line each."
    ...     @classmethod
    ...     def write_raw(cls, config, world, folder):
    ...         pairs = zip(world.user_ids[world.log.user], world.item_ids[world.log.item])
    ...         np.savetxt(folder / "clicks.txt", [*pairs], fmt="%s")
    ...     @classmethod
    ...     def data_notes(cls, config):
    ...         return ["a line is a click"]
    >>> folder = Clicks.write(Clicks.Config(users=5, items=20, shown=10), Path("raw"))
    >>> sorted(path.name for path in folder.iterdir())
    ['clicks.txt', 'graphrec.json', 'truth', 'world.json']
    """

    name: ClassVar[str]
    Config: ClassVar[type[WorldConfig]] = WorldConfig
    target: ClassVar[str] = "like"
    """What a ranking should earn in this world, see `truth.py`."""
    unclicked: ClassVar[bool] = False
    """Whether the layout's log holds what was shown and not clicked."""

    @classmethod
    def write(cls, config: WorldConfig, folder: Path) -> Path:
        """Write the raw files, `world.json` and `truth/` into `folder`, atomically; returns the folder.

        Raises:
            DataError: `folder` holds what graphrec did not write.
        """
        folder = Path(folder)
        refuse_truth(folder)
        latents = draw_latents(config)
        drawn = Drawn(latents, draw_log(config, latents, unclicked=cls.unclicked), *cls.ids(config))
        truth = Truth(
            config=config,
            latents=latents,
            user_ids=drawn.user_ids,
            item_ids=drawn.item_ids,
            user_rows=np.arange(config.users),
            item_rows=np.arange(config.items),
        )
        with replace_folder(folder, KIND) as new:
            cls.write_raw(config, drawn, new)
            write_truth(truth, cls.graph(config), [*equations(config), *cls.data_notes(config)], new)
            write_own_json(new / WORLD, about(cls, config, drawn.log))
        return folder

    @classmethod
    @abstractmethod
    def write_raw(cls, config: Any, world: Drawn, folder: Path) -> None:
        """Write the raw files; `config` is a `cls.Config`."""

    @classmethod
    @abstractmethod
    def data_notes(cls, config: Any) -> list[str]:
        """What item features show and what the log's columns mean, a sentence a line; `config` is a `cls.Config`."""

    @classmethod
    def graph(cls, config: WorldConfig) -> CausalGraph:
        """The causal graph of this world."""
        return hidden_confounder_graph(config)

    @classmethod
    def ids(cls, config: WorldConfig) -> tuple[np.ndarray, np.ndarray]:
        """External ids of users and items; shuffled, so that no reader can take an id for a row number unnoticed."""
        user_ids = numpy_generator(config.seed, "user ids").permutation(config.users)
        item_ids = numpy_generator(config.seed, "item ids").permutation(config.items)
        return user_ids.astype(str).astype(object), item_ids.astype(str).astype(object)


def about(world: type[World], config: WorldConfig, log: Log) -> dict[str, Any]:
    """The content of `world.json`; it goes into the provenance of what is prepared from the world.

    >>> from graphrec.simulation import CoatWorld
    >>> config = CoatWorld.Config(users=5, items=20, shown=10, random_test=4)
    >>> facts = about(CoatWorld, config, draw_log(config, draw_latents(config)))
    >>> facts["world"], facts["target"], facts["clicks"], facts["likes"]
    ('coat', 'satisfaction', 19, 5)
    """
    return {
        # The class's own name: one that was named by import path is not registered, and a base class may be.
        "world": vars(world).get("name", f"{world.__module__}:{world.__qualname__}"),
        "target": world.target,
        "config": config.model_dump(),
        "clicks": int(log.click.sum()),
        "likes": int(log.like.sum()),
    }


def refuse_truth(folder: Path) -> None:
    """Refuse to write over a truth: it has a `world.json` like the folder of its world, which may be replaced.

    Raises:
        DataError: `folder` is the truth of a world.

    >>> refuse_truth(raw)
    >>> refuse_truth(raw / "truth")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    graphrec.errors.DataError: will not overwrite the truth of a world...
    """
    if (folder / TENSORS).is_file():
        raise DataError(
            "will not overwrite the truth of a world",
            expected="a new folder, or that of a whole world",
            got="its truth",
            where=folder,
            next_step=ANOTHER_FOLDER,
        )


def write_truth(truth: Truth, graph: CausalGraph, notes: Sequence[str], folder: Path) -> None:
    """Write `truth/` into `folder`: the latents, the causal graph, the structural equations in words.

    >>> write_truth(Truth.load(raw), hidden_confounder_graph(WorldConfig()), ["a line is a click"], Path("copy"))
    >>> sorted(path.name for path in Path("copy/truth").iterdir())
    ['README.md', 'dag.json', 'graphrec.json', 'latents.safetensors', 'world.json']
    """
    truth.save(folder / TRUTH)
    write_own_text(folder / TRUTH / GRAPH, graph.to_json() + "\n")
    text = "# The truth of a simulated world\n\nFor scoring alone: what learns must not read this folder.\n\n"
    write_own_text(folder / TRUTH / EQUATIONS, text + "".join(f"- {line}\n" for line in notes))


worlds: Registry[World] = Registry("world", World, group="graphrec.worlds")
