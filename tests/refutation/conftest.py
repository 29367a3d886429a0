"""A world in which the pictures predict what a user likes and the sounds predict nothing, and a run on it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from graphrec.data.dataset import Feature, InteractionDataset, dataset_from_events
from graphrec.data.store import save
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.runs.train import train

USERS, ITEMS, GROUPS = 60, 120, 4
PARTS = ["train"] * 4 + ["valid"] * 3 + ["test"]


def telling_world() -> InteractionDataset:
    """Each user likes a few items of one group; an item is clicked so seldom that only its picture tells its group."""
    rng = np.random.default_rng(0)
    group = np.arange(ITEMS) % GROUPS
    events = []
    for user in range(USERS):
        own = rng.permutation(np.flatnonzero(group == user % GROUPS))
        for item, part in zip(own.tolist(), PARTS):
            events += [(user, item, behaviour, part) for behaviour in ("click", "like")]
    table = pd.DataFrame(events, columns=["user", "item", "behaviour", "part"])
    dataset = dataset_from_events(
        "telling",
        table,
        feedback={"click": ("click",), "like": ("like",)},
        provenance={},
        user_ids=np.asarray([str(user) for user in range(USERS)], dtype=object),
        item_ids=np.asarray([str(item) for item in range(ITEMS)], dtype=object),
    )
    everything = np.ones(ITEMS, dtype=bool)
    pictures = np.eye(GROUPS)[group] + 0.1 * rng.standard_normal((ITEMS, GROUPS))
    sounds = rng.standard_normal((ITEMS, GROUPS))
    dataset.features.update(  # type: ignore[attr-defined]
        visual=Feature(pictures.astype(np.float32), everything), acoustic=Feature(sounds.astype(np.float32), everything)
    )
    dataset.roles.update(visual="exposure", acoustic="exposure")  # type: ignore[attr-defined]
    return dataset


@pytest.fixture(scope="session")
def telling_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """CausalRec on the telling world; copy its folder before changing it."""
    folder = tmp_path_factory.mktemp("telling")
    save(telling_world(), folder / "prepared")
    recipe = Recipe.from_dict(
        {
            "data": {"path": str(folder / "prepared")},
            "split": {"name": "given", "unseen": "keep"},
            "backbone": {"embedding_size": 16, "projection": 16},
            "decoder": {"name": "causalrec"},
            "training": {"epochs": 40, "learning_rate": 0.01, "monitor": "ndcg@10"},
            "evaluation": {"k": [10, 20]},
        }
    )
    return train(recipe, folder / "run")
