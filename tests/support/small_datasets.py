"""Fixtures that build small datasets, for the rooms that test data and checks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from graphrec.data.dataset import InteractionDataset, dataset_from_events

Events = list[tuple[object, ...]]


@pytest.fixture(scope="session")
def dataset_of() -> Callable[..., InteractionDataset]:
    """Builds a dataset from (user, item, behaviour[, fourth]) tuples; `last` names the fourth column."""

    def build(events: Events, last: str | None = "timestamp", **feedback: tuple[str, ...]) -> InteractionDataset:
        columns = ["user", "item", "behaviour", *([last] if last else [])]
        table = pd.DataFrame([event[: len(columns)] for event in events], columns=columns)
        roles = {"click": ("click",), "like": ("like",), **feedback}
        return dataset_from_events("hand-made", table, feedback=roles, provenance={})

    return build


@pytest.fixture(scope="session")
def random_dataset() -> Callable[..., InteractionDataset]:
    """Draws a dataset of clicks, likes and shares (a behaviour without a role) at random times."""

    def draw(seed: int, users: int = 30, items: int = 40, events: int = 900, moments: int = 200) -> InteractionDataset:
        rng = np.random.default_rng(seed)
        table = pd.DataFrame(
            {
                "user": rng.integers(users, size=events),
                "item": rng.integers(items, size=events),
                "behaviour": rng.choice(["click", "like", "share"], p=[0.6, 0.3, 0.1], size=events),
                "timestamp": rng.integers(moments, size=events),
                "part": rng.choice(["train", "valid", "test"], p=[0.8, 0.1, 0.1], size=events),
            }
        )
        roles = {"click": ("click",), "like": ("like",)}
        return dataset_from_events("drawn", table, feedback=roles, provenance={})

    return draw
