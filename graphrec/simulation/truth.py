"""The truth of a simulated world: what a ranking would earn under the intervention that it is made for.

What it should earn is the target; the log shows the observational truth of the same row instead:

    target        true effect                              observational truth
    like          P(like | user, do(item))                 P(like | user, item)
    satisfaction  P(like | user, do(item is clicked))      P(click | user, item)

It is in the folder `truth/` of the raw files and is for evaluation alone; no source reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from graphrec.data.dataset import index_of
from graphrec.errors import Argument, DataError, UnknownIdError, UnknownNameError
from graphrec.seeding import numpy_generator
from graphrec.simulation.world import Latents, WorldConfig, click_given_shown, like_given_click
from graphrec.system.files import read_json
from graphrec.system.integrity import require_intact
from graphrec.system.owned_folder import claim_if_new, own_file, write_own_json

TENSORS = "latents.safetensors"
DESCRIPTION = "world.json"
ORACLES = {
    "like": ("P(like | item)", "P(like | do(item))"),
    "satisfaction": ("P(click | item)", "P(like | do(item is clicked))"),
}
"""By target what the observational and the interventional oracle rank by."""
TARGETS = tuple(ORACLES)
_STRUCTURE = set(WorldConfig.model_fields)


@dataclass(frozen=True)
class Truth:
    """The structural causal model of a world, for some of its users and items.

    Args:
        config: the world's coefficients.
        latents: the latents of these users and items.
        user_ids, item_ids: `[U]`, `[I]` external ids; an argument `users` holds rows of `user_ids`.
        user_rows, item_rows: `[U]`, `[I]` rows in the whole world; they key the draws, so a restricted truth
            draws the same likes as the whole one.

    Every probability is given that the item is shown, as an item that is recommended is; whom a log's items were
    shown to (`showing.py`) is no part of it. Where the confounder's effect drifts, it is that of the end of the log.

    Of four items for two users of a simulated world, what they earn under do(item), and what the log shows:

    >>> truth = Truth.load(raw)
    >>> part = truth.align(truth.user_ids[:2], truth.item_ids[:4])
    >>> part.interventional(np.arange(2)).round(3)
    array([[0.004, 0.007, 0.104, 0.028],
           [0.008, 0.096, 0.162, 0.378]])
    >>> part.observational(np.arange(2)).round(3)
    array([[0.   , 0.001, 0.049, 0.002],
           [0.001, 0.051, 0.131, 0.317]])
    """

    config: WorldConfig
    latents: Latents
    user_ids: np.ndarray
    item_ids: np.ndarray
    user_rows: np.ndarray
    item_rows: np.ndarray

    @property
    def num_users(self) -> int:
        return len(self.user_ids)

    @property
    def num_items(self) -> int:
        return len(self.item_ids)

    def confounder(self) -> np.ndarray:
        """v `[I]` bool."""
        return self.latents.confounder

    def click_probability(self, users: np.ndarray) -> np.ndarray:
        """P(click | user, item) `[b, I]`, the same under do(item): the confounder does not touch it."""
        attraction = self.config.attraction_scale * self.latents.exposure_taste[users] @ self.latents.exposure.T
        return click_given_shown(self.config, self._match(users), attraction)

    def like_given_click(self, users: np.ndarray, intervene: bool) -> np.ndarray:
        """P(like | user, click) `[b, I]`, under do(item) or with the item's own confounder.

        Under do(item) the confounder keeps its own distribution: prevalence P(like | v=1) + (1 - prevalence)
        P(like | v=0) (HCR Eq. 3).
        """
        match = self._match(users)
        if not intervene:
            return like_given_click(self.config, match, self.latents.confounder)
        share = self.config.prevalence
        return share * like_given_click(self.config, match, 1.0) + (1 - share) * like_given_click(
            self.config, match, 0.0
        )

    def interventional(self, users: np.ndarray) -> np.ndarray:
        """P(like | user, do(item)) `[b, I]`: click times like, marginal over the confounder (HCR Eq. 4)."""
        return self.click_probability(users) * self.like_given_click(users, intervene=True)

    def observational(self, users: np.ndarray) -> np.ndarray:
        """P(like | user, item) `[b, I]`, with the confounder that the item has: what the log shows."""
        return self.click_probability(users) * self.like_given_click(users, intervene=False)

    def satisfaction(self, users: np.ndarray) -> np.ndarray:
        """P(like | user, do(item is clicked)) `[b, I]`: liked once it is opened, no matter what drew the click."""
        return self.like_given_click(users, intervene=True)

    def effect(self, users: np.ndarray, target: str) -> np.ndarray:
        """The true effect `[b, I]` that a ranking with this target should follow.

        Raises:
            UnknownNameError: no target of that name.
        """
        _require_target(target)
        return self.interventional(users) if target == "like" else self.satisfaction(users)

    def observed(self, users: np.ndarray, target: str) -> np.ndarray:
        """The observational truth `[b, I]` that the log shows in place of the true effect.

        Raises:
            UnknownNameError: no target of that name.
        """
        _require_target(target)
        return self.observational(users) if target == "like" else self.click_probability(users)

    def draw_likes(self, users: np.ndarray, seed: int, target: str = "like") -> np.ndarray:
        """Likes `[b, I]` bool drawn under the target's intervention, for every pair as if the item were shown.

        The same pair and seed draw the same like in any restriction of the world; whoever likes under do(item)
        also likes once the item is clicked.
        """
        uniform = np.empty((len(users), self.num_items))
        for row, world_row in enumerate(self.user_rows[users]):
            # Numbers for all items of the world are drawn and then selected, so that a restriction sees the same ones.
            random = numpy_generator(self.config.seed, "likes under do", seed, int(world_row))
            uniform[row] = random.random(self.config.items)[self.item_rows]
        return uniform < self.effect(users, target)

    def align(self, user_ids: np.ndarray, item_ids: np.ndarray) -> Truth:
        """The truth of the given external ids, in their order.

        Raises:
            UnknownIdError: an id that this world does not have.
        """
        users = index_of(self.user_ids, list(user_ids), "user")
        items = index_of(self.item_ids, list(item_ids), "item")
        return replace(
            self,
            latents=Latents(
                taste=self.latents.taste[users],
                exposure_taste=self.latents.exposure_taste[users],
                content=self.latents.content[items],
                exposure=self.latents.exposure[items],
                confounder=self.latents.confounder[items],
            ),
            user_ids=self.user_ids[users],
            item_ids=self.item_ids[items],
            user_rows=self.user_rows[users],
            item_rows=self.item_rows[items],
        )

    def save(self, folder: Path) -> None:
        """Write `latents.safetensors` and `world.json` into `folder`."""
        folder = Path(folder)
        claim_if_new(folder, "truth")
        arrays = asdict(self.latents) | {"user_rows": self.user_rows, "item_rows": self.item_rows}
        with own_file(folder / TENSORS) as file:
            file.write_bytes(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))
        description = {
            "config": {name: getattr(self.config, name) for name in WorldConfig.model_fields},
            "user_ids": self.user_ids.tolist(),
            "item_ids": self.item_ids.tolist(),
        }
        write_own_json(folder / DESCRIPTION, description)

    @classmethod
    def load(cls, folder: Path) -> Truth:
        """Read the truth from a simulated raw folder, or from the `truth` folder in it.

        Raises:
            DataError: there is no truth, or it is incomplete.
        """
        folder = Path(folder)
        if (folder / "truth").is_dir():
            folder = folder / "truth"
        if not (folder / TENSORS).is_file():
            raise DataError(
                "there is no truth here",
                expected=f"`{TENSORS}` and `{DESCRIPTION}`, which only a simulated world has",
                where=folder,
                next_step="give the folder that `graphrec simulate` wrote",
            )
        for name in (DESCRIPTION, TENSORS):
            require_intact(folder / name, "simulate the world again")
        description = read_json(folder / DESCRIPTION)
        try:
            arrays = load_file(folder / TENSORS)
            return cls(
                # Some worlds have settings of their features, too, which are no part of the truth.
                config=WorldConfig(**{name: v for name, v in description["config"].items() if name in _STRUCTURE}),
                latents=Latents(**{field.name: arrays[field.name] for field in fields(Latents)}),
                user_ids=np.asarray(description["user_ids"], dtype=object),
                item_ids=np.asarray(description["item_ids"], dtype=object),
                user_rows=arrays["user_rows"],
                item_rows=arrays["item_rows"],
            )
        except (KeyError, TypeError, ValidationError, SafetensorError) as error:
            raise DataError(
                "the truth is incomplete", got=error, where=folder, next_step="simulate the world again"
            ) from None

    def _match(self, users: np.ndarray) -> np.ndarray:
        return self.config.match_scale * self.latents.taste[users] @ self.latents.content.T


def _require_target(name: str) -> None:
    if name not in TARGETS:
        raise UnknownNameError("target", name, TARGETS, where=Argument("target"))


def truth_of(folder: Path, provenance: Mapping[str, Any], user_ids: np.ndarray, item_ids: np.ndarray) -> Truth:
    """The truth of a dataset's users and items, from the folder of the world that the dataset was prepared from.

    Args:
        folder: as for `Truth.load`.
        provenance: the dataset's; it holds the settings of its world.

    Raises:
        DataError: there is no truth, or it is another world's.

    >>> from graphrec.data.store import load
    >>> dataset = load(data)
    >>> truth = truth_of(raw, dataset.provenance, dataset.user_ids[:3], dataset.item_ids)
    >>> truth.num_users, truth.num_items
    (3, 40)
    """
    truth = Truth.load(folder)
    simulated = provenance.get("simulated")
    drawn = simulated.get("config", {}) if isinstance(simulated, dict) else {}
    got = "a truth of other settings" if simulated else "a dataset that was not simulated"
    # A world from before a setting existed lacks it, which means its default.
    settings = {name: drawn.get(name, field.default) for name, field in WorldConfig.model_fields.items()}
    if drawn and settings == {name: getattr(truth.config, name) for name in settings}:
        try:
            return truth.align(user_ids, item_ids)
        except UnknownIdError as error:
            got = f"a truth of other ids: {error.problem}"
    raise DataError(
        "the truth is of another world than the dataset",
        expected="the folder of the simulated world that the dataset was prepared from",
        got=got,
        where=folder,
        next_step="give the folder that `graphrec simulate` wrote and `graphrec prepare` read",
    )
